"""Classes, confusions and shared mistakes: against scikit-learn, against loops, and by laws."""

import math
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import average_precision_score, confusion_matrix, recall_score

from penultimate.metrics import average_precisions, mean_per_class
from penultimate.stats import (
    class_accuracy,
    class_precision,
    confusion_pairs,
    most_often_wrong,
    wilson_interval,
)

CLASSES = ["ant", "bee", "cat", "dog"]


def frame(labels, predicted, names=CLASSES, p_label=0.25):
    """Predictions as a store keeps them, from places among ``names``."""
    kind = pd.CategoricalDtype(list(names))
    named = np.array(names, dtype=object)
    return pd.DataFrame(
        {
            "example_id": [f"{i:04}.png" for i in range(len(labels))],
            "label": pd.Series(named[np.asarray(labels, dtype=int)], dtype=kind),
            "predicted": pd.Series(named[np.asarray(predicted, dtype=int)], dtype=kind),
            "p_predicted": 0.5,
            "p_label": p_label,
        }
    )


def several(labels, log_odds, names=("cat", "dog", "eel")):
    columns = {f"label:{name}": np.asarray(labels)[:, k] for k, name in enumerate(names)}
    columns |= {f"log_odds:{name}": np.asarray(log_odds)[:, k] for k, name in enumerate(names)}
    return pd.DataFrame({"example_id": [f"{i:04}" for i in range(len(labels))], **columns})


ANSWERS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None)
@given(ANSWERS)
def test_the_classes_and_the_pairs_are_scikit_learns_confusion_matrix(answers):
    labels, predicted = np.array(answers).T
    matrix = confusion_matrix(labels, predicted, labels=range(4))
    table = class_accuracy(frame(labels, predicted), CLASSES).set_index("class")
    assert table["n"].tolist() == matrix.sum(axis=1).tolist()
    assert table["right"].tolist() == matrix.diagonal().tolist()
    recall = recall_score(labels, predicted, labels=range(4), average=None, zero_division=np.nan)
    np.testing.assert_allclose(table["accuracy"], recall)
    assert math.isclose(table["accuracy"].mean(), mean_per_class(labels, predicted))
    pairs = confusion_pairs(frame(labels, predicted), CLASSES)
    rebuilt = np.diag(matrix.diagonal())
    for row in pairs.itertuples():
        rebuilt[CLASSES.index(row.label), CLASSES.index(row.predicted)] = row.count
        assert math.isclose(row.share, row.count / table.loc[row.label, "n"])
    assert (rebuilt == matrix).all()
    assert (pairs["count"] > 0).all()
    assert pairs["count"].is_monotonic_decreasing


def test_each_class_has_wilsons_interval_and_one_without_examples_none():
    table = class_accuracy(frame([0] * 9 + [1] * 3, [0] * 7 + [1] * 5), CLASSES, level=0.9)
    for row, right, n in zip(table.itertuples(), (7, 3), (9, 3), strict=False):
        expected = binomtest(right, n).proportion_ci(0.9, method="wilson")
        assert math.isclose(row.ci_low, expected.low, abs_tol=1e-12)
        assert math.isclose(row.ci_high, expected.high, abs_tol=1e-12)
    without = table.iloc[2:]
    assert without["n"].tolist() == [0, 0]
    assert without[["accuracy", "ci_low", "ci_high"]].isna().all(axis=None)


@given(st.integers(0, 40), st.integers(0, 40), st.floats(0.5, 0.999))
def test_wilsons_intervals_are_scipys(right, more, level):
    n = right + more
    low, high = wilson_interval([right / n if n else math.nan], [n], level)
    if n == 0:
        assert np.isnan([low, high]).all()
        return
    expected = binomtest(right, n).proportion_ci(level, method="wilson")
    np.testing.assert_allclose([low[0], high[0]], [expected.low, expected.high], atol=1e-12)
    assert low[0] <= right / n <= high[0]


def test_pairs_come_by_count_then_share_then_the_order_of_the_classes():
    labels = [3, 3, 3, 0, 0, 0, 0, 0, 1, 1, 2]
    predicted = [2, 2, 2, 1, 1, 2, 2, 0, 0, 0, 1]
    pairs = confusion_pairs(frame(labels, predicted), CLASSES)
    assert list(zip(pairs["label"], pairs["predicted"], pairs["count"], strict=True)) == [
        ("dog", "cat", 3),
        ("bee", "ant", 2),
        ("ant", "bee", 2),
        ("ant", "cat", 2),
        ("cat", "bee", 1),
    ]
    assert pairs["share"].tolist() == [1.0, 1.0, 0.4, 0.4, 1.0]


def test_names_and_numbers_are_classes_too_and_the_order_is_the_one_asked_for():
    plain = pd.DataFrame({"label": ["b", "a", "b"], "predicted": ["b", "c", "c"]})
    assert class_accuracy(plain)["class"].tolist() == ["a", "b", "c"]
    turned = class_accuracy(plain, ["c", "b", "a"])
    assert turned["class"].tolist() == ["c", "b", "a"]
    assert turned["right"].tolist() == [0, 1, 0]
    numbers = pd.DataFrame({"label": [1, 2, 1], "predicted": [1, 1, 2]})
    assert confusion_pairs(numbers, ["1", "2"])["label"].tolist() == ["2", "1"]


