"""Two networks over all data sets together, and which cannot be told from the best."""

from __future__ import annotations

import math
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from penultimate.errors import SpecError, UnknownNameError
from penultimate.stats.adjusted import adjusted_log_odds
from penultimate.stats.grid import Missing, complete
from penultimate.stats.holm import holm
from penultimate.stats.log_odds import logit

Correction = Literal["none", "holm"]


def paired_t_test(accuracy_a: ArrayLike, accuracy_b: ArrayLike, *, n: Any = None) -> float:
    """Two-sided p-value that two networks have the same log odds over data sets, on average.

    A t-test paired over data sets (section 3 of the paper): the data sets are the sample, so that
    it speaks of other data sets like these, and not of other test images.

    Parameters
    ----------
    accuracy_a, accuracy_b : (D,) fractions, the same data sets in one order.
    n : test examples, by data set; needed where an accuracy is 0 or 1 (see ``logit``).

    Returns
    -------
    p : NaN with fewer than two data sets; 1 where the two never differ.

    Raises
    ------
    ValueError : the two are not of one length.
    SpecError : a value has no log odds.
    """
    a, b = np.asarray(accuracy_a, dtype=np.float64), np.asarray(accuracy_b, dtype=np.float64)
    if a.shape != b.shape:
        raise ValueError(f"{a.size} accuracies cannot be paired with {b.size}")
    counts = None if n is None else np.asarray(n, dtype=np.float64)
    return _mean_is_zero(logit(a, counts) - logit(b, counts))


def compare_with_best(
    accuracy: pd.DataFrame,
    *,
    n: Any = None,
    correction: Correction = "none",
    level: float = 0.05,
    missing: Missing = "refuse",
) -> pd.DataFrame:
    """Every network against the best over all data sets: the green points of figure 2.

    The best is the one of the greatest mean log odds. The paper does not correct its p-values for
    the number of comparisons, and no more does the default here.

    Parameters
    ----------
    accuracy : fractions, networks (index) x data sets (columns).
    correction : ``"none"``, or ``"holm"`` over the comparisons with the best.
    level : p-values above it do not tell a network from the best.

    ``n`` and ``missing`` are those of ``adjusted_log_odds``.

    Returns
    -------
    frame : a row a network, the best first: ``mean`` and ``standard_error`` of
        ``adjusted_log_odds``; ``p_value`` of the paired t-test, corrected if asked, NaN for the
        best; ``tied_with_best``: True for the best, and null where there is no test.

    Raises
    ------
    UnknownNameError : there is no such correction.
    SpecError : holes are refused, or a value has no log odds.
    """
    if correction not in get_args(Correction):
        raise UnknownNameError("correction", correction, get_args(Correction))
    if not 0 < level < 1:
        raise SpecError(f"level is a p-value between 0 and 1, and {level:g} is not")
    accuracy = complete(accuracy, missing)
    table = adjusted_log_odds(accuracy, n=n).sort_values("mean", ascending=False, kind="stable")
    log_odds = logit(accuracy, n).loc[table.index].to_numpy()
    p = np.array([math.nan, *(_mean_is_zero(log_odds[0] - other) for other in log_odds[1:])])
    table["p_value"] = holm(p) if correction == "holm" else p
    tied: list[bool | None] = [None if math.isnan(v) else bool(v > level) for v in table["p_value"]]
    tied[0] = True
    return table.assign(tied_with_best=pd.array(tied, dtype="boolean"))


def _mean_is_zero(differences: NDArray[np.float64]) -> float:
    """The t-test of (D,) differences against none."""
    if len(differences) < 2 or np.isnan(differences).any():
        return math.nan
    if not differences.any():
        return 1.0  # never a difference: no evidence, as for exact_mcnemar
    if np.ptp(differences) == 0:
        return 0.0  # the same difference everywhere: t is infinite
    from scipy.stats import t

    error = differences.std(ddof=1) / math.sqrt(len(differences))
    return float(2 * t.sf(abs(differences.mean() / error), len(differences) - 1))
