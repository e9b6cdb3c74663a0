"""Mean average precision against the definition, worked longhand in fractions."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penultimate.metrics import (
    MEASURES,
    average_precisions,
    mean_average_precision,
    pair_accuracy,
    pairs_right,
    resampled,
    score,
)

LAW = settings(deadline=None, derandomize=True)


def longhand(labels: list[int], scores: list[float]) -> Fraction | None:
    """The definition, a threshold at a time: of one class, and without an array."""
    rows = [(label, s) for label, s in zip(labels, scores, strict=True) if label != -1]
    n_positive = sum(label == 1 for label, _ in rows)
    if n_positive == 0:
        return None
    points = []
    for threshold in {s for _, s in rows}:
        found = [label for label, s in rows if s >= threshold]
        right = found.count(1)
        points.append((Fraction(right, n_positive), Fraction(right, len(found))))
    best = []
    for level in range(11):
        reached = [precision for recall, precision in points if recall >= Fraction(level, 10)]
        best.append(max(reached, default=Fraction(0)))
    return sum(best, Fraction(0)) / 11


def of_one(labels: list[int], scores: list[float]) -> float:
    found = average_precisions(np.array(labels)[:, None], np.array(scores, dtype=float)[:, None])
    return float(found[0])


# Few values, so that many are equal.
ROWS = st.lists(
    st.tuples(st.sampled_from([1, 1, 0, 0, -1]), st.sampled_from([-math.inf, -2, -1, 0.5, 3])),
    min_size=1,
    max_size=40,
)
SPREAD = st.lists(
    st.tuples(st.sampled_from([1, 0, 0]), st.floats(-1e6, 1e6)), min_size=1, max_size=40
)


@LAW
@given(st.one_of(ROWS, SPREAD))
def test_it_is_the_definition(rows: list[tuple[int, float]]) -> None:
    labels, scores = map(list, zip(*rows, strict=True))
    expected = longhand(labels, scores)
    found = of_one(labels, scores)
    if expected is None:
        assert math.isnan(found)
    else:
        assert found == pytest.approx(float(expected), abs=1e-14)


def test_a_hand_count() -> None:
    """Right at places 1, 3 and 6 of 6: precision 1 up to recall 1/3, 2/3 up to 2/3, then 1/2."""
    labels, scores = [1, 0, 1, 0, 0, 1], [6, 5, 4, 3, 2, 1]
    expected = (4 * 1 + 3 * Fraction(2, 3) + 4 * Fraction(1, 2)) / 11
    assert of_one(labels, scores) == pytest.approx(float(expected), abs=1e-15)


@pytest.mark.parametrize("found", range(1, 11))
def test_recall_of_tenths_is_reached_exactly(found: int) -> None:
    """Of ten positives ``found`` come first: recall ``found / 10`` counts as reached.

    In floating point 3 / 10 is less than 3 * 0.1, and 6 / 10 less than 6 * 0.1.
    """
    labels = [1] * found + [0] * 30 + [1] * (10 - found)
    scores = list(range(len(labels), 0, -1))
    after = Fraction(10, 40) if found < 10 else Fraction(1)
    expected = ((found + 1) * Fraction(1) + (10 - found) * after) / 11
    assert of_one(labels, scores) == pytest.approx(float(expected), abs=1e-15)


def test_images_of_equal_score_enter_together() -> None:
    for labels in ([1, 0, 0, 1], [0, 0, 1, 1], [1, 1, 0, 0]):
        assert of_one(labels, [1, 1, 1, 1]) == 0.5
    assert of_one([1, 0, 0, 1], [2, 2, 1, 1]) == 0.5
    assert of_one([1, 0, 0, 1], [2, 1, 1, 1]) == pytest.approx((6 + 5 * 0.5) / 11)


def test_masked_pairs_neither_help_nor_hurt() -> None:
    labels, scores = [1, -1, 0, 1, -1], [5, 4, 3, 2, 1]
    assert of_one(labels, scores) == of_one([1, 0, 1], [5, 3, 2])
    as_negative = of_one([max(label, 0) for label in labels], scores)
    as_positive = of_one([abs(label) for label in labels], scores)
    assert len({of_one(labels, scores), as_negative, as_positive}) == 3


def test_a_class_without_a_positive_is_left_out_of_the_mean() -> None:
    labels = np.array([[1, 0, -1], [0, 0, -1], [1, -1, 0]])
    scores = np.array([[3.0, 1, 0], [2, 2, 0], [1, 3, 0]])
    found = average_precisions(labels, scores)
    assert np.isnan(found).tolist() == [False, True, True]
    assert mean_average_precision(labels, scores) == found[0]
    assert math.isnan(mean_average_precision(labels[:, 1:], scores[:, 1:]))
    assert math.isnan(mean_average_precision(labels[:0], scores[:0]))


@LAW
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 4))
def test_laws_of_the_mean(seed: int, n: int, k: int) -> None:
    random = np.random.default_rng(seed)
    labels = random.integers(-1, 2, (n, k))
    scores = random.integers(0, 5, (n, k)) + random.choice([0.0, 0.5], (n, k))
    value = mean_average_precision(labels, scores)
    order = random.permutation(n)
    np.testing.assert_equal(mean_average_precision(labels[order], scores[order]), value)
    # Only the order of scores within a class counts.
    np.testing.assert_equal(
        mean_average_precision(labels, np.exp(scores) * [1, 9, 2, 7][:k]), value
    )
    np.testing.assert_equal(mean_average_precision(labels, np.where(labels < 0, 99, scores)), value)
    perfect = mean_average_precision(labels, labels.astype(float))
    assert perfect == 1.0 or not (labels == 1).any()
    if (labels == 1).any():
        assert 0 < value <= 1
        assert score("mean-average-precision", labels, scores) == value


def test_repeating_images_is_what_resampling_counts() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(-1, 2, (30, 3))
    labels[:, 2] = -1
    labels[4, 2] = 1
    scores = random.integers(0, 9, (30, 3)).astype(float)
    times = random.multinomial(30, np.full(30, 1 / 30), size=50).T
    found = resampled(labels, scores, times)
    expected = [
        mean_average_precision(np.repeat(labels, t, axis=0), np.repeat(scores, t, axis=0))
        for t in times.T
    ]
    assert (times[4] == 0).any(), "in some the third class has no positive"
    np.testing.assert_allclose(found, expected, atol=1e-14)


def test_scores_that_say_nothing_are_refused() -> None:
    labels, scores = np.array([[1], [0]]), np.array([[np.nan], [1.0]])
    with pytest.raises(ValueError, match="NaN"):
        average_precisions(labels, scores)
    with pytest.raises(ValueError, match="alike"):
        average_precisions(labels, scores[:, 0])
    assert average_precisions(np.array([[-1], [1]]), scores) == [1.0], (
        "a masked one is not looked at"
    )


# Decisions


def test_accuracy_of_decisions_is_of_the_unmasked_ones() -> None:
    labels = np.array([[1, 0, -1], [0, 1, 1]])
    log_odds = np.array([[0.1, -3, 5], [2, -1, math.inf]])
    assert pairs_right(labels, log_odds).tolist() == [2, 1]
    assert pair_accuracy(labels, log_odds) == 3 / 5
    assert pair_accuracy(labels, np.zeros((2, 3))) == 2 / 5, "p = 0.5 is no yes"
    assert math.isnan(pair_accuracy(np.full((2, 3), -1), log_odds))


@pytest.mark.parametrize("measure", MEASURES)
def test_one_label_an_image_is_scored_by_the_likeliest_class(measure: str) -> None:
    labels = np.array([0, 1, 2, 2])
    scores = np.array([[3.0, 1, 2], [0, 0, 1], [0, 0, 1], [1, 0, 0]])
    assert score(measure, labels, scores) == MEASURES[measure](labels, np.array([0, 2, 2, 0]))
