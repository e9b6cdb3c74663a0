"""How long training takes to become nearly as good as it gets (section 4.6 of the paper)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from penultimate.errors import SpecError, UnknownNameError
from penultimate.stats.log_odds import logit

SHARE = 0.9  # of the greatest odds
KEY = ["data_set", "initialisation"]
UNITS = ["steps", "epochs"]


def odds_threshold(
    steps: ArrayLike,
    accuracy: ArrayLike,
    *,
    share: float = SHARE,
    best: float | None = None,
    n: Any = None,
) -> float:
    """The first step count tried whose odds are at least ``share`` of the greatest.

    Odds are ``p / (1 - p)``; there is no interpolation between step counts. Each is a run of its
    own with optimised hyper-parameters, so that accuracy need not grow with steps.

    Parameters
    ----------
    steps : (S,) how long each run was, in any unit and order.
    accuracy : (S,) fractions; NaN, a run that diverged, reaches nothing.
    share : within 0..1.
    best : the accuracy that has the greatest odds; that of these runs by default. Give another
        run's to ask when these reach ``share`` of its odds.
    n : test examples; needed where an accuracy is 0 or 1 (see ``logit``).

    Returns
    -------
    steps : NaN where it is not reached, or where there is no accuracy.

    Raises
    ------
    ValueError : there are not as many steps as accuracies.
    SpecError : a share is outside 0..1, a step count is there twice, or a value has no log odds.
    """
    when, scores = np.asarray(steps, dtype=np.float64), np.asarray(accuracy, dtype=np.float64)
    if when.shape != scores.shape:
        raise ValueError(f"{when.size} step counts for {scores.size} accuracies")
    if not 0 < share <= 1:
        raise SpecError(f"share is a fraction above 0, at most 1, and {share:g} is not")
    if len(np.unique(when)) < len(when):
        raise SpecError("a step count is there twice: keep the run with the chosen settings")
    log_odds = logit(scores, n)
    if np.isnan(log_odds).all():
        return math.nan
    top = np.nanmax(log_odds) if best is None else float(logit(best, n))
    # The odds of exactly the share must not be lost to rounding.
    reached = when[log_odds >= top + math.log(share) - 1e-12]
    return float(reached.min()) if len(reached) else math.nan


def odds_thresholds(
    frame: pd.DataFrame, *, share: float = SHARE, best_of_all: bool = False
) -> pd.DataFrame:
    """``odds_threshold`` of every data set and initialisation, in steps and in epochs.

    Parameters
    ----------
    frame : a row a run with ``data_set``, ``initialisation`` (as ``"fine-tune"`` and
        ``"from-scratch"``), ``steps``, ``epochs`` and ``accuracy``; if there are accuracies of 0
        or 1, also ``n_test``.
    best_of_all : take the greatest odds on a data set over its initialisations; by default each
        has its own, as in the paper.

    Returns
    -------
    frame : a row a data set and initialisation: both, ``steps`` and ``epochs``, NaN where the
        threshold is not reached.

    Raises
    ------
    UnknownNameError : a column is missing.
    SpecError : as for ``odds_threshold``.
    """
    _has(frame, [*KEY, *UNITS, "accuracy"])
    rows = []
    for (data_set, start), runs in frame.groupby(KEY, sort=False):
        all_runs = frame[frame["data_set"] == data_set] if best_of_all else runs
        n = runs["n_test"] if "n_test" in frame else None
        best = all_runs["accuracy"].max()
        reached = {
            unit: odds_threshold(
                runs[unit], runs["accuracy"], share=share, best=float(best), n=_one(n)
            )
            for unit in UNITS
        }
        rows.append({"data_set": data_set, "initialisation": start, **reached})
    return pd.DataFrame(rows, columns=[*KEY, *UNITS])


def summarise_thresholds(thresholds: pd.DataFrame) -> pd.DataFrame:
    """Geometric mean and quartiles over data sets, of each initialisation.

    Parameters
    ----------
    thresholds : of ``odds_thresholds``.

    Returns
    -------
    frame : a row an initialisation: ``data_sets``, how many; ``reached``, on how many the
        threshold is; and for ``steps`` and ``epochs`` the geometric mean, ``steps_low`` and
        ``steps_high``, the quartiles. NaN unless it is reached on all: the mean of those that are
        quick enough would flatter.

    Raises
    ------
    UnknownNameError : a column is missing.
    """
    _has(thresholds, [*KEY, *UNITS])
    rows = {}
    for start, group in thresholds.groupby("initialisation", sort=False):
        reached = int(group["steps"].notna().sum())
        row: dict[str, float] = {"data_sets": len(group), "reached": reached}
        for unit in UNITS:
            values = group[unit].to_numpy(dtype=np.float64)
            low, high = np.quantile(values, [0.25, 0.75])  # NaN if one is
            row |= {unit: _geometric_mean(values), f"{unit}_low": low, f"{unit}_high": high}
        rows[start] = row
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("initialisation")
    return table.astype({"data_sets": "int64", "reached": "int64"}) if len(table) else table


def speed_up(thresholds: pd.DataFrame, quick: str, slow: str, *, unit: str = "steps") -> float:
    """How many times the steps ``slow`` takes of ``quick``: the paper's 17-fold.

    The geometric mean over the data sets of both of the ratio of thresholds; NaN where one of
    these is not reached, or where there is none.

    Parameters
    ----------
    thresholds : of ``odds_thresholds``.
    quick, slow : names of initialisations.
    unit : ``"steps"`` or ``"epochs"``.

    Raises
    ------
    UnknownNameError : there is no such initialisation or unit.
    """
    _has(thresholds, KEY)
    if unit not in UNITS:
        raise UnknownNameError("unit", unit, UNITS)
    table = thresholds.pivot(index="data_set", columns="initialisation", values=unit)
    for name in (quick, slow):
        if name not in table:
            raise UnknownNameError("initialisation", name, map(str, table.columns))
    pairs = thresholds.groupby("data_set")["initialisation"].agg(set)
    both = [name for name, starts in pairs.items() if {quick, slow} <= starts]
    ratio = table.loc[both, slow] / table.loc[both, quick]
    return _geometric_mean(ratio.to_numpy(dtype=np.float64))


def _geometric_mean(values: NDArray[np.float64]) -> float:
    from scipy.stats import gmean

    return float(gmean(values)) if len(values) and not np.isnan(values).any() else math.nan


def _one(n: pd.Series | None) -> float | None:
    """The test set's size, which the runs on one data set share."""
    return None if n is None else float(n.iloc[0])


def _has(frame: pd.DataFrame, columns: list[str]) -> None:
    for column in columns:
        if column not in frame:
            raise UnknownNameError("column", column, map(str, frame), "the frame has others")
