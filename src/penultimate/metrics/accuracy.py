"""The share of predictions that are right: of all, of each class alike, of image-class pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def top_1(labels: NDArray[np.integer[Any]], predicted: NDArray[np.int64]) -> float:
    """The share of examples whose predicted class is right; labels and predictions (n,)."""
    if len(labels) == 0:
        return float("nan")
    return float(np.mean(np.equal(labels, predicted)))


def mean_per_class(labels: NDArray[np.integer[Any]], predicted: NDArray[np.int64]) -> float:
    """The mean over classes of the share of that class's examples that are right.

    Classes without an example do not count (PROTOCOL: Aircraft, Pets, Caltech-101, Flowers).
    """
    if len(labels) == 0:
        return float("nan")
    correct = np.equal(labels, predicted).astype(np.float64)
    count = np.bincount(labels)
    right = np.bincount(labels, weights=correct)
    present = count > 0
    return float(np.mean(right[present] / count[present]))


def pairs_right(
    labels: NDArray[np.integer[Any]], log_odds: NDArray[np.float64]
) -> NDArray[np.int64]:
    """(n,) how many of an image's decisions p > 0.5, one a class, are right.

    Labels (n, K) are 1, 0 and -1 (masked: no decision is asked); log odds (n, K) are those of p.
    """
    right = ((log_odds > 0) == (labels == 1)) & (labels >= 0)
    count: NDArray[np.int64] = right.sum(axis=1, dtype=np.int64)
    return count


def pair_accuracy(labels: NDArray[np.integer[Any]], log_odds: NDArray[np.float64]) -> float:
    """The share of unmasked image-class decisions p > 0.5 that are right, as `pairs_right`."""
    asked = int((labels >= 0).sum())
    return float(pairs_right(labels, log_odds).sum()) / asked if asked else float("nan")


MEASURES = {"top-1": top_1, "mean-per-class": mean_per_class}
