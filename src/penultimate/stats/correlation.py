"""Does ImageNet accuracy tell how well networks transfer?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from penultimate.stats.grid import Missing, complete
from penultimate.stats.networks import Points, draws, groups_of, percentiles, points

FEWEST = 3  # networks: two always lie on a line
EXACT = 8  # networks, up to which all orders are counted for the p-value of rho


def correlation(
    imagenet: pd.Series,
    accuracy: pd.DataFrame,
    groups: Mapping[str, Sequence[str]] | None = None,
    *,
    n: Any = None,
    missing: Missing = "refuse",
    level: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
) -> pd.DataFrame:
    """Pearson's r and Spearman's rho between ImageNet and transfer accuracy, over networks.

    Section 3 of the paper: r is between the log odds on ImageNet and the log odds on the data
    sets, averaged over these. The intervals are percentiles of resamples that draw networks with
    replacement. Resamples in which r is undefined, all of one network, are left out.

    The p-value of r is the t-test's; that of rho too, but up to 8 networks all orders are counted,
    because there the approximation calls a perfect order of four networks certain.

    Parameters
    ----------
    imagenet : fractions by network.
    accuracy : fractions, networks (index) x data sets (columns).
    groups : a name to its data sets; each gets a row after that of ``"all"``.
    n : test examples, by data set; needed where an accuracy is 0 or 1 (see ``logit``).
    missing : what becomes of holes, decided once for all groups (see ``complete``).
    level, resamples, seed : of the intervals.

    Returns
    -------
    frame : a row a group (index ``group``) with ``networks``, ``data_sets``, ``r``, ``r_low``,
        ``r_high``, ``r_p``, ``rho``, ``rho_low``, ``rho_high``, ``rho_p``, and of the line of least
        squares in log odds ``slope`` and ``intercept``. NaN with fewer than 3 networks, or where
        all networks are equal on either side.

    Raises
    ------
    SpecError : a network has no ImageNet accuracy, holes are refused, a value has no log odds, or
        a group is not a group.
    """
    accuracy = complete(accuracy, missing)
    chosen = draws(len(accuracy), resamples, seed)
    rows = {
        name: {"networks": len(accuracy), "data_sets": len(sets)}
        | _row(points(imagenet, accuracy[sets], n), chosen, level)
        for name, sets in groups_of(accuracy, groups).items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("group")


MEASURED = ["r", "r_low", "r_high", "r_p", "rho", "rho_low", "rho_high", "rho_p"]
LINE = ["slope", "intercept"]


def _row(xy: Points, chosen: NDArray[np.intp], level: float) -> dict[str, float]:
    x, y = xy
    if len(x) < FEWEST or np.ptp(x) == 0 or np.ptp(y) == 0:
        return dict.fromkeys([*MEASURED, *LINE], math.nan)
    from scipy.stats import linregress, pearsonr, rankdata, spearmanr

    r = pearsonr(x, y)
    rho = spearmanr(x, y)
    line = linregress(x, y)
    r_low, r_high = percentiles(row_correlation(x[chosen], y[chosen]), level)
    # Ranks within each resample: a network drawn twice is a tie.
    ranks = (rankdata(v[chosen], axis=1) for v in (x, y))
    rho_low, rho_high = percentiles(row_correlation(*ranks), level)
    return {
        "r": float(r.statistic),
        "r_low": float(r_low),
        "r_high": float(r_high),
        "r_p": float(r.pvalue),
        "rho": float(rho.statistic),
        "rho_low": float(rho_low),
        "rho_high": float(rho_high),
        "rho_p": _all_orders(x, y) if len(x) <= EXACT else float(rho.pvalue),
        "slope": float(line.slope),
        "intercept": float(line.intercept),
    }


def row_correlation(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pearson's r of each row of two matrices; NaN where a row is constant."""
    constant = (np.ptp(x, axis=1) == 0) | (np.ptp(y, axis=1) == 0)
    x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    scale = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    found = (x * y).sum(axis=1) / np.where(constant, 1, scale)
    return np.where(constant, np.nan, found.clip(-1, 1))


def _all_orders(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Two-sided p-value of rho: the share of all orders that have one at least as far from 0."""
    from scipy.stats import permutation_test, rankdata

    fixed = rankdata(y)

    def rho(ranks: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
        rows = np.moveaxis(np.asarray(ranks), axis, -1)
        flat = rows.reshape(-1, len(fixed))
        found = np.abs(row_correlation(flat, np.broadcast_to(fixed, flat.shape)))
        return found.reshape(rows.shape[:-1])

    test = permutation_test(
        (rankdata(x),),
        rho,
        permutation_type="pairings",
        n_resamples=math.inf,
        alternative="greater",
        vectorized=True,
        batch=5_000,
    )
    return float(test.pvalue)
