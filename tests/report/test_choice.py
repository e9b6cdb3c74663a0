"""Which backbone the ranking says to take, and which of equals costs least."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from penultimate.report.choice import choice
from penultimate.report.summary import overall


def ranking(*rows: tuple, task: str = "photos") -> pd.DataFrame:
    """Rows ``(backbone, score, level with the best, images a second, million parameters)``."""
    names = ["backbone", "score", "tied_with_best", "images_per_second", "parameters"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.assign(
        task=task,
        measure="top-1",
        method="linear-probe",
        n_test=200,
        repeats=1,
        parameters=frame["parameters"] * 1e6,
        rank=range(1, len(rows) + 1),
        comparison=["best", *["exact McNemar test"] * (len(rows) - 1)],
        p_value=[math.nan, *[0.5 if row[2] else 0.01 for row in rows[1:]]],
        device="cpu, a processor",
    ).astype({"tied_with_best": "boolean", "images_per_second": float})


def test_of_those_level_with_the_best_the_fastest_is_the_cheapest():
    table = ranking(("a", 0.95, True, 60, 5), ("b", 0.94, True, 90, 9), ("c", 0.8, False, 300, 1))
    found = choice(table)
    assert found.first.backbone == "a"
    assert [rival.backbone for rival in found.rivals] == ["b"]  # c is behind
    assert (found.cheapest.backbone, found.by) == ("b", "images_per_second")
    assert overall(table) == (
        "Start from a (95.0 % on photos), but the choice is open: b cannot be told apart from it; "
        "the cheapest of them is b (90 images/s): take it unless cost is no matter."
    )


def test_speeds_that_two_measurements_would_not_tell_apart_leave_it_to_the_parameters():
    close = [("a", 0.95, True, 60, 5), ("b", 0.94, True, 65, 9), ("c", 0.93, True, 50, 1)]
    table = ranking(*close)
    assert choice(table).cheapest.backbone == "a"  # c is truly slower
    assert "a is also the cheapest of them (60 images/s)." in overall(table)
    equal = ranking(("a", 0.95, True, 60, 5), ("b", 0.94, True, 60, 5))
    assert choice(equal).cheapest.backbone == "a"


@pytest.mark.parametrize(
    ("parameters", "cheapest"), [(9, "b"), (3, "a"), (math.nan, None)], ids=str
)
def test_parameters_decide_where_a_speed_is_not_known(parameters, cheapest):
    table = ranking(("a", 0.95, True, math.nan, parameters), ("b", 0.94, True, 90, 5))
    found = choice(table)
    assert (found.cheapest.backbone if found.cheapest else None) == cheapest
    assert ("million parameters" in overall(table)) == (cheapest is not None)
    assert ("cheapest" in overall(table)) == (cheapest is not None)


def test_over_tasks_speeds_are_means_and_one_that_is_beaten_anywhere_is_no_rival():
    one = ranking(("a", 0.95, True, 60, 5), ("b", 0.94, True, 90, 9), ("c", 0.93, True, 99, 1))
    other = ranking(
        ("a", 0.95, True, 50, 5), ("b", 0.94, True, 20, 9), ("c", 0.8, False, 99, 1), task="other"
    )
    found = choice(pd.concat([one, other]))
    assert [rival.backbone for rival in found.rivals] == ["b"]
    assert found.rivals[0].images_per_second == 55
    assert found.cheapest.backbone == "a"  # 55 and 55: fewer parameters


def test_speeds_of_different_machines_are_said_to_be_so():
    table = ranking(("a", 0.95, True, 60, 5), ("b", 0.94, True, 90, 9))
    assert choice(table).one_machine
    table["device"] = ["cpu, a processor", "a GPU, a processor"]
    assert not choice(table).one_machine
    assert "(90 images/s, measured on different machines)" in overall(table)


def test_random_weights_and_those_that_are_not_everywhere_are_no_choice():
    table = ranking(("a@random", 0.95, True, 600, 5), ("b", 0.94, True, 90, 9))
    found = choice(table)
    assert found.first.backbone == "b"
    assert found.alone
    assert found.rivals == ()
    assert found.cheapest is None
    assert choice(table[:1]).first is None
    assert choice(table.assign(score=math.nan)).first is None


def test_the_best_on_average_that_is_beaten_somewhere_has_no_rivals():
    one = ranking(("a", 0.99, True, 60, 5), ("b", 0.7, False, 90, 9))
    other = ranking(("b", 0.95, True, 60, 5), ("a", 0.93, False, 90, 9), task="other")
    found = choice(pd.concat([one, other]))
    assert found.first.backbone == "a"
    assert not found.level
    assert found.cheapest is None


def test_training_speeds_are_called_so():
    table = ranking(("a", 0.95, True, 60, 5), ("b", 0.94, True, 90, 9))
    assert "(90 images/s in training)" in overall(table.assign(method="fine-tune"))
