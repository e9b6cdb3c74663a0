"""Figures say what their frame says, and no name breaks them."""

import io
import math
import warnings

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from penultimate.figures import PRINT, ranking_figure, selection_curve
from penultimate.figures.style import (
    log_odds_position,
    percent_axis,
    series_style,
    short,
)

NASTY = ["<script>alert(1)</script>", "costs $5 & $6", "_hidden", 'quo"te', "l" * 80, "a\x07b\nc"]


def ranking(backbones=("a", "b", "c"), tasks=("t",)):
    rows = [
        {
            "task": task,
            "measure": "top-1",
            "backbone": backbone,
            "score": 0.98 - 0.03 * i,
            "ci_low": 0.96 - 0.03 * i,
            "ci_high": 0.99 - 0.03 * i,
            "n_test": 200,
            "rank": i + 1,
            "tied_with_best": [True, False, None][min(i, 2)],
        }
        for task in tasks
        for i, backbone in enumerate(backbones)
    ]
    return pd.DataFrame(rows).astype({"tied_with_best": "boolean"})


def curves(backbones=("a", "b")):
    l2 = np.logspace(-6, 5, 45)
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "backbone": name,
                    "l2": l2,
                    "score": 0.95 - 0.01 * i - 0.002 * (np.log10(l2) + 1) ** 2,
                    "n_val": 200,
                    "chosen": np.arange(45) == 20 + i,
                    "converged": np.arange(45) > 1,
                }
            )
            for i, name in enumerate(backbones)
        ]
    )


def svg(figure):
    file = io.StringIO()
    figure.savefig(file, format="svg")
    return file.getvalue()


def texts(figure):
    figure.draw_without_rendering()
    axes = figure.axes[0]
    return [t.get_text() for t in [*axes.get_xticklabels(), *axes.get_yticklabels()]]


def test_ranking_has_a_panel_a_task_and_a_row_a_backbone():
    figure = ranking_figure(ranking(tasks=("t", "u", "v", "w")))
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title(loc="left") for axes in shown] == ["t", "u", "v", "w"]
    assert texts(figure)[-3:] == ["a", "b", "c"]


def test_ranking_draws_scores_and_intervals_where_the_frame_has_them():
    axes = ranking_figure(ranking()).axes[0]
    points = sorted((y, x) for line in axes.lines for x, y in line.get_xydata())
    expected = [math.log(p / (1 - p)) for p in (0.98, 0.95, 0.92)]
    assert [x for _, x in points] == pytest.approx(expected)
    ends = sorted(
        (path[0][1], path[0][0], path[1][0])
        for collection in axes.collections
        for path in collection.get_segments()
    )
    assert [low for _, low, _ in ends] == pytest.approx(
        [math.log(p / (1 - p)) for p in (0.96, 0.93, 0.90)]
    )


def test_marks_are_told_apart_without_colour():
    lines = ranking_figure(ranking()).axes[0].lines
    forms = {(line.get_marker(), line.get_markerfacecolor()) for line in lines}
    assert len(forms) == 3


def test_selection_curve_marks_what_was_chosen_and_what_failed():
    axes = selection_curve(curves()).axes[0]
    marked = [line.get_xdata()[line.get_markevery()] for line in axes.lines if line.get_markevery()]
    grid = np.logspace(-6, 5, 45)
    assert [float(x[0]) for x in marked] == pytest.approx([grid[20], grid[21]])
    assert sum(line.get_marker() == "x" for line in axes.lines) == 2
    assert "10⁻⁶" in texts(selection_curve(curves()))


def test_a_backbone_looks_the_same_whatever_else_is_drawn():
    order = ["a", "b", "c"]
    alone = selection_curve(curves(["b"]), order=order).axes[0].lines[0]
    among = selection_curve(curves(["a", "b"]), order=order).axes[0].lines[2]
    assert alone.get_color() == among.get_color()
    assert alone.get_marker() == among.get_marker()


def test_sixty_series_all_differ():
    looks = {(s.colour, str(s.dash), s.marker) for s in map(series_style, range(60))}
    assert len(looks) == 60


@pytest.mark.parametrize("draw", [lambda n: ranking_figure(ranking(n)), None])
def test_no_name_is_markup_or_mathematics(draw):
    figure = draw(NASTY) if draw else selection_curve(curves(NASTY))
    drawn = svg(figure)
    assert "<script>" not in drawn
    names = [t.get_text() for t in figure.findobj(lambda a: hasattr(a, "get_parse_math"))]
    for name in NASTY:
        assert short(name) in [text.strip() for text in names]


def test_a_name_in_another_script_is_no_error():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        assert svg(ranking_figure(ranking(["写真", "b"])))


def test_long_names_keep_both_ends():
    assert short("tf_efficientnet_lite2@package") == "tf_efficientnet_lite2@package"
    name = short("resnet50@/a/very/long/path/to/a/checkpoint.safetensors")
    assert len(name) == 34
    assert name.startswith("resnet50@")
    assert name.endswith("safetensors")


def test_perfect_and_hopeless_scores_stay_on_the_axis():
    ends = log_odds_position(pd.Series([0.0, 1.0, math.nan]), pd.Series([100, 100, 100]))
    assert ends[:2].tolist() == pytest.approx([-math.log(201), math.log(201)])
    assert math.isnan(ends[2])
    frame = ranking().assign(score=1.0, ci_high=1.0)
    svg(ranking_figure(frame))


@pytest.mark.parametrize(
    ("low", "high"), [(0.5, 0.99), (0.951, 0.953), (0.02, 0.98), (0.9991, 0.9999), (0.7, 0.7)]
)
def test_every_axis_has_ticks_in_percent(low, high):
    axes = ranking_figure(ranking()).axes[0]
    percent_axis(axes.xaxis, [math.log(p / (1 - p)) for p in (low, high)], most=5)
    labels = [float(text) for text in texts(axes.figure)[:-3]]
    assert 2 <= len(labels) <= 6
    assert labels == sorted(labels)
    left, right = axes.get_xlim()
    assert all(left <= math.log(p / (100 - p)) <= right for p in labels)


def test_nothing_to_draw_is_an_empty_figure():
    assert svg(ranking_figure(ranking().assign(score=math.nan)))


def test_print_colours_are_seen_on_white():
    for colour in (PRINT.ink, PRINT.muted, PRINT.accent, *PRINT.series):
        linear = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)
        ]
        luminance = np.dot([0.2126, 0.7152, 0.0722], linear)
        assert 1.05 / (luminance + 0.05) >= 4.5
