"""What a prediction is worth: arrays in, numbers out.

Undefined is NaN: no example has no accuracy, and a class without a positive no precision.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from penultimate.metrics.accuracy import (
    MEASURES,
    mean_per_class,
    pair_accuracy,
    pairs_right,
    top_1,
)
from penultimate.metrics.average_precision import (
    average_precisions,
    mean_average_precision,
    resampled,
)

SEVERAL = "mean-average-precision"
"""The measure of tasks with several labels an image."""


def score(measure: str, labels: NDArray[np.integer[Any]], scores: NDArray[np.float64]) -> float:
    """What ``scores`` (n, K), of every class and the higher the likelier, are worth.

    Labels are (n,) classes, and (n, K) of 1, 0 and -1 for mean average precision.
    """
    if measure == SEVERAL:
        return mean_average_precision(labels, scores)
    return MEASURES[measure](labels, scores.argmax(axis=1))


__all__ = [
    "MEASURES",
    "SEVERAL",
    "average_precisions",
    "mean_average_precision",
    "mean_per_class",
    "pair_accuracy",
    "pairs_right",
    "resampled",
    "score",
    "top_1",
]
