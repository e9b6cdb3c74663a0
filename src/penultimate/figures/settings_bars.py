"""Figure 6 of the paper: linear probe, fine-tuning and training from scratch, by data set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from penultimate.errors import SpecError
from penultimate.figures.paper import (
    LABEL,
    METHOD_ORDER,
    TEXT,
    body,
    entry,
    finish,
    grid_of,
    in_order,
    legend,
    legend_height,
    mark,
    method_name,
    need_columns,
    print_figure,
    small,
    title,
    width_for,
)
from penultimate.figures.style import PRINT, Palette, legend_label, percent_axis
from penultimate.stats import logit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HATCHES = ("", "////", "....", "xxxx")
PREVIOUS = "previous result"
SPREAD = 0.32  # of a bar's place, to either side, that points are spread over
COLUMNS = ["task", "method", "backbone", "score", "n_test"]


def settings_figure(
    frame: pd.DataFrame,
    *,
    previous: pd.DataFrame | None = None,
    width: float | None = None,
    palette: Palette = PRINT,
) -> Figure:
    """A panel a data set: a bar a method, points for the networks, lines for previous results.

    Bars are the mean over networks in log odds, with its standard error; all axes are in log odds,
    so that a bar has no natural foot and only its top counts. Points stand from left to right in
    the order of the legend.

    Parameters
    ----------
    frame : a row a network, data set and method: ``task, method, backbone, score, n_test``.
    previous : ``task`` and ``score`` (a fraction) of results to compare with, if any.
    width : inches; a column's for one or two data sets and a page's for more, where None.

    Raises
    ------
    SpecError : a column is missing, or a previous result is of a data set that is not there.
    """
    table = settings_table(frame)
    lines = _previous(previous, table)
    tasks = list(dict.fromkeys(table["task"]))
    width = width_for(len(tasks)) if width is None else width
    methods = in_order(table["method"])
    networks = list(dict.fromkeys(table.loc[table["kind"] == "network", "backbone"]))
    rows, columns = grid_of(len(tasks), max(2, round(6 * width / TEXT)))
    handles: list[Any] = [
        Patch(label=method_name(method), **_bar(method, methods, palette)) for method in methods
    ]
    if lines is not None:
        handles.append(entry(PREVIOUS, **_line(palette)))
    handles += [
        entry(legend_label(name), **mark(index, palette, 3.4))
        for index, name in enumerate(networks)
    ]
    figure = print_figure(width, rows * 1.3 + legend_height(handles, width))
    part = body(figure)
    grid = part.subplots(rows, columns, squeeze=False)
    for place, axes in enumerate(grid.flat):
        if place >= len(tasks):
            axes.set_visible(False)
            continue
        task = tasks[place]
        line = None if lines is None else lines.get(task)
        _panel(axes, table[table["task"] == task], methods, networks, line, palette)
        title(axes, task, palette, inches=width / columns - 0.25)
    part.supylabel("accuracy, %", size=LABEL, color=palette.muted)
    legend(figure, handles, palette)
    return finish(figure)


def settings_table(frame: pd.DataFrame) -> pd.DataFrame:
    """The numbers that ``settings_figure`` plots.

    Returns
    -------
    frame : ``task, method, kind, backbone, score, log_odds, standard_error``; ``kind`` is
        ``network``, or ``mean``, whose ``log_odds`` is the height of a bar.
    """
    need_columns(frame, COLUMNS, "the figure of settings")
    scored = frame.dropna(subset="score")
    need_columns(scored, COLUMNS, "the figure of settings")
    points = scored[["task", "method", "backbone", "score"]].assign(
        kind="network", log_odds=logit(scored["score"], scored["n_test"]), standard_error=np.nan
    )
    groups = points.groupby(["task", "method"], sort=False)["log_odds"]
    bars = groups.agg(log_odds="mean", standard_error="sem").reset_index()
    bars = bars.assign(kind="mean", backbone="", score=np.nan)
    columns = ["task", "method", "kind", "backbone", "score", "log_odds", "standard_error"]
    return pd.concat([bars[columns], points[columns]], ignore_index=True)


def _panel(
    axes: Axes,
    rows: pd.DataFrame,
    methods: list[str],
    networks: list[str],
    previous: float | None,
    palette: Palette,
) -> None:
    small(axes, palette, grid="y")
    points = rows[rows["kind"] == "network"]
    bars = rows[rows["kind"] == "mean"]
    ends = [*points["log_odds"], *([] if previous is None else [previous])]
    percent_axis(axes.yaxis, ends, most=5)
    foot = axes.get_ylim()[0]
    x = [methods.index(method) for method in bars["method"]]
    for place, method, top in zip(x, bars["method"], bars["log_odds"], strict=True):
        axes.bar(place, top - foot, 0.86, bottom=foot, **_bar(method, methods, palette))
    axes.errorbar(
        x,
        bars["log_odds"],
        yerr=bars["standard_error"].fillna(0.0),
        fmt="none",
        ecolor=palette.ink,
        elinewidth=0.9,
        capsize=2,
        capthick=0.9,
        zorder=4,
    )
    for index, name in enumerate(networks):
        mine = points[points["backbone"] == name]
        aside = SPREAD * (2 * index / max(1, len(networks) - 1) - 1) if len(networks) > 1 else 0
        places = [methods.index(method) + aside for method in mine["method"]]
        axes.plot(places, mine["log_odds"], zorder=3, **mark(index, palette, 2.2))
    if previous is not None:
        axes.axhline(previous, zorder=2, **_line(palette))
    axes.set_xticks([])
    axes.set_xlim(-0.6, len(methods) - 0.4)


def _bar(method: str, methods: list[str], palette: Palette) -> dict[str, Any]:
    """Pale, and hatched so that grey tells the methods apart."""
    known = METHOD_ORDER + [name for name in methods if name not in METHOD_ORDER]
    index = known.index(method)
    return {
        "facecolor": palette.rule,
        "edgecolor": palette.muted,
        "hatch": HATCHES[index % len(HATCHES)],
        "linewidth": 0.5,
    }


def _line(palette: Palette) -> dict[str, Any]:
    return {"color": palette.ink, "linestyle": (0, (4, 1.5)), "linewidth": 0.9}


def _previous(previous: pd.DataFrame | None, table: pd.DataFrame) -> dict[str, float] | None:
    """The log odds of the previous results by data set; the best where there are several."""
    if previous is None or previous.empty:
        return None
    need_columns(previous, ["task", "score"], "the table of previous results")
    unknown = [task for task in previous["task"] if task not in set(table["task"])]
    if unknown:
        raise SpecError(
            f"a previous result is of {unknown[0]}, which is not drawn: leave it out, or write it "
            f"as {', '.join(dict.fromkeys(table['task']))}"
        )
    best = previous.groupby("task")["score"].max()
    return {str(task): float(value) for task, value in logit(best).items()}
