"""Figure 9 of the paper: accuracy against the number of training examples a class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from penultimate.figures.over_panels import panels
from penultimate.figures.paper import decade, method_look, need_columns
from penultimate.figures.style import PRINT, Palette
from penultimate.stats import logit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = ["task", "method", "examples_per_class", "score", "n_test"]
MOST_TICKS = 6


def examples_per_class_figure(
    frame: pd.DataFrame, *, width: float | None = None, palette: Palette = PRINT
) -> Figure:
    """A panel a data set, a line a method: mean over subsets with its standard error.

    Means and standard errors are of log odds, as the axes are.

    Parameters
    ----------
    frame : a row a subset: ``task, method, examples_per_class, score, n_test``.

    Raises
    ------
    SpecError : a column is missing.
    """
    table = examples_per_class_table(frame)

    def draw(axes: Axes, rows: pd.DataFrame, methods: list[str]) -> None:
        for method, line in rows.groupby("method", sort=False):
            axes.errorbar(
                line["examples_per_class"],
                line["log_odds"],
                yerr=line["standard_error"].fillna(0.0),
                elinewidth=0.8,
                capsize=1.5,
                **method_look(methods, str(method), palette),
            )
        _counts(axes, rows["examples_per_class"])

    return panels(
        table,
        draw,
        x_label="training examples a class",
        width=width,
        palette=palette,
        more=[],
        row=1.3,
    )


def examples_per_class_table(frame: pd.DataFrame) -> pd.DataFrame:
    """The numbers that are plotted: a row a data set, method and number of examples.

    Returns
    -------
    frame : ``task, method, examples_per_class, subsets, log_odds`` (mean over subsets) and
        ``standard_error``, NaN of one subset.

    Raises
    ------
    SpecError : a column is missing.
    """
    need_columns(frame, COLUMNS, "the figure of examples a class")
    scored = frame.dropna(subset="score")
    need_columns(scored, COLUMNS, "the figure of examples a class")
    scored = scored.assign(log_odds=logit(scored["score"], scored["n_test"]))
    groups = scored.groupby(["task", "method", "examples_per_class"], sort=False)["log_odds"]
    table = groups.agg(subsets="size", log_odds="mean", standard_error="sem").reset_index()
    place = table["task"].map(list(dict.fromkeys(table["task"])).index)
    order = table.assign(place=place).sort_values(
        ["place", "method", "examples_per_class"], kind="stable"
    )
    return order.drop(columns="place").reset_index(drop=True)


def _counts(axes: Axes, counts: pd.Series) -> None:
    """A tick at each count tried, thinned from the largest down where they are many."""
    tried = sorted(float(value) for value in counts.unique())
    step = -(-len(tried) // MOST_TICKS)
    axes.set_xlim(tried[0] / 1.3, tried[-1] * 1.3)
    axes.xaxis.set_major_locator(FixedLocator(tried[::-1][::step][::-1]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(decade))
