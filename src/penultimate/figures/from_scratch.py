"""Figure 7 of the paper: training from scratch against fine-tuning, pair by pair."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from penultimate.errors import SpecError, UnknownNameError
from penultimate.figures.paper import (
    COLUMN,
    METHOD_NAMES,
    body,
    entry,
    finish,
    legend,
    legend_height,
    mark,
    need_columns,
    print_figure,
    small,
)
from penultimate.figures.style import PRINT, Palette, legend_label, percent_axis
from penultimate.stats import logit

Marks = Literal["data-set", "network"]
EQUAL = "equal accuracy"


def from_scratch_figure(
    frame: pd.DataFrame,
    *,
    x: str = "from-scratch",
    y: str = "fine-tune",
    marks: Marks = "data-set",
    width: float = COLUMN,
    palette: Palette = PRINT,
) -> Figure:
    """A point a network and data set, one method along each axis; both in log odds, of one scale.

    Parameters
    ----------
    frame : a row a network, data set and method: ``task, method, backbone, score, n_test``.
    x, y : the two methods; others give the paper's further scatter plots.
    marks : what mark and colour tell: the data set, or the network as in the paper.

    Raises
    ------
    SpecError : a column is missing, or no network has both methods on one data set.
    UnknownNameError : ``marks`` is neither.
    """
    if marks not in get_args(Marks):
        raise UnknownNameError("kind of marks", marks, get_args(Marks))
    table = pairs_table(frame, x=x, y=y)
    column = "task" if marks == "data-set" else "backbone"
    names = list(dict.fromkeys(table[column]))
    equal: dict[str, Any] = {
        "color": palette.muted,
        "linestyle": (0, (4, 1.5)),
        "linewidth": 0.8,
    }
    handles = [
        *(entry(legend_label(n), **mark(i, palette, 3.4)) for i, n in enumerate(names)),
        entry(EQUAL, **equal),
    ]
    figure = print_figure(width, min(width, 4.0) + legend_height(handles, width))
    axes = body(figure).subplots()
    small(axes, palette)
    for index, name in enumerate(names):
        mine = table[table[column] == name]
        axes.plot(mine["x_log_odds"], mine["y_log_odds"], zorder=3, **mark(index, palette))
    both = [*table["x_log_odds"], *table["y_log_odds"]]
    percent_axis(axes.xaxis, both, most=7)
    percent_axis(axes.yaxis, both, most=7)
    ends = np.array(axes.get_xlim())
    axes.plot(ends, ends, **equal)
    axes.set_xlabel(f"{METHOD_NAMES.get(x, x).lower()}, accuracy, %")
    axes.set_ylabel(f"{METHOD_NAMES.get(y, y).lower()}, accuracy, %")
    legend(figure, handles, palette)
    return finish(figure)


def pairs_table(
    frame: pd.DataFrame, *, x: str = "from-scratch", y: str = "fine-tune"
) -> pd.DataFrame:
    """The numbers that are plotted: a row a network and data set that has both methods.

    Returns
    -------
    frame : ``task, backbone, x, y`` (fractions), ``x_log_odds, y_log_odds``.

    Raises
    ------
    SpecError : as ``from_scratch_figure`` does.
    """
    need_columns(frame, ["task", "method", "backbone", "score", "n_test"], "the figure of pairs")
    scored = frame.dropna(subset="score")
    scored = scored.assign(log_odds=logit(scored["score"], scored["n_test"]))
    key = ["task", "backbone"]
    sides = [
        scored.loc[scored["method"] == method, [*key, "score", "log_odds"]] for method in (x, y)
    ]
    table = sides[0].merge(sides[1], on=key, suffixes=("_x", "_y"))
    if table.empty:
        raise SpecError(f"no network has both {x} and {y} on one data set: run both")
    names = {"score_x": "x", "score_y": "y", "log_odds_x": "x_log_odds", "log_odds_y": "y_log_odds"}
    return table.rename(columns=names)[[*key, *names.values()]]
