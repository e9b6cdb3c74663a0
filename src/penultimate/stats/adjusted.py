"""Accuracy averaged over data sets, with error bars that data sets' difficulty does not widen."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from penultimate.stats.grid import Missing, complete
from penultimate.stats.log_odds import logit


def adjusted_log_odds(
    accuracy: pd.DataFrame, *, n: Any = None, missing: Missing = "refuse"
) -> pd.DataFrame:
    """Each model's log odds against the mean model's, averaged over data sets.

    Section 3 of the paper, after Morey (2008): with ``x`` the log odds of M models on D data sets,
    ``x[m, d] - mean over models of x[., d]`` is averaged over ``d``. Its standard error is the
    standard deviation over data sets (D - 1) over ``sqrt(D)``, times ``sqrt(M / (M - 1))``, since
    subtracting the models' mean takes 1 / M of the variance away.

    Parameters
    ----------
    accuracy : fractions, models (index) x data sets (columns).
    n : test examples, by data set; needed where an accuracy is 0 or 1 (see ``logit``).
    missing : what becomes of holes (see ``complete``).

    Returns
    -------
    frame : a row a model in the order given; ``mean`` and ``standard_error``, in log odds. The
        standard error is NaN with one model or one data set.

    Raises
    ------
    SpecError : there are holes and they are refused, or a value has no log odds.
    """
    log_odds = logit(complete(accuracy, missing), n)
    adjusted = log_odds - log_odds.mean()
    models, sets = log_odds.shape
    correction = math.sqrt(models / (models - 1)) if models > 1 else math.nan
    return pd.DataFrame(
        {
            "mean": adjusted.mean(axis=1),
            "standard_error": adjusted.std(axis=1, ddof=1) / math.sqrt(sets) * correction,
        }
    )
