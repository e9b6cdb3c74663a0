"""Wilson's score interval of many proportions at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def wilson_interval(
    proportion: ArrayLike, n: ArrayLike, level: float = 0.95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The interval of each proportion of ``n`` examples (Wilson 1927).

    It is defined at 0 and 1, and never leaves 0..1.

    Parameters
    ----------
    proportion, n : of one shape; ``n`` need not be whole (an effective sample size).
    level : confidence, within 0..1.

    Returns
    -------
    low, high : of that shape, NaN where ``n`` is 0 or the proportion is NaN.
    """
    from scipy.special import ndtri

    p, size = np.asarray(proportion, dtype=np.float64), np.asarray(n, dtype=np.float64)
    count: NDArray[np.float64] = np.where(size > 0, size, np.nan)
    z = float(ndtri((1 + level) / 2))
    centre = (p + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(p * (1 - p) / count + z**2 / (4 * count**2))
    # At 0 and 1 an end is the proportion itself, which rounding must not lose.
    low: NDArray[Any] = np.maximum(0.0, np.minimum(p, centre - half))
    high: NDArray[Any] = np.minimum(1.0, np.maximum(p, centre + half))
    return low, high
