"""Figures 1 and 2 show the numbers they say, where they say, legibly."""

import math

import numpy as np
import pandas as pd
import pytest
from legible import assert_legible, assert_logit_ticks, synthetic, told_apart
from scipy.stats import ttest_rel

from penultimate.errors import SpecError
from penultimate.figures import PRINT
from penultimate.figures.average_correlation import (
    average_correlation_figure,
    average_correlation_table,
)
from penultimate.figures.correlation import correlation_figure, correlation_table
from penultimate.figures.correlation_panel import looks
from penultimate.figures.paper import COLUMN, TEXT
from penultimate.stats import accuracy_grid, correlation


def few(methods=("linear-probe",), tasks=("DTD", "Flowers"), networks=5):
    frame = synthetic.ranking(methods)
    names = list(synthetic.NETWORKS)[:networks]
    return frame[frame["task"].isin(tasks) & frame["backbone"].isin(names)]


def drawn(axes):
    """The points of a panel, in log odds."""
    marks = [line for line in axes.lines if line.get_marker() not in ("None", None, "")]
    return sorted(tuple(xy) for line in marks for xy in line.get_xydata())


def logit(p):
    return math.log(p / (1 - p))


@pytest.fixture(scope="module")
def whole():
    return correlation_figure(synthetic.ranking())


def test_the_paper_s_figure_has_thirteen_panels_a_setting(whole):
    panels = [axes for axes in whole.get_axes() if axes.get_visible()]
    assert len(panels) == 3 * 13
    assert_legible(whole)
    assert whole.get_figwidth() == TEXT


def test_every_axis_is_in_log_odds_with_percentages_on_it(whole):
    whole.draw_without_rendering()
    for axes in whole.get_axes():
        if not axes.get_title(loc="left").startswith("Average"):
            assert_logit_ticks(axes.yaxis)
        if axes.xaxis.get_tick_params()["labelbottom"]:
            assert_logit_ticks(axes.xaxis)


def test_points_stand_at_the_log_odds_of_both_accuracies():
    frame = few()
    figure = correlation_figure(frame)
    for axes, task in zip(figure.get_axes(), ["DTD", "Flowers"], strict=False):
        rows = frame[frame["task"] == task]
        expected = sorted(
            (logit(x), logit(y)) for x, y in zip(rows["imagenet_top1"], rows["score"], strict=True)
        )
        assert np.allclose(drawn(axes), expected)


def test_the_average_is_of_log_odds_with_morey_s_error_bars():
    frame = few()
    grid = frame.pivot(index="backbone", columns="task", values="score").map(logit)
    table = average_correlation_table(frame).set_index("backbone")
    assert np.allclose(table["log_odds"], grid.mean(axis=1)[table.index])
    adjusted = grid - grid.mean()
    error = adjusted.std(axis=1, ddof=1) / math.sqrt(2) * math.sqrt(5 / 4)
    assert np.allclose(table["standard_error"], error[table.index])
    axes = average_correlation_figure(frame).get_axes()[0]
    assert np.allclose([y for _, y in drawn(axes)], sorted(table["log_odds"]), atol=1)
    bars = [s for c in axes.collections if hasattr(c, "get_segments") for s in c.get_segments()]
    heights = sorted((s[1][1] - s[0][1]) / 2 for s in bars)
    assert np.allclose(heights, sorted(table["standard_error"]))


def test_green_are_those_that_the_paired_tests_do_not_separate():
    frame = synthetic.ranking(("fine-tune",))
    table = correlation_table(frame)
    panel = table[table["data_set"] != "average"]
    given = frame.set_index(["task", "backbone"])["tied_with_best"]
    keys = list(zip(panel["data_set"], panel["backbone"], strict=True))
    assert list(panel["level_with_best"]) == list(given.loc[keys])
    average = table[table["data_set"] == "average"].set_index("backbone")["level_with_best"]
    grid = frame.pivot(index="backbone", columns="task", values="score").map(logit)
    best = grid.mean(axis=1).idxmax()
    for name in grid.index.drop(best):
        assert average[name] == (ttest_rel(grid.loc[name], grid.loc[best]).pvalue > 0.05)
    assert average[best]
    axes = average_correlation_figure(frame).get_axes()[0]
    green = [
        line
        for line in axes.lines
        if line.get_color() == looks(PRINT)[next(iter(looks(PRINT)))]["color"]
    ]
    assert sum(len(line.get_xydata()) for line in green) == average.sum()


def test_what_was_not_compared_is_neither_green_nor_behind():
    frame = few().assign(tied_with_best=pd.array([pd.NA] * 10, dtype="boolean"))
    axes = correlation_figure(frame).get_axes()[0]
    assert {line.get_marker() for line in axes.lines} - {"None"} == {"D"}


