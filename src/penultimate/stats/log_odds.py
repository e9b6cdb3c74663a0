"""The scale on which accuracies are averaged and compared (section 3 of the paper)."""

from __future__ import annotations

from typing import Any, overload

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from penultimate.errors import SpecError


@overload
def logit(p: pd.DataFrame, n: Any = None) -> pd.DataFrame: ...
@overload
def logit(p: pd.Series, n: Any = None) -> pd.Series: ...
@overload
def logit(p: ArrayLike, n: Any = None) -> NDArray[np.float64]: ...
def logit(p: Any, n: Any = None) -> Any:
    """``log(p / (1 - p))``, the log odds of accuracies; never infinite.

    Inside 0..1 it is the paper's formula and nothing else. At 0 and 1 it has no finite value. There
    ``n``, the number of test examples, decides: a score nearer to an end than half an answer stands
    half an answer away from it, at ``0.5 / (n + 1)`` or ``(n + 0.5) / (n + 1)``. For right answers
    that are counted this touches none right and all right only, and no order is changed.

    Parameters
    ----------
    p : fractions, of any shape; NaN stays NaN.
    n : test examples behind each: a number, or an array or series that fits ``p``. For a frame of
        models x data sets, a series by data set. NaN where it is not known.

    Returns
    -------
    log odds in the form of ``p``.

    Raises
    ------
    SpecError : a value is outside 0..1, or is 0 or 1 and ``n`` does not say what to do.
    """
    values = np.asarray(p, dtype=np.float64)
    outside = values[(values < 0) | (values > 1)]
    if outside.size:
        raise SpecError(
            f"an accuracy is a fraction from 0 to 1, and {outside[0]:g} is not: divide "
            "percentages by 100"
        )
    if n is not None:
        values = _inside(values, _counts(p, n))
    ends = values[(values == 0) | (values == 1)]
    if ends.size:
        raise SpecError(
            f"an accuracy of {100 * ends[0]:g} % has no finite log odds: give n, the number of "
            "test examples, to have it stand half an answer inside"
        )
    found = np.log(values) - np.log1p(-values)
    if isinstance(p, pd.DataFrame):
        return pd.DataFrame(found, index=p.index, columns=p.columns)
    return pd.Series(found, index=p.index, name=p.name) if isinstance(p, pd.Series) else found


def _counts(p: Any, n: Any) -> NDArray[np.float64]:
    """``n`` in the order of ``p``; labels say where it belongs, if it has any."""
    if isinstance(n, pd.Series) and isinstance(p, pd.DataFrame):
        n = n.reindex(p.columns)
    elif isinstance(n, pd.Series) and isinstance(p, pd.Series):
        n = n.reindex(p.index)
    elif isinstance(n, pd.DataFrame) and isinstance(p, pd.DataFrame):
        n = n.reindex(index=p.index, columns=p.columns)
    counts = np.asarray(n, dtype=np.float64)
    if np.any(counts < 1):
        raise SpecError(f"n counts test examples, and {np.nanmin(counts):g} is too few: at least 1")
    return counts


def _inside(values: NDArray[np.float64], n: NDArray[np.float64]) -> NDArray[np.float64]:
    """``values`` kept half an answer from either end, where ``n`` is known."""
    moved = np.clip(values, 0.5 / (n + 1), (n + 0.5) / (n + 1))
    return np.where(np.isnan(n), values, moved)
