"""What the sentences say, and what they must not."""

import math

import pandas as pd
import pytest

from penultimate.report import sentences
from penultimate.report.summary import CAVEAT, overall
from penultimate.stats import rank


def ranking(*rows, measure="top-1", n=200):
    """Rows ``(task, backbone, score, p against the best)``, in the order of rank."""
    frame = pd.DataFrame(rows, columns=["task", "backbone", "score", "p_value"])
    frame = frame.assign(
        method="linear-probe",
        measure=measure,
        n_test=n,
        seeds=1,
        repeats=1,
        images_per_second=math.nan,
        parameters=math.nan,
        ci_low=frame["score"] - 0.02,
        ci_high=frame["score"] + 0.01,
        rank=frame.groupby("task")["score"].rank(ascending=False, method="min"),
    )
    frame["comparison"] = ["best" if p is None else "exact McNemar test" for *_, p in rows]
    other = [p is not None and math.isnan(p) for *_, p in rows]
    frame.loc[other, "comparison"] = "other test examples"
    frame["p_value"] = frame["p_value"].astype("float64")
    frame["tied_with_best"] = pd.array(
        [True if p is None else None if math.isnan(p) else p > 0.05 for *_, p in rows],
        dtype="boolean",
    )
    return frame.astype({"rank": "Int64"})


def test_one_task_names_the_best_its_interval_and_who_is_level():
    table = ranking(("digits", "a", 0.981, None), ("digits", "b", 0.975, 0.31))
    answer, digits, caveat = sentences(table)
    assert answer == (
        "Start from a (98.1 % on digits), but the choice is open: b cannot be told apart from it."
    )
    assert digits == (
        "On digits, a is best at 98.1 % (95 % interval 96.1 to 99.1); "
        "b cannot be told apart from it (p = 0.31)."
    )
    assert caveat == CAVEAT
    assert "another split, seed or training run" in caveat


def test_a_clear_winner_is_called_one_and_the_floor_is_named():
    table = ranking(
        ("d", "a", 0.98, None), ("d", "b", 0.90, 0.0004), ("d", "c@random", 0.41, 0.0001)
    )
    answer, task, _ = sentences(table)
    assert answer == (
        "Start from a (98.0 % on d): it is ahead by more than the luck of the test images "
        "explains; random weights, the floor, reach 41.0 %."
    )
    assert "the next, b at 90.0 %, is behind" in task
    assert "p < 0.001" in task


def test_over_tasks_the_choice_is_by_mean_log_odds_and_says_where_it_loses():
    table = ranking(
        ("d", "a", 0.99, None),
        ("d", "b", 0.95, 0.001),
        ("g", "b", 0.90, None),
        ("g", "a", 0.86, 0.02),
    )
    assert overall(table) == (
        "Start from a (92.5 % on average over 2 tasks), the best on average but not everywhere: "
        "b is better on g."
    )


def test_level_on_all_tasks_is_an_open_choice():
    table = ranking(
        ("d", "a", 0.99, None), ("d", "b", 0.98, 0.5), ("g", "b", 0.90, None), ("g", "a", 0.89, 0.4)
    )
    assert "the choice is open: b is not shown to be worse on any task" in overall(table)


def test_random_weights_that_are_not_beaten_are_said_to_be():
    table = ranking(("d", "a", 0.52, None), ("d", "b", 0.40, 0.01), ("d", "a@random", 0.50, 0.6))
    assert overall(table) == (
        "Start from a (52.0 % on d), the only pretrained backbone that nothing is shown to beat; "
        "random weights, the floor, reach 50.0 %, and on d nothing is shown to beat them."
    )
    reversed_ = ranking(("d", "a@random", 0.52, None), ("d", "a", 0.50, 0.6), ("d", "b", 0.4, 0.01))
    assert "the floor, reach 52.0 %, and on d nothing is shown to beat them" in overall(reversed_)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([("d", "a", 0.9, None)], "Only one pretrained backbone was run: a reaches 90.0 % on d."),
        ([("d", "a@random", 0.9, None)], "There is no pretrained backbone with a score"),
        (
            [("d", "a", 0.9, None), ("g", "b", 0.8, None)],
            "No pretrained backbone was run on every task, so there is no overall choice.",
        ),
        (
            [("d", "a", 0.9, None), ("d", "b", 0.8, math.nan)],
            "nothing is shown to be better, but not all backbones could be compared",
        ),
    ],
)
def test_what_cannot_be_answered_is_said(rows, words):
    assert words in overall(ranking(*rows))


def test_those_not_compared_are_named_with_the_reason():
    table = ranking(("d", "a", 0.9, None), ("d", "b", 0.8, math.nan))
    assert "b is not compared with it (other test examples)" in sentences(table)[1]


def test_many_level_backbones_are_counted():
    rows = [("d", f"net{i}", 0.9 - i / 1000, None if i == 0 else 0.5) for i in range(9)]
    answer, task, _ = sentences(ranking(*rows))
    assert "net1, net2, net3 and 5 others cannot be told apart from it" in answer
    assert "net3 (p = 0.50) and 5 others cannot be told apart from it" in task


def test_mean_per_class_is_called_so():
    task = sentences(ranking(("d", "a", 0.9, None), measure="mean-per-class"))[1]
    assert "90.0 % mean per-class accuracy" in task


def test_methods_are_answered_apart():
    table = pd.concat([ranking(("d", "a", 0.9, None)), ranking(("d", "a", 0.8, None))])
    table["method"] = ["linear-probe", "svm"]
    answers = sentences(table)
    assert answers[0].startswith("With linear-probe: only one pretrained backbone")
    assert answers[3].startswith("On d with svm")


def test_a_ranking_by_seed_is_refused_and_nothing_is_said_to_be_nothing():
    table = ranking(("d", "a", 0.9, None))
    with pytest.raises(ValueError, match="by_seed=False"):
        sentences(pd.concat([table, table]))
    assert sentences(table.head(0)) == ["There are no results yet."]


def test_from_a_store(demo_store):
    results = {result.digest: result for result in demo_store.results()}
    table = rank(demo_store.frame(), lambda run: demo_store.predictions(results[run]))
    answer = sentences(table)[0]
    assert answer.startswith("Start from tf_efficientnet_lite")
    assert "random weights, the floor" in answer