def test_a_class_that_is_not_known_and_one_that_is_there_twice_are_refused():
    with pytest.raises(ValueError, match="'dog' is not one of the 2 classes"):
        class_accuracy(frame([3], [0]), ["ant", "bee"])
    with pytest.raises(ValueError, match="'ant' is there twice"):
        confusion_pairs(frame([0], [0]), ["ant", "ant"])


def test_without_an_example_there_is_nothing_and_no_failure():
    empty = frame([], [])
    assert class_accuracy(empty, CLASSES)["n"].tolist() == [0] * 4
    assert len(confusion_pairs(empty, CLASSES)) == 0
    assert len(class_accuracy(empty)) == 0
    assert len(most_often_wrong([empty], CLASSES)) == 0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 3)] * 5), min_size=1, max_size=25), st.randoms())
def test_shared_mistakes_are_those_counted_one_by_one(answers, random):
    labels, *networks = np.array(answers).T
    chances = np.random.default_rng(0).random((len(networks), len(labels)))
    runs = []
    for predicted, p in zip(networks, chances, strict=True):
        run = frame(labels, predicted, p_label=p)
        places = list(range(len(run)))
        if runs:
            random.shuffle(places)  # in whatever order a run has them
        runs.append(run.iloc[places].reset_index(drop=True))
    found = most_often_wrong(runs, CLASSES)
    expected = []
    for i, label in enumerate(labels):
        mistakes = Counter(int(p[i]) for p in networks if p[i] != label)
        if mistakes:
            most = max(mistakes.values())
            said = min(c for c, times in mistakes.items() if times == most)
            p = chances[:, i].mean()
            row = (f"{i:04}.png", CLASSES[label], mistakes.total(), CLASSES[said], most)
            expected.append((-mistakes.total(), p, row))
    columns = ["example_id", "label", "wrong", "said", "said_by"]
    assert [row for *_, row in sorted(expected)] == list(
        found[columns].itertuples(index=False, name=None)
    )
    np.testing.assert_allclose(found["p_label"], [p for _, p, _ in sorted(expected)])
    assert (found["networks"] == 4).all()


def test_networks_on_other_examples_or_labels_are_refused():
    one = frame([0, 1], [0, 0])
    for other in (
        frame([0, 1, 2], [0, 0, 0]),
        frame([0, 2], [0, 0]),
        one.assign(example_id=["0000.png", "x"]),
        one.assign(example_id="0000.png"),
    ):
        with pytest.raises(ValueError, match="other examples than the first"):
            most_often_wrong([one, other])
    with pytest.raises(ValueError, match="no network"):
        most_often_wrong([])


def test_with_several_labels_each_class_has_its_precision():
    rng = np.random.default_rng(1)
    labels = (rng.random((80, 3)) < 0.3).astype(np.int8)
    labels[rng.random((80, 3)) < 0.1] = -1
    labels[:, 2] = np.minimum(labels[:, 2], 0)  # no image has an eel
    log_odds = rng.normal(size=(80, 3)) + labels
    table = class_precision(several(labels, log_odds))
    assert table["class"].tolist() == ["cat", "dog", "eel"]
    np.testing.assert_array_equal(table["average_precision"], average_precisions(labels, log_odds))
    assert math.isnan(table["average_precision"].iloc[2])
    for k in range(3):
        asked = labels[:, k] >= 0
        y, p = labels[asked, k], log_odds[asked, k]
        assert table["n"][k] == y.sum()
        assert table["asked"][k] == asked.sum()
        assert math.isclose(table["right"][k], np.mean((p > 0) == (y == 1)))
        if y.any():  # the area without interpolation is near the eleven points
            assert abs(table["average_precision"][k] - average_precision_score(y, p)) < 0.08


def test_with_several_labels_a_mistake_is_a_class_too_many_or_too_few():
    labels = [[1, 0, 0], [1, 1, -1], [0, 0, 1]]
    one = several(labels, [[2, 3, -1], [1, -1, 5], [-9, -9, 9]])
    other = several(labels, [[-1, 4, -1], [1, -2, 5], [-9, -9, 9]])
    found = most_often_wrong([one, other])
    assert found["example_id"].tolist() == ["0000", "0001"]
    assert found["label"].tolist() == ["cat", "cat, dog"]
    assert found["said"].tolist() == ["dog", "not dog"]
    assert found["wrong"].tolist() == found["said_by"].tolist() == [2, 2]
    p = 1 / (1 + np.exp(-np.array([2, -3, 1, -1, -4, 1.0])))
    np.testing.assert_allclose(found["p_label"].iloc[0], p.mean())
    changed = several([[0, 0, 0], [1, 1, -1], [0, 0, 1]], np.zeros((3, 3)))
    with pytest.raises(ValueError, match="other examples"):
        most_often_wrong([one, changed])


def test_predictions_without_a_class_are_refused():
    with pytest.raises(ValueError, match="no column of a class"):
        class_precision(pd.DataFrame({"example_id": ["a"]}))
    with pytest.raises(ValueError, match="no column 'label:owl'"):
        class_precision(several([[1, 0, 0]], [[1, 1, 1]]), ["owl"])
