"""The minimum along a line, without a product with the features.

Margins are linear in the parameters, so along ``margins + t * direction`` the derivatives of the
objective cost one pass over (n, K). The objective is convex: its slope along the line grows with
t, and the search is Newton's method for the root of the slope, kept inside a bracket. Only slopes
are compared, never values, because near the minimum values agree to all their digits long before
slopes vanish (Hager and Zhang 2005, section 4).
"""

from __future__ import annotations

import math
from collections.abc import Callable


def minimise_along(
    derivatives: Callable[[float], tuple[float, float]],
    slope: float,
    *,
    accuracy: float = 0.1,
    max_steps: int = 40,
) -> float:
    """The step t > 0 to where the slope is ``accuracy`` times what it is at the start, or less.

    ``derivatives(t)`` are the first and second derivative at t; ``slope`` is the first at 0 and
    is negative. The first trial is t = 1, which quasi-Newton methods mostly get right.
    """
    target = accuracy * -slope
    low, high, t = 0.0, math.inf, 1.0
    for _ in range(max_steps):
        here, bend = derivatives(t)
        if abs(here) <= target:
            break
        if here < 0:
            low = t
        else:
            high = t
        # Exponential losses bend less and less: beyond four times the step, look again first.
        after = min(t - here / bend, 4 * t) if bend > 0 else 4 * t
        if not low < after < high:
            after = (low + high) / 2 if high < math.inf else 4 * t
        if after == t:
            break
        t = after
    return t
