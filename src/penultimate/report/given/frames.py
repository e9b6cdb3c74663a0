"""An analysis as the tidy frame that figures and sections of the page take."""

from __future__ import annotations

import math

import pandas as pd

from penultimate.report.given.analysis import Analysis

COLUMNS = ["backbone", "task", "method", "score", "n_test", "imagenet_top1", "tied_with_best"]


def tidy(
    analysis: Analysis, imagenet: pd.Series | None = None, n_test: pd.Series | None = None
) -> pd.DataFrame:
    """A row a model, data set and setting, as far as the analysis kept them.

    Parameters
    ----------
    imagenet : fractions by model.
    n_test : test examples, by data set.

    Returns
    -------
    frame : ``backbone``, ``task``, ``method`` (the setting, ``""`` where there are none),
        ``score`` and ``imagenet_top1`` (fractions; NaN where not known), ``n_test`` and
        ``tied_with_best``, null throughout: without predictions there is no test on one data set.
    """
    frames = []
    for found in analysis.settings:
        wide = found.accuracy.rename_axis(index="backbone").reset_index()
        long = wide.melt("backbone", var_name="task", value_name="score")
        frames.append(long.assign(method=found.setting))
    frame = pd.concat(frames, ignore_index=True)
    frame = frame.assign(
        imagenet_top1=_by(frame["backbone"], imagenet),
        n_test=_by(frame["task"], n_test),
        tied_with_best=pd.array([None] * len(frame), dtype="boolean"),
    )
    return frame[COLUMNS]


def _by(names: pd.Series, values: pd.Series | None) -> pd.Series:
    return names.map({} if values is None else values.to_dict()).astype("float64").fillna(math.nan)
