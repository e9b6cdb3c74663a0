"""Several tests at once: Holm's step-down correction."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """p-values such that calling those below 0.05 makes a false call in at most 5 % of families.

    The k-th smallest of m, counted from 0, is multiplied by ``m - k``; none may be smaller than
    the one before it, and none greater than 1 (Holm 1979). Whatever the tests' dependence.

    Parameters
    ----------
    p_values : (m,) of one family. NaN is no test: it stays NaN and does not count in m.
    """
    p = np.asarray(p_values, dtype=np.float64)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    corrected = np.full(p.shape, np.nan)
    steps = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1) if len(order) else steps
    return corrected
