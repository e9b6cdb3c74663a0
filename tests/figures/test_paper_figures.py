"""Figures 3 to 9 show the numbers they say, legibly, in colour and in grey."""

import math
import re

import numpy as np
import pandas as pd
import pytest
from legible import ROOT, assert_legible, assert_logit_ticks, picture, synthetic, told_apart
from matplotlib.colors import to_rgba
from PIL import Image
from scipy.stats import sem

from penultimate.errors import SpecError, UnknownNameError
from penultimate.figures import PRINT
from penultimate.figures.catalogue import FIGURES
from penultimate.figures.embedding import embed, embedding_figure
from penultimate.figures.examples_per_class import (
    examples_per_class_figure,
    examples_per_class_table,
)
from penultimate.figures.from_scratch import from_scratch_figure, pairs_table
from penultimate.figures.paper import (
    COLUMN,
    FORMS,
    METHOD_ORDER,
    TEXT,
    mark,
    method_look,
    save_figure,
)
from penultimate.figures.settings_bars import HATCHES, settings_figure, settings_table
from penultimate.figures.training_settings import (
    training_settings_figure,
    training_settings_table,
)
from penultimate.figures.training_time import training_time_figure, training_time_table

RMS = 12.0  # of 255: what another build of FreeType may differ in; a moved mark is more
NARROW = {
    "training-settings": (training_settings_figure, synthetic.training_settings),
    "settings": (settings_figure, synthetic.ranking),
    "from-scratch": (from_scratch_figure, synthetic.ranking),
    "training-time": (training_time_figure, synthetic.training_time),
    "examples-per-class": (examples_per_class_figure, synthetic.examples_per_class),
}


def logit(p):
    return math.log(p / (1 - p))


def points(axes):
    marks = [line for line in axes.lines if line.get_marker() in FORMS]  # no caps of error bars
    return np.array([xy for line in marks for xy in line.get_xydata()])


@pytest.fixture(scope="module")
def gallery():
    from generate_gallery import drawings

    return drawings()


SLOW = {"correlation": [pytest.mark.slow]}


@pytest.mark.parametrize("name", [pytest.param(n, marks=SLOW.get(n, [])) for n in FIGURES])
def test_each_figure_is_as_the_gallery_shows_it_and_legible(gallery, name):
    figure = gallery[name]()
    assert_legible(figure)
    kept = Image.open(ROOT / "docs" / "gallery" / f"{name}.png").convert("RGB")
    drawn = picture(figure, 110)
    assert drawn.size == kept.size
    difference = np.asarray(drawn, dtype=float) - np.asarray(kept, dtype=float)
    assert np.sqrt((difference**2).mean()) < RMS, "if it should change: make docs"


def test_the_page_of_the_gallery_is_current(gallery):
    from generate_gallery import page

    assert (ROOT / "docs" / "gallery" / "README.md").read_text() == page(), "run: make docs"


@pytest.mark.parametrize("name", NARROW)
@pytest.mark.parametrize("width", [COLUMN, TEXT])
def test_figures_are_legible_at_both_widths_with_few_data_sets(name, width):
    draw, frame = NARROW[name]
    rows = frame()
    rows = rows[rows["task"].isin(rows["task"].unique()[:3])]
    assert_legible(draw(rows, width=width))


@pytest.mark.parametrize("name", ["settings", "training-settings"])
@pytest.mark.parametrize("width", [COLUMN, TEXT])
def test_long_names_of_networks_fit_into_the_legend(name, width):
    draw, frame = NARROW[name]
    column = "network" if name == "training-settings" else "backbone"
    rows = frame()
    rows = rows[rows["task"] == "DTD"]
    assert_legible(draw(rows.assign(**{column: "tf_" + rows[column] * 4}), width=width))


def test_sixteen_marks_and_three_lines_are_told_apart_in_grey():
    assert told_apart([mark(i, PRINT) for i in range(16)]) > 0.15
    assert told_apart([method_look([], method, PRINT) for method in METHOD_ORDER]) > 0.15
    assert len(set(HATCHES)) == len(HATCHES)


