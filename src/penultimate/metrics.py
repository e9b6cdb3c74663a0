"""What a prediction is worth: top-1 and mean per-class accuracy.

Arrays in, numbers out. Undefined is NaN: no example has no accuracy.
"""

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


MEASURES = {"top-1": top_1, "mean-per-class": mean_per_class}
