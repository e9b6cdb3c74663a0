"""What a path solver returns: the solutions, how good each is, and what to do where one is not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Outcome(Enum):
    """How the work on one value of l2 ended; the value is the sentence for the user."""

    CERTIFIED = (
        "Converged: certified by strong convexity to be within {tolerance:g} (relative) of the "
        "minimum."
    )
    CONVERGED = (
        "Converged: estimated by the Newton decrement to be within {tolerance:g} (relative) of "
        "the minimum."
    )
    OUT_OF_EVALUATIONS = (
        "Not converged: the {max_evaluations} evaluations allowed for one value of l2 were used "
        "up with an estimated {gap:.1e} (relative) to go; raise max_evaluations, or leave out "
        "such small values of l2."
    )
    STALLED = (
        "Not converged: rounding errors stopped progress with an estimated {gap:.1e} (relative) "
        "to go; rescale the features to similar sizes, or leave out such small values of l2."
    )

    @property
    def good(self) -> bool:
        """Whether the tolerance was met."""
        return self in (Outcome.CERTIFIED, Outcome.CONVERGED)


@dataclass(frozen=True)
class Path:
    """Solutions of one problem at P values of l2, in the order in which these were given.

    Attributes
    ----------
    l2 : (P,) the values.
    coef : (P, K, D) coefficients, and intercept : (P, K).
    objective : (P,) what was minimised, at the solution.
    gradient_norm : (P,) of the gradient by the coefficients, with the intercept at its minimum.
    suboptimality_bound : (P,) *certified*: with the intercept eliminated the objective is
        strongly convex with constant l2, so it lies at most ``gradient_norm^2 / (2 l2)`` above
        its minimum. Absolute, up to rounding; very loose at small l2.
    suboptimality_estimate : (P,) half the squared Newton decrement, with a model in place of
        the true curvature, times the ratio by which the model was out while equations with the
        true one were solved: an *estimate* of the same distance, sharp but not certified.
    converged : (P,) whether the tolerance was met, by the bound or by the estimate.
    status : P sentences: how it ended and, where it did not go well, what to do.
    evaluations : passes forth and back over the features (two matrix products), in total.
    """

    l2: Floats
    coef: Floats
    intercept: Floats
    objective: Floats
    gradient_norm: Floats
    suboptimality_bound: Floats
    suboptimality_estimate: Floats
    converged: NDArray[np.bool_]
    status: tuple[str, ...]
    evaluations: int
