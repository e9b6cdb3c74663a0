"""The loss of a grid's trainings, step by step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from penultimate.figures.style import PRINT, SMALL_SIZE, Palette, dress, new_figure, plain_text

POINTS = 120  # of a line: more are averaged, since the loss of one batch says little
CEILING = 3.0  # times the median of the first losses: what diverges leaves the figure above
CHOSEN, FINAL, OTHER = "chosen", "final", "other"


def training_curves(
    frame: pd.DataFrame, *, palette: Palette = PRINT, legend: bool = True
) -> Figure:
    """Training loss against steps: the chosen cell and the final fit among all others.

    A dot at the end of a line is the loss on validation.

    Parameters
    ----------
    frame : a row a step, with ``training`` (which), ``step``, ``loss``, ``validation`` (the
        training's loss on validation; NaN where there is none) and ``kind``: ``chosen``, ``final``
        or ``other``.
    legend : whether to draw one; the report has its own.
    """
    figure = new_figure(7.2, 2.9)
    axes = figure.subplots()
    dress(axes, palette, grid="y")
    drawn: list[float] = []
    top = CEILING * float(frame.groupby("training")["loss"].first().median())
    looks: dict[str, dict[str, Any]] = {
        OTHER: {"color": palette.muted, "linewidth": 0.8, "alpha": 0.55, "zorder": 2},
        CHOSEN: {"color": palette.accent, "linewidth": 2.0, "zorder": 4},
        FINAL: {"color": palette.ink, "linewidth": 1.4, "linestyle": (0, (5, 1.6)), "zorder": 3},
    }
    for kind in (OTHER, FINAL, CHOSEN):
        label: str | None = {OTHER: "other cells", CHOSEN: "chosen", FINAL: "final fit"}[kind]
        for _, rows in frame[frame["kind"] == kind].groupby("training", sort=False):
            curve = thinned(rows)
            curve = curve[curve["loss"] <= top]
            axes.plot(curve["step"], curve["loss"], label=label, **looks[kind])
            label = None
            drawn += list(curve["loss"])
            end = float(rows["validation"].iloc[0])
            if np.isfinite(end) and 0 < end <= top:
                look = looks[kind]
                axes.plot(
                    [rows["step"].iloc[-1]],
                    [end],
                    "o",
                    color=look["color"],
                    markersize=6.0 if kind == CHOSEN else 3.5,
                    markeredgecolor=palette.paper,
                    zorder=look["zorder"],
                    clip_on=False,
                )
                drawn.append(end)
    if drawn and min(drawn) > 0:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(_ticks(min(drawn), max(drawn)))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:.2g}"))
    axes.set_xlabel("step")
    axes.set_ylabel("loss, nats")
    if legend:
        figure.legend(
            loc="outside right upper", frameon=False, fontsize=SMALL_SIZE, labelcolor=palette.ink
        )
    plain_text(figure)
    return figure


def thinned(rows: pd.DataFrame) -> pd.DataFrame:
    """At most ``POINTS`` rows of one training: means of steps that follow one another."""
    rows = rows.sort_values("step")
    block = np.arange(len(rows)) * POINTS // max(len(rows), POINTS)
    size = np.bincount(block)  # no block is empty
    means = {c: np.bincount(block, rows[c].to_numpy(float)) / size for c in ("step", "loss")}
    return pd.DataFrame(means)


def _ticks(low: float, high: float) -> FixedLocator:
    """A few round numbers on a logarithmic axis."""
    exponents = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    steps = (1, 2, 5) if high / low < 200 else (1,)
    found = [m * 10.0**e for e in exponents for m in steps]
    return FixedLocator([t for t in found if low * 0.9 <= t <= high * 1.1])
