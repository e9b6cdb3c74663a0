"""The minimum along a line, without a product with the features.

Margins are linear in the parameters, so along ``margins + t * direction`` the loss and its
derivatives cost one pass over (n, K). The objective is convex: its slope along the line grows
with t, and the search is Newton's method for the root of the slope, kept inside a bracket. Only
slopes are compared, never values, because near the minimum values agree to all their digits long
before slopes vanish (Hager and Zhang 2005, section 4).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from penultimate.solvers.softmax import Softmax, SoftmaxAt


@dataclass(frozen=True)
class Quadratic:
    """The penalty along a line: ``constant + slope * t + bend * t^2 / 2``."""

    constant: float = 0.0
    slope: float = 0.0
    bend: float = 0.0

    def at(self, t: float) -> float:
        """Its value at t."""
        return self.constant + t * (self.slope + t * self.bend / 2)


@dataclass(frozen=True)
class Found:
    """Where the search ended: the step, the margins there and the loss at them."""

    t: float
    margins: Tensor
    at: SoftmaxAt


def minimise_along(
    loss: Softmax,
    margins: Tensor,
    at: SoftmaxAt,
    direction: Tensor,
    penalty: Quadratic,
    *,
    accuracy: float = 0.1,
    max_steps: int = 40,
) -> Found | None:
    """The step to where the slope is ``accuracy`` times what it is at the start, or less.

    None where the direction does not go down, which in exact arithmetic means that the start is
    the minimum.
    """
    slope, bend = loss.slope_and_bend(at, direction)
    slope, bend = slope + penalty.slope, bend + penalty.bend
    if not slope < 0 or not bend > 0:
        return None
    target = accuracy * -slope
    low, high = 0.0, float("inf")
    t = -slope / bend
    found = Found(0.0, margins, at)
    for _ in range(max_steps):
        there = margins + t * direction
        found = Found(t, there, loss.at(there))
        slope, bend = loss.slope_and_bend(found.at, direction)
        slope, bend = slope + penalty.slope + t * penalty.bend, bend + penalty.bend
        if abs(slope) <= target:
            break
        if slope < 0:
            low = t
        else:
            high = t
        newton = t - slope / bend if bend > 0 else float("inf")
        # Exponential losses bend less and less: beyond four times the step, look again first.
        newton = min(newton, 4 * t)
        if not low < newton < high:
            newton = (low + high) / 2 if high < float("inf") else 2 * t
        if newton == t:
            break
        t = newton
    return found
