"""How far a score could be off by the luck of the test draw alone.

The interval says what another test sample of the same size could have given. It does not hold
what another training run, another split or another seed could have given.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penultimate.errors import UnknownNameError
from penultimate.metrics import mean_average_precision, resampled
from penultimate.stats.wilson import wilson_interval

WILSON = "wilson"
BOOTSTRAP = "stratified bootstrap"
WILSON_EFFECTIVE = "wilson, effective sample size"
IMAGES = "bootstrap of images, centred on the score"
AT_ONCE = 100  # resamples of images: bounds memory, does not change the numbers
MOST_WORK = 4_000_000_000  # pairs of image and class looked at in all resamples: under a minute
FEWEST = 200  # resamples, however large the test set

# A class resampled from itself loses (n - 1) / n of its variance, and all of it at n = 1: below
# this many examples the bootstrap's interval would be visibly too narrow.
SMALLEST_CLASS = 5


def score_interval(
    measure: str,
    labels: NDArray[np.integer[Any]],
    predicted: NDArray[np.int64],
    *,
    level: float = 0.95,
    seed: int = 0,
    resamples: int = 2000,
) -> tuple[float, float, str]:
    """A confidence interval for a score, and the name of the method that made it.

    Top-1 has the Wilson score interval. Mean per-class accuracy has the percentile bootstrap,
    resampled within each class, so that every resample has the test set's own class sizes. Where
    a class has fewer than ``SMALLEST_CLASS`` test examples, or where every class is all right or
    all wrong, resampling sees too little or no variation; there it is Wilson's interval at the
    effective sample size ``C^2 / sum_c (1 / n_c)``, which is the number of examples where all C
    classes are of one size.

    Parameters
    ----------
    measure : ``"top-1"`` or ``"mean-per-class"``.
    labels, predicted : true and predicted class of each test example, (n,), from 0.
    level : confidence, within 0..1.
    seed, resamples : of the bootstrap; the same seed gives the same interval.

    Returns
    -------
    low, high, method : fractions, NaN where there is no example; ``method`` says how.

    Raises
    ------
    UnknownNameError : there is no such measure.
    """
    if measure == "top-1":
        return *_wilson_of_counts(int(np.sum(labels == predicted)), len(labels), level), WILSON
    if measure == "mean-per-class":
        count = np.bincount(labels)
        present = count > 0
        n = count[present]
        k = np.bincount(labels[labels == predicted], minlength=len(count))[present]
        return _mean_per_class(k, n, level, seed, resamples)
    raise UnknownNameError("measure", measure, ["top-1", "mean-per-class"])


def precision_interval(
    labels: NDArray[np.integer[Any]],
    scores: NDArray[np.float64],
    *,
    level: float = 0.95,
    seed: int = 0,
    resamples: int = 2000,
) -> tuple[float, float, str]:
    """A confidence interval for 11-point mean average precision, by a bootstrap of images.

    The largest precision at a recall is higher by luck in small test sets, and higher again in
    resamples of one. The percentiles are therefore moved until the resamples' mean stands at the
    score: docs/decisions/multi-label.md has how often they then hold what they should.

    A class that has no positive in a resample does not count there. Where all resamples score the
    same, as on a handful of images that are all ranked rightly, they say nothing of the luck of
    the draw, and the interval is undefined. Of very large test sets fewer resamples are drawn.

    Parameters
    ----------
    labels : (n, K) of 1, 0 and -1 (masked).
    scores : (n, K), the higher the likelier.

    The others, and what is returned, are as for `score_interval`.
    """
    n, k = labels.shape
    count = min(resamples, max(FEWEST, MOST_WORK // max(1, n * k)))
    rng = np.random.default_rng(seed)
    drawn: list[NDArray[np.float64]] = []
    for start in range(0, count if n else 0, AT_ONCE):
        chosen = rng.integers(0, n, (min(AT_ONCE, count - start), n))
        times = np.stack([np.bincount(row, minlength=n) for row in chosen], axis=1)
        drawn.append(resampled(labels, scores, times))
    found = np.concatenate(drawn) if drawn else np.empty(0)
    found = found[~np.isnan(found)]
    if len(found) == 0 or found.min() == found.max():
        return math.nan, math.nan, IMAGES
    tail = (1 - level) / 2
    moved = found + (mean_average_precision(labels, scores) - found.mean())
    low, high = np.quantile(moved, [tail, 1 - tail]).clip(0, 1)
    return float(low), float(high), IMAGES


def _wilson_of_counts(right: int, n: int, level: float) -> tuple[float, float]:
    if n == 0:
        return math.nan, math.nan
    from scipy.stats import binomtest

    interval = binomtest(right, n).proportion_ci(confidence_level=level, method="wilson")
    return float(interval.low), float(interval.high)


def _mean_per_class(
    k: NDArray[np.int64], n: NDArray[np.int64], level: float, seed: int, resamples: int
) -> tuple[float, float, str]:
    """From right answers ``k`` and examples ``n`` of each class, (C,)."""
    if len(n) == 0:
        return math.nan, math.nan, BOOTSTRAP
    accuracy = k / n
    if n.min() < SMALLEST_CLASS or not np.any((k > 0) & (k < n)):
        effective = len(n) ** 2 / float(np.sum(1 / n))
        return *_wilson(float(accuracy.mean()), effective, level), WILSON_EFFECTIVE
    # Drawing n_c of a class's n_c examples with replacement has a binomial number of right ones.
    draws = np.random.default_rng(seed).binomial(n, accuracy, size=(resamples, len(n)))
    tail = (1 - level) / 2
    low, high = np.quantile((draws / n).mean(axis=1), [tail, 1 - tail])
    return float(low), float(high), BOOTSTRAP


def _wilson(p: float, n: float, level: float) -> tuple[float, float]:
    """Of a proportion ``p`` of ``n`` examples, ``n`` not always whole."""
    low, high = wilson_interval(p, n, level)
    return float(low), float(high)