def test_settings_of_training_average_log_odds_most_regularised_first():
    frame = synthetic.training_settings()
    table = training_settings_table(frame)
    assert list(dict.fromkeys(table["configuration"])) == [
        "\n".join(signs) for signs in ("-+++", "++++", "+-++", "+--+", "+---")
    ]
    row = table[(table["network"] == "Inception v3") & ~table["batch_norm_scale"]].iloc[0]
    mine = frame[(frame["network"] == "Inception v3") & ~frame["batch_norm_scale"]]
    assert row["log_odds"] == pytest.approx(mine["score"].map(logit).mean())
    assert row["imagenet_top1"] == mine["imagenet_top1"].iloc[0]
    figure = training_settings_figure(frame)
    axes = figure.get_axes()[0]
    assert np.allclose(sorted(points(axes)[:, 1]), sorted(table["log_odds"]))
    small = axes.child_axes[0]
    figure.draw_without_rendering()
    assert_logit_ticks(small.yaxis)
    # No mark lies under the inset.
    box = small.get_tightbbox()
    assert not any(box.contains(*axes.transData.transform(xy)) for xy in points(axes))


def test_bars_are_means_over_networks_with_standard_errors():
    frame = synthetic.ranking()
    table = settings_table(frame)
    bars = table[table["kind"] == "mean"].set_index(["task", "method"])
    for (task, method), rows in frame.groupby(["task", "method"]):
        odds = rows["score"].map(logit)
        assert bars.loc[(task, method), "log_odds"] == pytest.approx(odds.mean())
        assert bars.loc[(task, method), "standard_error"] == pytest.approx(sem(odds))
    axes = settings_figure(frame).get_axes()[0]
    tops = [bar.get_y() + bar.get_height() for bar in axes.patches]
    methods = ["linear-probe", "fine-tune", "from-scratch"]
    assert np.allclose(tops, [bars.loc[("Food-101", m), "log_odds"] for m in methods])
    assert len(points(axes)) == 48
    assert len({bar.get_hatch() for bar in axes.patches}) == 3


def test_previous_results_are_lines_on_their_panels():
    lines = pd.DataFrame({"task": ["DTD", "DTD"], "score": [0.7, 0.8]})
    figure = settings_figure(synthetic.ranking(), previous=lines)
    for axes in figure.get_axes():
        levels = [line.get_ydata() for line in axes.lines if len(line.get_xdata()) == 2]
        flat = [y for y in levels if y[0] == y[1]]
        expected = [logit(0.8)] if axes.get_title(loc="left") == "DTD" else []
        assert np.allclose([y[0] for y in flat], expected)
    with pytest.raises(SpecError, match="of Nowhere, which is not drawn"):
        settings_figure(
            synthetic.ranking(), previous=pd.DataFrame({"task": ["Nowhere"], "score": [0.5]})
        )


def test_pairs_stand_on_two_axes_of_one_scale():
    frame = synthetic.ranking()
    table = pairs_table(frame)
    assert len(table) == 192
    wide = frame.pivot(index=["task", "backbone"], columns="method", values="score")
    keyed = table.set_index(["task", "backbone"])
    assert (keyed["x"] == wide["from-scratch"][keyed.index]).all()
    assert (keyed["y"] == wide["fine-tune"][keyed.index]).all()
    figure = from_scratch_figure(frame)
    axes = figure.get_axes()[0]
    assert axes.get_xlim() == axes.get_ylim()
    figure.draw_without_rendering()
    assert_logit_ticks(axes.xaxis)
    assert_logit_ticks(axes.yaxis)
    drawn = points(axes)
    assert np.allclose(sorted(drawn[:, 1]), sorted(wide["fine-tune"].map(logit)))
    with pytest.raises(SpecError, match="run both"):
        from_scratch_figure(frame[frame["method"] == "fine-tune"])
    with pytest.raises(UnknownNameError):
        from_scratch_figure(frame, marks="colour")


def test_the_ring_is_around_the_first_run_with_90_percent_of_the_odds():
    frame = synthetic.training_time()
    table = training_time_table(frame)
    for (task, method), rows in frame.groupby(["task", "method"]):
        odds = rows["score"] / (1 - rows["score"])
        first = rows.loc[odds >= 0.9 * odds.max(), "steps"].min()
        mine = table[(table["task"] == task) & (table["method"] == method) & table["reached"]]
        assert list(mine["steps"]) == [first]