def test_line_and_band_are_drawn_where_there_are_three_networks():
    axes = correlation_figure(few()).get_axes()[0]
    line = next(line for line in axes.lines if line.get_linestyle() == "-")
    rows = few()[few()["task"] == "DTD"]
    x, y = rows["imagenet_top1"].map(logit), rows["score"].map(logit)
    slope, intercept = np.polyfit(x, y, 1)
    assert np.allclose(line.get_ydata(), slope * line.get_xdata() + intercept)
    assert len(axes.collections) == 1
    two = correlation_figure(few(networks=2)).get_axes()[0]
    assert not two.collections


@pytest.mark.parametrize("width", [COLUMN, TEXT])
@pytest.mark.parametrize("tasks", [1, 3, 7])
def test_any_number_of_data_sets_is_legible(width, tasks):
    names = list(synthetic.DATA_SETS)[:tasks]
    assert_legible(correlation_figure(few(tasks=names), width=width))


@pytest.mark.parametrize("methods", [1, 2, 3])
@pytest.mark.parametrize("width", [COLUMN, TEXT])
def test_any_number_of_averages_is_legible(methods, width):
    names = ("linear-probe", "fine-tune", "from-scratch")[:methods]
    assert_legible(average_correlation_figure(synthetic.ranking(names), width=width))


def scattered(slope, noise, seed=0):
    """One method's accuracies with a trend of so much, and none."""
    rng = np.random.default_rng(seed)
    frame = synthetic.ranking(("fine-tune",))
    ability = frame["imagenet_top1"].map(logit)
    own = frame["backbone"].map({n: rng.normal(0, noise) for n in synthetic.NETWORKS})
    odds = 1 + slope * (ability - ability.mean()) + own
    return frame.assign(score=1 / (1 + np.exp(-odds)))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("slope", [-3.0, 0.0, 3.0])
@pytest.mark.parametrize("draw", [average_correlation_figure, correlation_figure])
def test_r_and_rho_stand_where_no_mark_is(draw, slope, seed):
    frame = scattered(slope, 0.4, seed)
    if draw is correlation_figure:
        frame = frame[frame["task"].isin(["DTD", "Flowers"])]
    figure = draw(frame)
    assert_legible(figure)
    axes = figure.get_axes()[-1]
    (text,) = axes.texts
    box = text.get_window_extent()
    assert not any(box.contains(*axes.transData.transform(xy)) for xy in drawn(axes))
    ends = axes.get_window_extent()
    assert box.x0 >= ends.x0 - 1 and box.x1 <= ends.x1 + 1
    assert box.y0 >= ends.y0 - 1 and box.y1 <= ends.y1 + 1


def test_r_and_rho_are_those_of_the_statistics_and_can_be_left_out():
    frame = synthetic.ranking(("fine-tune",))
    grid = accuracy_grid(frame)  # whose order the resamples follow
    imagenet = frame.groupby("backbone")["imagenet_top1"].first()
    row = correlation(imagenet, grid).loc["all"]
    for draw in (average_correlation_figure, correlation_figure):
        (text,) = draw(frame).get_axes()[-1].texts
        assert text.get_text() == "\n".join(
            f"{sign} = {row[n]:.2f} [{row[n + '_low']:.2f}, {row[n + '_high']:.2f}]"
            for sign, n in (("r", "r"), ("\N{GREEK SMALL LETTER RHO}", "rho"))
        )
        assert not draw(frame, numbers=False).get_axes()[-1].texts
    (text,) = average_correlation_figure(few(networks=2)).get_axes()[-1].texts
    assert text.get_text() == "r is undefined"


def test_long_and_strange_names_do_no_harm():
    frame = few().replace({"DTD": "a task of very many words that goes on", "Flowers": "a$b$c_{d}"})
    figure = correlation_figure(frame, width=COLUMN)
    assert_legible(figure)


def test_kinds_of_points_are_told_apart_in_grey():
    assert told_apart(list(looks(PRINT).values())) > 0.2


def test_holes_are_refused_and_can_be_left_out():
    frame = few().iloc[1:]
    with pytest.raises(SpecError, match="drop-models leaves out 1 of 5"):
        correlation_figure(frame)
    assert len(average_correlation_table(frame, missing="drop-models")) == 4


def test_an_unknown_imagenet_accuracy_is_named():
    frame = few().assign(imagenet_top1=math.nan)
    with pytest.raises(SpecError, match="ImageNet accuracy of MobileNet v1 and of 4 more"):
        correlation_figure(frame)


def test_a_width_without_room_is_refused():
    with pytest.raises(SpecError, match="inches wide"):
        correlation_figure(few(), width=0.5)
