"""Each figure at both widths with what stores can hold: long names, extremes, one network, NaN."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from legible import assert_legible, assert_logit_ticks, synthetic

from penultimate.figures import FIGURES, embed
from penultimate.figures.paper import COLUMN, TEXT

LONG = "tf_efficientnetv2_xl.in21k_ft_in1k@/scratch/somebody/checkpoints/run-{}/final.safetensors"
EMBEDDED = embed(*synthetic.features())
FRAMES: dict[str, Callable[[], pd.DataFrame]] = {
    "average-correlation": synthetic.ranking,
    "correlation": synthetic.ranking,
    "training-settings": synthetic.training_settings,
    "embedding": lambda: EMBEDDED,
    "fine-tuned-training-settings": lambda: synthetic.training_settings("fine-tune"),
    "settings": synthetic.ranking,
    "from-scratch": synthetic.ranking,
    "training-time": synthetic.training_time,
    "examples-per-class": synthetic.examples_per_class,
}
SCORED = [name for name in FIGURES if name != "embedding"]
WIDTHS = pytest.mark.parametrize("width", [COLUMN, TEXT])


def network_column(frame):
    return "network" if "network" in frame else "backbone"


def few(name, sets=3):
    frame = FRAMES[name]()
    return frame[frame["task"].isin(list(dict.fromkeys(frame["task"]))[:sets])]


def extreme(frame):
    """The first data set all right, the second all wrong, in places."""
    score = frame["score"].copy()
    first, second = list(dict.fromkeys(frame["task"]))[:2]
    rows = np.arange(len(frame)) % 4 == 0
    score[rows & (frame["task"] == first)] = 1.0
    score[rows & (frame["task"] == second)] = 0.0
    return frame.assign(score=score)


@WIDTHS
@pytest.mark.parametrize("name", FIGURES)
def test_long_names_of_networks_and_data_sets(name, width):
    frame = FRAMES[name]() if name == "embedding" else few(name)
    column = network_column(frame)
    if column in frame:
        names = {n: LONG.format(i) for i, n in enumerate(dict.fromkeys(frame[column]))}
        frame = frame.assign(**{column: frame[column].map(names)})
    for other in ("task", "label"):
        if other in frame:
            frame = frame.assign(**{other: "a name of many words with $ and _ of " + frame[other]})
    assert_legible(FIGURES[name].draw(frame, width=width))


@WIDTHS
@pytest.mark.parametrize("name", SCORED)
def test_nothing_right_and_everything_right(name, width):
    frame = extreme(few(name))
    figure = FIGURES[name].draw(frame, width=width)
    assert_legible(figure)
    numbers = FIGURES[name].numbers(frame)
    odds = numbers.filter(regex="^log_odds$|_log_odds$").to_numpy(dtype=float)
    assert np.isfinite(odds[~np.isnan(odds)]).all()
    for axes in figure.get_axes():
        assert all(np.isfinite(axes.get_xlim())) and all(np.isfinite(axes.get_ylim()))


@WIDTHS
@pytest.mark.parametrize("name", FIGURES)
def test_one_network_on_one_data_set(name, width):
    frame = FRAMES[name]() if name == "embedding" else few(name, 1)
    column = network_column(frame)
    if column in frame:
        frame = frame[frame[column] == frame[column].iloc[0]]
    assert_legible(FIGURES[name].draw(frame, width=width))


@pytest.mark.parametrize("name", SCORED)
def test_scores_that_are_not_known_are_left_out(name):
    frame = few(name)
    holes = frame["task"] == frame["task"].iloc[0]
    frame = frame.assign(score=frame["score"].where(~holes, math.nan))
    figure = FIGURES[name].draw(frame)
    assert_legible(figure)
    drawn = FIGURES[name].numbers(frame)
    for column in ("task", "data_set"):
        if column in drawn:
            assert frame["task"].iloc[0] not in set(drawn[column])


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_the_whole_study_at_a_column_s_width(name):
    assert_legible(FIGURES[name].draw(FRAMES[name](), width=COLUMN))


@pytest.mark.parametrize("name", ["settings", "training-time", "examples-per-class"])
@pytest.mark.parametrize("change", [lambda frame: frame, extreme], ids=["usual", "extreme"])
def test_accuracies_are_read_on_axes_in_log_odds(name, change):
    figure = FIGURES[name].draw(change(few(name)))
    figure.draw_without_rendering()
    panels = [axes for axes in figure.get_axes() if axes.get_visible()]
    assert len(panels) == 3
    for axes in panels:
        assert_logit_ticks(axes.yaxis)