def test_epochs_stand_above_their_steps():
    frame = synthetic.training_time()
    figure = training_time_figure(frame)
    figure.draw_without_rendering()
    axes = figure.get_axes()[0]
    rows = frame[frame["task"] == axes.get_title(loc="left")]
    above = axes.child_axes[0]
    ratio = above.get_xlim()[1] / axes.get_xlim()[1]
    assert ratio == pytest.approx((rows["epochs"] / rows["steps"]).iloc[0])
    uneven = frame.assign(epochs=frame["epochs"] * np.where(frame["method"] == "fine-tune", 1, 4))
    with pytest.raises(SpecError, match="no common axis"):
        training_time_figure(uneven)
    training_time_figure(uneven, unit="epochs")


def test_examples_a_class_have_standard_errors_over_subsets():
    frame = synthetic.examples_per_class()
    table = examples_per_class_table(frame)
    row = table[(table["task"] == "CIFAR-10") & (table["examples_per_class"] == 4)].iloc[0]
    mine = frame[
        (frame["task"] == "CIFAR-10")
        & (frame["examples_per_class"] == 4)
        & (frame["method"] == row["method"])
    ]
    odds = mine["score"].map(logit)
    assert row["subsets"] == 3
    assert row["log_odds"] == pytest.approx(odds.mean())
    assert row["standard_error"] == pytest.approx(sem(odds))


def test_embedding_parts_classes_and_repeats_with_its_seed():
    made, labels = synthetic.features()
    frame = embed(made, labels, classes=3, seed=1)
    assert frame["label"].nunique() == 3
    assert len(frame) == 2 * 90
    pd.testing.assert_frame_equal(frame, embed(made, labels, classes=3, seed=1))
    better = frame[frame["backbone"] == "better settings"]
    middles = better.groupby("label")[["x", "y"]].mean()
    own = np.linalg.norm(
        better[["x", "y"]].to_numpy() - middles.loc[better["label"]].to_numpy(), axis=1
    )
    apart = np.linalg.norm(middles.iloc[0] - middles.iloc[1])
    assert np.median(own) < apart / 2
    assert_legible(embedding_figure(frame, width=TEXT))


def test_bad_input_of_the_embedding_is_one_sentence():
    made, labels = synthetic.features()
    with pytest.raises(SpecError, match="same images"):
        embed({"a": np.zeros((3, 2))}, labels)
    with pytest.raises(SpecError, match="no class 'ghost'"):
        embed(made, labels, classes=["ghost"])
    with pytest.raises(SpecError, match="not finite"):
        embed({"a": np.full((300, 2), np.nan)}, labels)
    many = pd.DataFrame({"backbone": "a", "label": range(17), "x": 0.0, "y": 0.0})
    with pytest.raises(SpecError, match="up to 16"):
        embedding_figure(many)


def test_a_missing_column_and_an_empty_frame_are_named():
    with pytest.raises(SpecError, match="needs the column n_test"):
        settings_figure(synthetic.ranking().drop(columns="n_test"))
    with pytest.raises(SpecError, match="nothing to draw"):
        settings_figure(synthetic.ranking().assign(score=math.nan))


def test_files_carry_their_fonts_and_repeat_byte_for_byte(tmp_path):
    frame = synthetic.examples_per_class()
    figure = examples_per_class_figure(frame)
    for name in ("a.pdf", "b.pdf", "a.svg"):
        save_figure(figure, tmp_path / name)
    pdf = (tmp_path / "a.pdf").read_bytes()
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf
    assert re.search(rb"/Subtype /(TrueType|CIDFontType2)", pdf)
    assert pdf == (tmp_path / "b.pdf").read_bytes()
    assert "<text" not in (tmp_path / "a.svg").read_text()
    with pytest.raises(SpecError, match=r"\.pdf, \.svg or \.png"):
        save_figure(figure, tmp_path / "a.docx")
    with pytest.raises(SpecError, match="cannot be written"):
        save_figure(figure, tmp_path / "no" / "a.pdf")


def test_colours_of_marks_are_not_all_one():
    assert len({to_rgba(mark(i, PRINT)["color"]) for i in range(6)}) == 6
