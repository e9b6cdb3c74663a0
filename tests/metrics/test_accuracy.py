"""What a prediction is worth, against the definitions and scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, recall_score

from penultimate.metrics import MEASURES, mean_per_class, top_1

pairs = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=60)


def arrays(rows):
    labels, predicted = zip(*rows, strict=True)
    return np.array(labels, dtype=np.int64), np.array(predicted, dtype=np.int64)


@given(pairs)
def test_top_1_is_the_accuracy_of_scikit_learn(rows):
    labels, predicted = arrays(rows)
    assert top_1(labels, predicted) == pytest.approx(accuracy_score(labels, predicted))


@given(pairs)
def test_mean_per_class_is_the_mean_recall_of_the_classes_that_are_there(rows):
    labels, predicted = arrays(rows)
    recall = recall_score(labels, predicted, labels=np.unique(labels), average="macro")
    assert mean_per_class(labels, predicted) == pytest.approx(recall)


def test_mean_per_class_gives_rare_and_common_classes_one_voice_each():
    labels = np.array([0] * 98 + [1] * 2)
    predicted = np.zeros(100, dtype=np.int64)
    assert top_1(labels, predicted) == pytest.approx(0.98)
    assert mean_per_class(labels, predicted) == pytest.approx(0.5)


@pytest.mark.parametrize("measure", MEASURES)
@given(rows=pairs, seed=st.integers(0, 2**32 - 1))
def test_no_measure_depends_on_the_order_of_examples(measure, rows, seed):
    labels, predicted = arrays(rows)
    order = np.random.default_rng(seed).permutation(len(labels))
    shuffled = MEASURES[measure](labels[order], predicted[order])
    assert shuffled == pytest.approx(MEASURES[measure](labels, predicted))


@pytest.mark.parametrize("measure", MEASURES)
@given(rows=pairs)
def test_every_measure_is_one_where_all_is_right_and_zero_where_nothing_is(measure, rows):
    labels, _ = arrays(rows)
    assert MEASURES[measure](labels, labels) == 1.0
    assert MEASURES[measure](labels, labels + 1) == 0.0


@pytest.mark.parametrize("measure", MEASURES)
@given(rows=pairs)
def test_every_measure_of_a_balanced_test_set_is_the_same(measure, rows):
    """Each class once for each class: the mean of the means is the mean."""
    _, predicted = arrays(rows)
    n = len(predicted) // 2 * 2
    labels = np.arange(n) % 2
    if n:
        assert MEASURES[measure](labels, predicted[:n]) == pytest.approx(
            top_1(labels, predicted[:n])
        )


@pytest.mark.parametrize("measure", MEASURES)
def test_of_no_example_is_undefined_and_no_warning(measure):
    empty = np.empty(0, dtype=np.int64)
    assert math.isnan(MEASURES[measure](empty, empty))
