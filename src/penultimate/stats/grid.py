"""Models x data sets: the frame that every statistic over several data sets takes."""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np
import pandas as pd

from penultimate.errors import SpecError, UnknownNameError

Missing = Literal["refuse", "drop-models", "drop-data-sets"]


def accuracy_grid(
    frame: pd.DataFrame,
    *,
    model: str = "backbone",
    data_set: str = "task",
    accuracy: str = "score",
) -> pd.DataFrame:
    """From a row an accuracy to models (index) x data sets (columns), in the order of the rows.

    Parameters
    ----------
    frame : tidy, as of ``ResultStore.frame()`` or ``rank``; of one method, and of one seed.
    model, data_set, accuracy : the names of its columns.

    Returns
    -------
    frame : fractions as they were; NaN where there is no row.

    Raises
    ------
    UnknownNameError : a column is not there.
    SpecError : a model has two accuracies on one data set.
    """
    for column in (model, data_set, accuracy):
        if column not in frame:
            raise UnknownNameError("column", column, map(str, frame), "the frame has others")
    twice = frame[frame.duplicated([model, data_set])]
    if len(twice):
        row = twice.iloc[0]
        raise SpecError(
            f"{row[model]} has more than one accuracy on {row[data_set]}: keep one of them, or "
            "their mean"
        )
    grid = frame.pivot(index=model, columns=data_set, values=accuracy)
    return grid.reindex(
        index=list(dict.fromkeys(frame[model])), columns=list(dict.fromkeys(frame[data_set]))
    ).astype(np.float64)


def complete(accuracy: pd.DataFrame, missing: Missing = "refuse") -> pd.DataFrame:
    """The grid without holes: as it is, or after whole models or whole data sets are left out.

    Averages over different data sets cannot be compared, so that a hole must be decided on.

    Parameters
    ----------
    accuracy : models (index) x data sets (columns), NaN where missing.
    missing : ``"refuse"``, ``"drop-models"`` or ``"drop-data-sets"``: every one with a hole goes.

    Raises
    ------
    UnknownNameError : ``missing`` is none of these.
    SpecError : there are holes and they are refused; nothing is left; or a name is there twice.
    """
    if missing not in get_args(Missing):
        raise UnknownNameError("way with missing accuracies", missing, get_args(Missing))
    for names, kind in ((accuracy.index, "model"), (accuracy.columns, "data set")):
        if not names.is_unique:
            raise SpecError(
                f"the {kind} {names[names.duplicated()][0]} is there twice: leave one out"
            )
    holes = accuracy.isna()
    if missing == "drop-models":
        kept = accuracy[~holes.any(axis=1)]
    elif missing == "drop-data-sets":
        kept = accuracy.loc[:, ~holes.any(axis=0)]
    else:
        kept = accuracy
        if holes.to_numpy().any():
            raise SpecError(_holes(holes))
    if math.prod(kept.shape) == 0:
        raise SpecError(
            "no accuracy is left to compare"
            + (": give models and data sets" if accuracy.size == 0 else f" after {missing}")
        )
    return kept


def _holes(holes: pd.DataFrame) -> str:
    """What is missing, and the two remedies with what each costs."""
    row, column = np.argwhere(holes.to_numpy())[0]
    number = int(holes.to_numpy().sum())
    more = f", and {number - 1:,} more of {holes.size:,} are missing" if number > 1 else ""
    models, sets = int(holes.any(axis=1).sum()), int(holes.any(axis=0).sum())
    return (
        f"there is no accuracy of {holes.index[row]} on {holes.columns[column]}{more}: "
        f"drop-models leaves out {models} of {len(holes)} models, drop-data-sets {sets} of "
        f"{len(holes.columns)} data sets"
    )
