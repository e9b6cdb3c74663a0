"""How much two networks differ on the same test examples, and how far that could be off by luck.

The sample is the test examples, each with what both networks make of it. As with the intervals of
one score, another training run, split or seed is not in these.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penultimate.errors import UnknownNameError
from penultimate.metrics import mean_average_precision, resampled
from penultimate.stats.intervals import AT_ONCE, FEWEST, MOST_WORK, SMALLEST_CLASS
from penultimate.stats.paired import ACCURACIES

TANGO = "Tango's score interval of paired proportions"
BOOTSTRAP = "paired bootstrap within classes"
TANGO_EFFECTIVE = "Tango's score interval, effective sample size"
IMAGES = "paired bootstrap of images, centred on the difference"


def difference_interval(
    measure: str,
    labels: NDArray[np.integer[Any]],
    correct_a: NDArray[np.bool_],
    correct_b: NDArray[np.bool_],
    *,
    level: float = 0.95,
    seed: int = 0,
    resamples: int = 2000,
) -> tuple[float, float, str]:
    """A confidence interval for the accuracy of a less that of b, and how it was made.

    Top-1 has Tango's (1998) score interval, which inverts McNemar's test, corrected for
    continuity so that it agrees with the exact one. Mean per-class accuracy
    has the percentile bootstrap within each class of examples with both predictions. Where a class
    has fewer than ``SMALLEST_CLASS`` test examples, or none has both examples on which the two
    differ and others, it is Tango's interval at the effective sample size, as ``score_interval``
    takes it.

    Parameters
    ----------
    measure : ``"top-1"`` or ``"mean-per-class"``.
    labels : true class of each test example, (n,), from 0.
    correct_a, correct_b : whether each network is right on each example, (n,), in one order.
    level : confidence, within 0..1.
    seed, resamples : of the bootstrap; the same seed gives the same interval.

    Returns
    -------
    low, high, method : fractions within -1..1, NaN where there is no example.

    Raises
    ------
    UnknownNameError : there is no such measure.
    ValueError : the arrays are not of one length.
    """
    if measure not in ACCURACIES:
        raise UnknownNameError("measure", measure, ACCURACIES)
    a, b = np.asarray(correct_a, dtype=bool), np.asarray(correct_b, dtype=bool)
    if not len(labels) == len(a) == len(b):
        raise ValueError(f"{len(a)} and {len(b)} predictions for {len(labels)} labels")
    only_a, only_b = a & ~b, b & ~a
    if measure == "top-1":
        ends = _tango(float(only_a.sum()), float(only_b.sum()), float(len(a)), level)
        return *ends, TANGO
    count = np.bincount(labels)
    present = count > 0
    sides = [np.bincount(labels[only], minlength=len(count))[present] for only in (only_a, only_b)]
    return _of_classes(sides[0], sides[1], count[present], level, seed, resamples)


def precision_difference_interval(
    labels: NDArray[np.integer[Any]],
    scores_a: NDArray[np.float64],
    scores_b: NDArray[np.float64],
    *,
    level: float = 0.95,
    seed: int = 0,
    resamples: int = 2000,
) -> tuple[float, float, str]:
    """A confidence interval for the mean average precision of a less that of b.

    Both are scored on the same resamples of images, and the percentiles are moved as those of
    ``precision_interval``. NaN where all resamples differ by the same, as of two equal networks.

    Parameters
    ----------
    labels : (n, K) of 1, 0 and -1 (masked).
    scores_a, scores_b : (n, K), the higher the likelier, of the same images in one order.

    The others, and what is returned, are as for ``difference_interval``.
    """
    n, k = labels.shape
    draws = min(resamples, max(FEWEST, MOST_WORK // max(1, 2 * n * k)))
    rng = np.random.default_rng(seed)
    drawn: list[NDArray[np.float64]] = []
    for start in range(0, draws if n else 0, AT_ONCE):
        chosen = rng.integers(0, n, (min(AT_ONCE, draws - start), n))
        times = np.stack([np.bincount(row, minlength=n) for row in chosen], axis=1)
        drawn.append(resampled(labels, scores_a, times) - resampled(labels, scores_b, times))
    found = np.concatenate(drawn) if drawn else np.empty(0)
    found = found[~np.isnan(found)]
    if len(found) == 0 or found.min() == found.max():
        return math.nan, math.nan, IMAGES
    seen = mean_average_precision(labels, scores_a) - mean_average_precision(labels, scores_b)
    tail = (1 - level) / 2
    low, high = np.quantile(found + (seen - found.mean()), [tail, 1 - tail]).clip(-1, 1)
    return float(low), float(high), IMAGES


def _of_classes(
    only_a: NDArray[np.int64],
    only_b: NDArray[np.int64],
    n: NDArray[np.int64],
    level: float,
    seed: int,
    resamples: int,
) -> tuple[float, float, str]:
    """From each class's examples, (C,), and those that only one network has right."""
    if len(n) == 0:
        return math.nan, math.nan, BOOTSTRAP
    share_a, share_b = only_a / n, only_b / n
    most = np.maximum(share_a, np.maximum(share_b, 1 - share_a - share_b))
    if n.min() < SMALLEST_CLASS or np.all(most == 1):
        effective = len(n) ** 2 / float(np.sum(1 / n))
        a, b = float(share_a.mean()) * effective, float(share_b.mean()) * effective
        return *_tango(a, b, effective, level), TANGO_EFFECTIVE
    # n_c of a class's n_c examples, drawn with replacement, fall to three kinds.
    rng = np.random.default_rng(seed)
    kinds = np.stack([share_a, share_b, 1 - share_a - share_b], axis=1).clip(0, 1)
    total = np.zeros(resamples)
    for size, shares in zip(n, kinds, strict=True):
        drawn = rng.multinomial(size, shares / shares.sum(), resamples)
        total += (drawn[:, 0] - drawn[:, 1]) / size
    tail = (1 - level) / 2
    low, high = np.quantile(total / len(n), [tail, 1 - tail])
    return float(low), float(high), BOOTSTRAP


def _tango(only_a: float, only_b: float, n: float, level: float) -> tuple[float, float]:
    """Differences that the score test does not refuse; counts need not be whole.

    With ``d`` the difference supposed and ``q`` the likeliest share of examples that b alone has
    right, the examples' mean gain is ``(only_a - only_b) / n``, of variance
    ``(2 q + d (1 - d)) / n`` (Tango 1998). The gain is a whole number of examples and the normal
    distribution is not: one example less is taken for it, as in Edwards' form of McNemar's test,
    so that the interval holds 0 where the exact test does not tell the two apart.
    """
    if n == 0:
        return math.nan, math.nan
    from scipy.optimize import brentq
    from scipy.stats import norm

    z = float(norm.ppf((1 + level) / 2))
    seen = (only_a - only_b) / n

    def beyond(d: float, sign: float) -> float:
        """How far ``seen`` is from ``d``, less how far luck goes; 0 at the interval's end."""
        p = -only_a - only_b + (2 * n - only_a + only_b) * d
        q = (math.sqrt(max(0.0, p * p + 8 * n * only_b * d * (1 - d))) - p) / (4 * n)
        return sign * n * (seen - d) - 1 - z * math.sqrt(max(0.0, n * (2 * q + d * (1 - d))))

    # At d = -1 and d = 1 nothing is left to luck; what the correction covers there is within.
    low = brentq(beyond, -1.0, seen, args=(1.0,)) if beyond(-1.0, 1.0) > 0 else -1.0
    high = brentq(beyond, seen, 1.0, args=(-1.0,)) if beyond(1.0, -1.0) > 0 else 1.0
    return float(low), float(high)
