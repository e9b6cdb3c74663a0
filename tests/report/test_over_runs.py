"""Figures 8 and 9 from a store: which runs go together, and which are counted and left out."""

from __future__ import annotations

import pytest

from builders import FakeStudy, FakeTask
from penultimate.errors import SpecError, StoreError
from penultimate.figures.examples_per_class import examples_per_class_table
from penultimate.figures.training_time import training_time_figure
from penultimate.report.figure_frames import figure_frame
from penultimate.stats import logit
from penultimate.store import ResultStore

METHODS = ("fine-tune", "from-scratch")
DAY = "2026-05-{:02}T12:00:00+00:00"


@pytest.fixture
def store(tmp_path):
    return ResultStore(tmp_path / "store")


def trained(store, steps, day=1, **more):
    settings = {"steps": steps, "batch_size": 32, **more.pop("settings", {})}
    study = {"methods": METHODS, "settings": settings, "created": DAY.format(day), **more}
    return FakeStudy({"one": 0.001 * steps}, **study).commit(store)


def subset(store, n, draw, day=1, **more):
    task = FakeTask(n_train=10 * n, draw=draw)
    ability = {"one": 0.02 * n + 0.05 * draw}
    FakeStudy(ability, {"digits": task}, created=DAY.format(day), **more).commit(store)


def test_steps_become_epochs_of_train_and_validation(store):
    for steps in (100, 400):
        trained(store, steps)
    frame = figure_frame(store, "training-time")
    assert len(frame) == 4
    assert set(frame["steps"]) == {100, 400}
    assert (frame["epochs"] == frame["steps"] * 32 / 1_440).all()


def test_a_run_made_anew_takes_the_older_one_s_place_and_seeds_are_averaged(store):
    trained(store, 100, seeds=(0, 1))
    trained(store, 400, seeds=(0, 1))
    runs = store.frame()
    trained(store, 100, day=2, seeds=(0,), gains={"fine-tune": 1.0, "from-scratch": 1.0})
    newer = store.frame()
    newer = newer[~newer["run"].isin(runs["run"])].set_index("method")["score"]
    frame = figure_frame(store, "training-time").set_index(["method", "steps"])["score"]
    assert len(frame) == 4
    for method in METHODS:
        second = runs.query("method == @method and seed == 1")
        at = {
            steps: second[[store.get(r).run.method.steps == steps for r in second["run"]]]
            for steps in (100, 400)
        }
        assert frame[method, 100] == pytest.approx((newer[method] + at[100]["score"].item()) / 2)


def test_runs_of_other_settings_are_left_out_counted_and_named(store):
    for steps in (100, 400, 1_600):
        trained(store, steps)
    # The grid may differ, and is newer; batch, image size and images may not.
    trained(store, 800, day=3, settings={"learning_rates": [0.1], "weight_decays": [0.0]})
    trained(store, 200, day=2, settings={"batch_size": 64})
    trained(store, 300, day=2, image_size=32)
    said = []
    frame = figure_frame(store, "training-time", note=said.append)
    assert sorted(frame["steps"].unique()) == [100, 400, 800, 1_600]
    assert said == [
        f"left out 2 runs of {method} on digits that differ in batch_size, image size or geometry"
        for method in METHODS
    ]


def test_a_task_with_one_length_is_left_out_and_said(store):
    for steps in (100, 400):
        trained(store, steps)
    trained(store, 100, tasks={"flowers": FakeTask()})
    said = []
    frame = figure_frame(store, "training-time", note=said.append)
    assert set(frame["task"]) == {"digits"}
    assert said == ["left out, because they have one number of steps: flowers"]


def test_epochs_that_are_not_known_are_not_drawn(store):
    for steps in (100, 400):
        trained(store, steps, settings={"batch_size": None})
    frame = figure_frame(store, "training-time")
    with pytest.raises(SpecError, match="draw steps"):
        training_time_figure(frame)
    training_time_figure(frame, unit="steps")


def test_several_networks_are_one_too_many(store):
    for steps in (100, 400):
        trained(store, steps)
    FakeStudy({"two": 0.5}, methods=METHODS, settings={"steps": 100}).commit(store)
    with pytest.raises(StoreError, match="one, two, and the figure shows one"):
        figure_frame(store, "training-time")
    assert len(figure_frame(store, "training-time", (), ["one"])) == 4


def test_draws_are_told_from_seeds_and_from_runs_made_anew(store):
    for n in (5, 20):
        for draw in range(3):
            subset(store, n, draw)
    subset(store, 5, 0, day=2)  # the same images again: no fourth draw
    frame = figure_frame(store, "examples-per-class")
    assert frame.groupby("examples_per_class").size().to_dict() == {5: 3, 20: 3}
    table = examples_per_class_table(frame).set_index("examples_per_class")
    assert list(table["subsets"]) == [3, 3]
    odds = logit(frame["score"], frame["n_test"])[frame["examples_per_class"] == 5]
    assert table.loc[5, "standard_error"] == pytest.approx(odds.std(ddof=1) / 3**0.5)


def test_subsets_seen_at_another_size_of_image_are_left_out(store):
    for n in (5, 20):
        subset(store, n, 0)
    subset(store, 80, 0, image_size=32)
    said = []
    frame = figure_frame(store, "examples-per-class", note=said.append)
    assert sorted(frame["examples_per_class"]) == [5, 20]
    assert said == [
        "left out 1 run of linear-probe on digits that differ in image size or geometry"
    ]


def test_one_size_is_none_and_the_commands_are_said(store):
    subset(store, 5, 0)
    with pytest.raises(StoreError, match="splits TASK --per-class N --draw D -o FILE"):
        figure_frame(store, "examples-per-class")
