"""Intervals hold to their closed forms, repeat with their seed, and are never too sure."""

import math

import numpy as np
import pytest

from penultimate.errors import UnknownNameError
from penultimate.metrics import mean_per_class
from penultimate.stats import score_interval


def drawn(accuracy, sizes, seed):
    """Labels, and predictions that are right with each class's ``accuracy``."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    right = rng.random(len(labels)) < np.asarray(accuracy)[labels]
    return labels, np.where(right, labels, (labels + 1) % len(sizes))


@pytest.mark.parametrize(("right", "n"), [(0, 10), (3, 10), (10, 10), (353, 360), (1, 1)])
def test_wilson_is_the_closed_formula(right, n):
    z = 1.959963984540054
    p = right / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    labels = np.zeros(n, dtype=np.int64)
    predicted = (np.arange(n) >= right).astype(np.int64)
    low, high, method = score_interval("top-1", labels, predicted)
    assert (low, high) == pytest.approx((centre - half, centre + half), abs=1e-12)
    assert method == "wilson"


@pytest.mark.parametrize("measure", ["top-1", "mean-per-class"])
def test_no_example_has_no_interval(measure):
    none = np.array([], dtype=np.int64)
    low, high, method = score_interval(measure, none, none)
    assert math.isnan(low)
    assert math.isnan(high)
    assert method


def test_bootstrap_repeats_with_its_seed_and_only_with_it():
    labels, predicted = drawn([0.9, 0.5, 0.7], [40, 20, 60], seed=0)
    first = score_interval("mean-per-class", labels, predicted, seed=3)
    assert first == score_interval("mean-per-class", labels, predicted, seed=3)
    assert first != score_interval("mean-per-class", labels, predicted, seed=4)


def test_bootstrap_is_that_of_explicit_resampling():
    """Against examples drawn one by one within each class: the same up to resampling noise."""
    labels, predicted = drawn([0.9, 0.5, 0.7], [40, 20, 60], seed=1)
    low, high, method = score_interval("mean-per-class", labels, predicted, resamples=20_000)
    rng = np.random.default_rng(0)
    scores = []
    for _ in range(2_000):
        chosen = np.concatenate(
            [rng.choice(np.flatnonzero(labels == c), size=np.sum(labels == c)) for c in range(3)]
        )
        scores.append(mean_per_class(labels[chosen], predicted[chosen]))
    assert (low, high) == pytest.approx(np.quantile(scores, [0.025, 0.975]), abs=0.01)
    assert method == "stratified bootstrap"


def test_bootstrap_covers():
    """Of 300 test sets, the interval holds the truth in about 95 of 100."""
    accuracy, sizes = [0.9, 0.6, 0.75, 0.8], [50, 30, 40, 80]
    held = 0
    for seed in range(300):
        labels, predicted = drawn(accuracy, sizes, seed)
        low, high, _ = score_interval("mean-per-class", labels, predicted, resamples=500)
        held += low <= np.mean(accuracy) <= high
    assert 0.91 <= held / 300 <= 0.98


def test_class_sizes_do_not_weigh():
    """Ten times the examples of one class narrow the interval and do not move its middle."""
    sizes = [200, 20]
    labels, predicted = drawn([1.0, 0.5], sizes, seed=2)
    low, high, _ = score_interval("mean-per-class", labels, predicted)
    assert low < mean_per_class(labels, predicted) < high


@pytest.mark.parametrize(
    ("sizes", "why"), [([1] * 30, "one example a class"), ([20, 20], "all right")]
)
def test_what_resampling_cannot_see_is_not_certain(sizes, why):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    low, high, method = score_interval("mean-per-class", labels, labels)
    assert low < 0.97, why
    assert high == 1.0
    assert method == "wilson, effective sample size"


def test_effective_sample_size_is_wilson_where_classes_are_of_one_size():
    labels, predicted = drawn([0.9, 0.5, 0.7], [4, 4, 4], seed=5)
    assert score_interval("mean-per-class", labels, predicted)[:2] == pytest.approx(
        score_interval("top-1", labels, predicted)[:2], abs=1e-12
    )


def test_an_unknown_measure_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'top-1'"):
        score_interval("top1", np.array([0]), np.array([0]))
