"""Intervals of a difference hold the truth, agree with the tests, and repeat with their seed."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from penultimate.errors import UnknownNameError
from penultimate.metrics import mean_average_precision, mean_per_class
from penultimate.stats import (
    difference_interval,
    exact_mcnemar,
    precision_difference_interval,
)

Z = norm.ppf(0.975)


def pair(only_a, only_b, n, both=0):
    """Whether each of two networks is right on each of n examples."""
    a = np.arange(n) < only_a + both
    b = (np.arange(n) >= only_a) & (np.arange(n) < only_a + both + only_b)
    return a, b


def score_statistic(only_a, only_b, n, d):
    """How unlikely a difference d is, its nuisance parameter found by search."""

    def loss(q):
        shares = np.array([q + d, q, 1 - 2 * q - d])
        counts = np.array([only_a, only_b, n - only_a - only_b])
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where(counts > 0, counts * np.log(shares), 0.0)
        return -terms.sum() if np.all(shares >= 0) else math.inf

    low, high = max(0.0, -d), (1 - d) / 2
    options = {"xatol": 1e-12}
    q = minimize_scalar(loss, bounds=(low, high), method="bounded", options=options).x
    return (abs(only_a - only_b - n * d) - 1) / math.sqrt(n * (2 * q + d - d * d))


@pytest.mark.parametrize("counts", [(12, 3, 60), (40, 31, 200), (1, 7, 21), (3, 3, 25)])
def test_the_ends_are_where_the_score_test_begins_to_refuse(counts):
    a, b = pair(*counts)
    low, high, method = difference_interval("top-1", np.zeros(counts[2], dtype=int), a, b)
    assert score_statistic(*counts, low) == pytest.approx(Z, abs=1e-4)
    assert score_statistic(*counts, high) == pytest.approx(Z, abs=1e-4)
    assert method == "Tango's score interval of paired proportions"


def test_turned_round_it_is_its_mirror_image():
    labels = np.arange(120) % 3
    a, b = pair(20, 9, 120, both=60)
    low, high, _ = difference_interval("top-1", labels, a, b)
    assert difference_interval("top-1", labels, b, a)[:2] == pytest.approx((-high, -low))


@pytest.mark.parametrize("counts", [(10, 0, 10), (0, 10, 10), (0, 0, 10), (1, 0, 1), (0, 0, 1)])
def test_it_stays_within_minus_one_and_one_and_holds_what_was_seen(counts):
    a, b = pair(*counts)
    low, high, _ = difference_interval("top-1", np.zeros(counts[2], dtype=int), a, b)
    assert -1 <= low <= (counts[0] - counts[1]) / counts[2] <= high <= 1
    assert low < high


def test_it_says_what_the_exact_test_says():
    """Over all ways that two networks can differ on 60 images, zero is held where p > 0.05."""
    labels = np.zeros(60, dtype=int)
    apart = 0
    cases = [(k, m) for k in range(31) for m in range(31) if k + m <= 60]
    for only_a, only_b in cases:
        a, b = pair(only_a, only_b, 60)
        low, high, _ = difference_interval("top-1", labels, a, b)
        apart += (low <= 0 <= high) != (exact_mcnemar(a, b) > 0.05)
    assert apart <= 0.01 * len(cases)


@pytest.mark.parametrize("measure", ["top-1", "mean-per-class"])
def test_it_holds_the_true_difference_as_often_as_it_says(measure):
    rng = np.random.default_rng(0)
    sizes = np.array([20, 40, 60, 80])
    labels = np.repeat(np.arange(4), sizes)
    gain_a, gain_b = np.array([0.15, 0.1, 0.1, 0.05])[labels], 0.04
    truth = (gain_a - gain_b).mean() if measure == "top-1" else np.mean([0.11, 0.06, 0.06, 0.01])
    held = 0
    for _ in range(400):
        drawn = rng.random(len(labels))
        a, b = drawn < gain_a, (drawn >= gain_a) & (drawn < gain_a + gain_b)
        low, high, _ = difference_interval(measure, labels, a, b, resamples=400)
        held += low <= truth <= high
    assert 0.92 <= held / 400 <= 0.995


def test_mean_per_class_is_an_explicit_paired_bootstrap():
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(3), [30, 50, 90])
    a, b = rng.random(170) < 0.8, rng.random(170) < 0.7
    low, high, method = difference_interval("mean-per-class", labels, a, b, resamples=20_000)
    scores = []
    for _ in range(2_000):
        chosen = np.concatenate(
            [rng.choice(np.flatnonzero(labels == c), size=np.sum(labels == c)) for c in range(3)]
        )
        truth = labels[chosen]
        given = [np.where(right[chosen], truth, (truth + 1) % 3) for right in (a, b)]
        scores.append(mean_per_class(truth, given[0]) - mean_per_class(truth, given[1]))
    assert (low, high) == pytest.approx(np.quantile(scores, [0.025, 0.975]), abs=0.012)
    assert method == "paired bootstrap within classes"
    again = difference_interval("mean-per-class", labels, a, b, resamples=20_000)
    assert again == (low, high, method)
    assert again != difference_interval("mean-per-class", labels, a, b, resamples=20_000, seed=1)


def test_small_classes_and_no_difference_take_the_interval_that_is_never_too_narrow():
    labels = np.repeat(np.arange(3), [2, 50, 50])
    a, b = pair(9, 3, 102, both=80)
    low, high, method = difference_interval("mean-per-class", labels, a, b)
    assert "effective sample size" in method
    assert low < 0 < high
    labels = np.repeat(np.arange(3), 20)
    same = np.ones(60, dtype=bool)
    low, high, method = difference_interval("mean-per-class", labels, same, same)
    assert "effective sample size" in method
    # Classes of one size weigh their examples alike: the effective size is the size.
    top_1 = difference_interval("top-1", labels, same, same)
    assert (low, high) == pytest.approx(top_1[:2])


def test_precision_differs_on_the_same_images():
    rng = np.random.default_rng(2)
    labels = (rng.random((150, 4)) < 0.3).astype(int)
    better = labels + rng.normal(0, 0.6, labels.shape)
    worse = better + rng.normal(0, 0.6, labels.shape)
    seen = mean_average_precision(labels, better) - mean_average_precision(labels, worse)
    low, high, _ = precision_difference_interval(labels, better, worse, resamples=300)
    assert 0 < low < seen < high
    back = precision_difference_interval(labels, worse, better, resamples=300)
    assert back[:2] == pytest.approx((-high, -low))
    # The same network twice differs in no resample, which says nothing of luck.
    none = precision_difference_interval(labels, better, better)
    assert math.isnan(none[0])
    assert math.isnan(none[1])


@pytest.mark.parametrize("measure", ["top-1", "mean-per-class"])
def test_no_example_has_no_interval(measure):
    none = np.array([], dtype=bool)
    low, high, _ = difference_interval(measure, none.astype(int), none, none)
    assert math.isnan(low)
    assert math.isnan(high)


def test_what_cannot_be_is_refused():
    ones = np.ones(3, dtype=bool)
    with pytest.raises(UnknownNameError, match="top-1"):
        difference_interval("top-2", np.zeros(3, dtype=int), ones, ones)
    with pytest.raises(ValueError, match="3 and 2 predictions for 3"):
        difference_interval("top-1", np.zeros(3, dtype=int), ones, ones[:2])
