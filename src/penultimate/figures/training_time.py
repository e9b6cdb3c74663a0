"""Figure 8 of the paper: accuracy against the steps and epochs of training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from penultimate.errors import SpecError, UnknownNameError
from penultimate.figures.over_panels import panels
from penultimate.figures.paper import (
    TICK,
    decade,
    entry,
    method_look,
    need_columns,
)
from penultimate.figures.style import PRINT, Palette
from penultimate.stats import logit, odds_threshold

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Unit = Literal["steps", "epochs", "both"]
COLUMNS = ["task", "method", "steps", "epochs", "score", "n_test"]
REACHED = "first to reach 90 % of the greatest odds"
ALIKE = 0.01  # how far images a step may vary in a panel that has both axes
RING = 6.5  # points


def training_time_figure(
    frame: pd.DataFrame,
    *,
    unit: Unit = "both",
    width: float | None = None,
    palette: Palette = PRINT,
) -> Figure:
    """A panel a data set: accuracy after so many steps, a point a run of its own, a line a method.

    Epochs stand on the upper axis. A ring is around the first run of each method whose odds are
    90 % of the method's greatest (section 4.6).

    Parameters
    ----------
    frame : a row a run: ``task, method, steps, epochs, score, n_test``.
    unit : of the axis: steps with epochs above them, or one of the two.

    Raises
    ------
    SpecError : a column is missing; two runs have one length; epochs are asked for and not known;
        or with ``both``, the runs of a data set differ in images a step, so that steps and epochs
        have no common axis.
    UnknownNameError : there is no such unit.
    """
    if unit not in get_args(Unit):
        raise UnknownNameError("unit of training time", unit, get_args(Unit))
    table = training_time_table(frame)
    if unit != "steps":
        _refuse_unknown(table)
    if unit == "both":
        _one_scale(table)
    x = "epochs" if unit == "epochs" else "steps"

    def draw(axes: Axes, rows: pd.DataFrame, methods: list[str]) -> None:
        for method, line in rows.sort_values(x).groupby("method", sort=False):
            look = method_look(methods, str(method), palette)
            axes.plot(line[x], line["log_odds"], **look)
            ringed = line[line["reached"]]
            axes.plot(ringed[x], ringed["log_odds"], **_ring(palette))
        _decades(axes, rows[x])
        if unit == "both":
            _above(axes, rows, palette)

    label = {"both": "training steps (below) and epochs (above)"}.get(unit, f"training {x}")
    ring = [entry(REACHED, **_ring(palette))]
    row = 1.45 if unit == "both" else 1.3
    return panels(table, draw, x_label=label, width=width, palette=palette, more=ring, row=row)


def training_time_table(frame: pd.DataFrame) -> pd.DataFrame:
    """The numbers that are plotted: a row a run.

    Returns
    -------
    frame : ``task, method, steps, epochs, score, log_odds``, and ``reached``: whether it is the
        first of its data set and method to reach 90 % of the greatest odds.

    Raises
    ------
    SpecError : a column is missing, or two runs have one length.
    """
    need_columns(frame, COLUMNS, "the figure of training time")
    scored = frame.dropna(subset="score")
    need_columns(scored, COLUMNS, "the figure of training time")
    scored = scored.assign(log_odds=logit(scored["score"], scored["n_test"]), reached=False)
    for _, line in scored.groupby(["task", "method"]):
        n = line["n_test"].to_numpy(dtype=float)
        first = odds_threshold(line["steps"], line["score"], n=n)
        scored.loc[line.index[line["steps"] == first], "reached"] = True
    columns = ["task", "method", "steps", "epochs", "score", "log_odds", "reached"]
    order = scored.assign(place=scored["task"].map(list(dict.fromkeys(scored["task"])).index))
    order = order.sort_values(["place", "method", "steps"], kind="stable")
    return order[columns].reset_index(drop=True)


def _refuse_unknown(table: pd.DataFrame) -> None:
    unknown = table.loc[table["epochs"].isna(), "task"]
    if len(unknown):
        raise SpecError(
            f"how many epochs the runs on {unknown.iloc[0]} took is not known: draw steps, "
            "unit='steps'"
        )


def _one_scale(table: pd.DataFrame) -> None:
    for task, rows in table.groupby("task"):
        ratio = rows["steps"] / rows["epochs"]
        if ratio.max() > (1 + ALIKE) * ratio.min():
            raise SpecError(
                f"the runs on {task} take from {ratio.min():.0f} to {ratio.max():.0f} steps an "
                "epoch, so that steps and epochs have no common axis: draw one of them, "
                "unit='steps' or unit='epochs'"
            )


def _above(axes: Axes, rows: pd.DataFrame, palette: Palette) -> None:
    """Epochs on the upper axis."""
    ratio = float((rows["epochs"] / rows["steps"]).median())

    def epochs(steps: Any) -> Any:
        return steps * ratio

    def steps(epochs: Any) -> Any:
        return epochs / ratio

    above = axes.secondary_xaxis("top", functions=(epochs, steps))
    above.tick_params(labelsize=TICK, length=0, pad=1, labelcolor=palette.muted)
    above.spines["top"].set_visible(False)
    low, high = (float(end) * ratio for end in axes.get_xlim())
    above.xaxis.set_major_locator(FixedLocator(_powers(low, high, 3)))
    above.xaxis.set_minor_locator(NullLocator())
    above.xaxis.set_major_formatter(FuncFormatter(decade))
    axes.set_title(axes.get_title(), pad=12)


def _decades(axes: Axes, values: pd.Series) -> None:
    low, high = float(values.min()) / 1.4, float(values.max()) * 1.4
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(FixedLocator(_powers(low, high, 4)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(decade))


def _powers(low: float, high: float, most: int) -> list[float]:
    """Round numbers within: powers of ten, or with 2 and 5 between where these are too few."""
    exponents = np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    for heads in ((1,), (1, 3), (1, 2, 5)):
        found = [h * 10.0**e for e in exponents for h in heads if low <= h * 10.0**e <= high]
        if len(found) >= 2:
            return found[:: -(-len(found) // most)]
    return [float(np.sqrt(low * high))]


def _ring(palette: Palette) -> dict[str, Any]:
    return {
        "marker": "o",
        "markersize": RING,
        "markerfacecolor": "none",
        "color": palette.ink,
        "markeredgewidth": 0.8,
        "linestyle": "none",
    }
