"""How the score on validation depends on the strength of regularisation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from penultimate.figures.style import (
    PRINT,
    SMALL_SIZE,
    Palette,
    dress,
    legend_label,
    log_odds_position,
    new_figure,
    percent_axis,
    plain_text,
    series_style,
)

SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def selection_curve(
    frame: pd.DataFrame,
    *,
    order: Sequence[str] | None = None,
    palette: Palette = PRINT,
    legend: bool = True,
) -> Figure:
    """Validation score against l2 for every backbone of one task, the chosen value marked.

    A cross stands where the solver did not converge.

    Parameters
    ----------
    frame : a row a backbone and value, with ``backbone, l2, score, n_val, chosen, converged``.
    order : names by whose place a line gets its colour, dash and mark, so that a backbone looks
        the same in every task; the order of the frame where not given.
    legend : whether to draw one; the report has its own.
    """
    figure = new_figure(7.2, 3.1)
    axes = figure.subplots()
    dress(axes, palette, grid="y")
    axes.set_xscale("log")
    frame = frame.assign(y=log_odds_position(frame["score"], frame["n_val"]))
    names = list(order if order is not None else dict.fromkeys(frame["backbone"]))
    for name, curve in frame.groupby("backbone", sort=False):
        style = series_style(names.index(str(name)))
        colour = palette.series[style.colour]
        line = curve.sort_values("l2")
        axes.plot(
            line["l2"],
            line["y"],
            color=colour,
            linestyle=style.dash,
            linewidth=1.6,
            marker=style.marker,
            markersize=7.5,
            markeredgecolor=palette.paper,
            markeredgewidth=1.2,
            markevery=list(line["chosen"].to_numpy().nonzero()[0]),
            label=legend_label(str(name)),
        )
        failed = line[~line["converged"]]
        if len(failed):
            axes.plot(failed["l2"], failed["y"], "x", color=colour, markersize=4.5)
    axes.xaxis.set_major_locator(LogLocator(numticks=12))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(_power))
    axes.set_xlabel("L2 parameter")
    axes.set_ylabel("score on validation, %")
    percent_axis(axes.yaxis, list(frame["y"]), most=6)
    if legend:
        figure.legend(
            loc="outside right upper",
            frameon=False,
            fontsize=SMALL_SIZE,
            labelcolor=palette.ink,
            handlelength=3.2,
        )
    plain_text(figure)
    return figure


def _power(value: float, _position: int) -> str:
    """``10⁻³`` in characters, which need no formula."""
    return "10" + str(round(math.log10(value))).translate(SUPERSCRIPT) if value > 0 else ""
