"""The line through networks, ImageNet against transfer, and the band that holds it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from penultimate.stats.correlation import FEWEST
from penultimate.stats.grid import Missing, complete
from penultimate.stats.log_odds import logit
from penultimate.stats.networks import Points, at_a_time, draws, percentiles, points


def regression_band(
    imagenet: pd.Series,
    accuracy: pd.DataFrame,
    *,
    at: ArrayLike | None = None,
    n: Any = None,
    missing: Missing = "refuse",
    level: float = 0.95,
    resamples: int = 2_000,
    seed: int = 0,
) -> pd.DataFrame:
    """The line of least squares in log odds and its bootstrap band, as in figure 2 of the paper.

    Each resample draws networks with replacement and has a line; the band is where the middle
    ``level`` of the lines is at each place. Resamples of one network alone have none and are left
    out.

    Parameters
    ----------
    at : ImageNet accuracies, fractions, at which to say where the line is; by default 100 places
        from the least to the greatest, even in log odds.

    The others are those of ``correlation``. One data set's line is that of ``accuracy[[name]]``.

    Returns
    -------
    frame : a row a place with ``imagenet``, ``line``, ``low`` and ``high``, all in log odds; NaN
        with fewer than 3 networks or where all are equal on ImageNet.

    Raises
    ------
    SpecError : as for ``correlation``.
    """
    accuracy = complete(accuracy, missing)
    x, y = points(imagenet, accuracy, n)
    places = np.linspace(x.min(), x.max(), 100) if at is None else logit(np.atleast_1d(at))
    if len(x) < FEWEST or np.ptp(x) == 0:
        line, band = np.full(len(places), np.nan), np.full((2, len(places)), np.nan)
    else:
        line = _lines((x[None], y[None]), places)[0]
        lines = [
            _lines((x[rows], y[rows]), places) for rows in at_a_time(draws(len(x), resamples, seed))
        ]
        band = percentiles(np.concatenate(lines), level)
    return pd.DataFrame({"imagenet": places, "line": line, "low": band[0], "high": band[1]})


def _lines(xy: Points, places: NDArray[np.float64]) -> NDArray[np.float64]:
    """(R, P) where the line through each row of (R, M) points is at each place."""
    x, y = xy
    constant = np.ptp(x, axis=1) == 0
    middle, height = x.mean(axis=1, keepdims=True), y.mean(axis=1, keepdims=True)
    spread = ((x - middle) ** 2).sum(axis=1)
    slope = ((x - middle) * (y - height)).sum(axis=1) / np.where(constant, 1, spread)
    slope = np.where(constant, np.nan, slope)[:, None]
    found: NDArray[np.float64] = height + slope * (places - middle)
    return found
