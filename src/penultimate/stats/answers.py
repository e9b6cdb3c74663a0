"""What a run answered to each test image, in the form that pairs of runs are compared in."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from penultimate.metrics import SEVERAL
from penultimate.stats.decisions import decisions_right, labels_of
from penultimate.stats.paired import exact_mcnemar, image_exchange_test, permutation_test

SIGNIFICANCE = 0.05

# What stands in a ranking's column ``comparison``: the test that gave the p-value, or why there is
# none.
MCNEMAR = "exact McNemar test"
PERMUTATION = "exchange of predictions"
EXCHANGE = "exchange of images' decisions"
MORE_RIGHT = "more of its decisions p > 0.5 are right"
OTHER_EXAMPLES = "other test examples"


@dataclass(frozen=True, eq=False)
class Answers:
    """One run's test part, in the order of the examples' names.

    ``truth`` are the columns ``example_id`` and ``label``, or one a class; ``right`` is (n,): bool,
    whether each image was got right, or int, how many of its decisions were.
    """

    truth: pd.DataFrame
    right: NDArray[Any]

    @classmethod
    def of(cls, predictions: pd.DataFrame) -> Answers:
        """From a run's predictions, see ``ResultStore.predictions``."""
        if not predictions["example_id"].is_monotonic_increasing:
            predictions = predictions.sort_values("example_id")
        truth = predictions[["example_id", *labels_of(predictions)]].reset_index(drop=True)
        if "label" not in truth:
            return cls(truth, decisions_right(predictions))
        label, predicted = predictions["label"], predictions["predicted"]
        if label.dtype != predicted.dtype:
            label, predicted = label.astype(str), predicted.astype(str)
        return cls(truth, (label == predicted).to_numpy())

    @cached_property
    def classes(self) -> NDArray[np.int64]:
        """(n,) the true class of each image, as a number from 0; where each has one label."""
        return pd.factorize(self.truth["label"])[0]

    def of_the_same(self, other: Answers) -> bool:
        """Whether two test parts are one: the same examples with the same labels.

        Classes come as names, as numbers or as categories: as text they compare all the same.
        """
        one, two = self.truth, other.truth
        if len(one) != len(two) or list(one) != list(two):
            return False
        for name in one:
            mine, others = one[name], two[name]
            if mine.dtype != others.dtype:
                mine, others = mine.astype(str), others.astype(str)
            if not mine.equals(others):
                return False
        return True


def compare(measure: str, mine: Answers, best: Answers) -> tuple[float, str]:
    """The p-value of a run against a better one, and the test; NaN, and why there is none.

    Parameters
    ----------
    measure : top-1 is compared by the exact McNemar test, mean per-class accuracy by exchanging
        predictions, mean average precision by exchanging images.
    """
    if not mine.of_the_same(best):
        return math.nan, OTHER_EXAMPLES
    if measure == SEVERAL:
        p = image_exchange_test(best.right, mine.right)
        # The best in precision need not be the best in decisions: that is no proof against this.
        other_way = p <= SIGNIFICANCE and mine.right.sum() > best.right.sum()
        return (math.nan, MORE_RIGHT) if other_way else (p, EXCHANGE)
    if measure == "top-1":
        return exact_mcnemar(best.right, mine.right), MCNEMAR
    return permutation_test(best.classes, best.right, mine.right), PERMUTATION
