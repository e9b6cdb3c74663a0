"""Eleven-point interpolated average precision, the measure of PASCAL VOC 2007.

Of one class: the mean over t = 0, 0.1, ..., 1 of the largest precision at recall >= t. Images of
equal score enter together, since nothing puts one before the other. Pairs of image and class that
are masked (-1) do not take part.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVELS = 10  # recall is asked for at 0 / 10, 1 / 10, ..., 10 / 10


def average_precisions(
    labels: NDArray[np.integer[Any]], scores: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(K,) average precision of each class, NaN for one without a positive.

    Parameters
    ----------
    labels : (n, K) of 1, 0 and -1 (masked).
    scores : (n, K), the higher the likelier; infinities are allowed.

    Raises
    ------
    ValueError : the shapes differ, or an unmasked score is NaN.
    """
    once = np.ones((len(labels), 1), dtype=np.int32)
    return _precisions(labels, scores, once)[:, 0]


def mean_average_precision(labels: NDArray[np.integer[Any]], scores: NDArray[np.float64]) -> float:
    """The mean of the `average_precisions` of the classes that have a positive."""
    return float(_mean(average_precisions(labels, scores)[:, None])[0])


def resampled(
    labels: NDArray[np.integer[Any]],
    scores: NDArray[np.float64],
    times: NDArray[np.integer[Any]],
) -> NDArray[np.float64]:
    """(R,) mean average precision where each image is there as often as ``times`` (n, R) says."""
    return _mean(_precisions(labels, scores, times.astype(np.int32)))


def _mean(precisions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Over the classes, (K, R) to (R,), without those that are NaN."""
    defined = ~np.isnan(precisions)
    count = defined.sum(axis=0)
    total = np.where(defined, precisions, 0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _precisions(
    labels: NDArray[np.integer[Any]], scores: NDArray[np.float64], times: NDArray[np.int32]
) -> NDArray[np.float64]:
    """(K, R) average precisions of labels and scores (n, K), images repeated ``times`` (n, R)."""
    if labels.ndim != 2 or labels.shape != scores.shape:
        raise ValueError(f"labels {labels.shape} and scores {scores.shape} should be (n, K) alike")
    if np.isnan(scores[labels >= 0]).any():
        raise ValueError("a score is NaN, which is neither high nor low")
    return np.stack([_of_class(labels[:, k], scores[:, k], times) for k in range(labels.shape[1])])


def _of_class(
    labels: NDArray[np.integer[Any]], scores: NDArray[np.float64], times: NDArray[np.int32]
) -> NDArray[np.float64]:
    """(R,) average precisions of one class."""
    asked = np.flatnonzero(labels >= 0)
    order = asked[np.argsort(-scores[asked], kind="stable")]
    positive = labels[order] == 1
    if not positive.any():
        return np.full(times.shape[1], np.nan)
    ranked = scores[order]
    last = np.append(ranked[1:] != ranked[:-1], True)  # of the images that share its score
    place = np.cumsum(last) - last
    # Between two places with a positive, recall stays and precision falls.
    ends = np.flatnonzero(last)[np.bincount(place, weights=positive) > 0]
    drawn = times[order]
    starts = np.append(0, ends[:-1] + 1)
    found = _sums(drawn[: ends[-1] + 1], starts)
    right = _sums(np.where(positive[:, None], drawn, 0)[: ends[-1] + 1], starts)
    return _interpolated(right, found)


def _sums(values: NDArray[np.int32], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """(G, R) sums of the rows up to each start's segment, that one included."""
    return np.cumsum(np.add.reduceat(values, starts, axis=0), axis=0, dtype=np.int64)


def _interpolated(right: NDArray[np.int64], found: NDArray[np.int64]) -> NDArray[np.float64]:
    """(R,) the mean over the levels of recall, from positives and images at each end, (G, R)."""
    precision = right / np.maximum(found, 1)
    best = np.maximum.accumulate(precision[::-1], axis=0)[::-1]  # at this recall or a larger one
    total = np.zeros(right.shape[1])
    for level in range(LEVELS + 1):
        # In whole numbers: 3 / 10 and 0.3 are not the same floating-point number.
        reached = (LEVELS * right < level * right[-1]).sum(axis=0)
        total += np.take_along_axis(best, reached[None], axis=0)[0]
    return np.where(right[-1] > 0, total / (LEVELS + 1), np.nan)
