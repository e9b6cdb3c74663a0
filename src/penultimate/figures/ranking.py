"""Every backbone's score and interval, one panel a task."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from penultimate.figures.style import (
    BASE_SIZE,
    PRINT,
    SMALL_SIZE,
    Palette,
    dress,
    log_odds_position,
    new_figure,
    percent_axis,
    plain_text,
    short,
)
from penultimate.stats import MEASURE_NAMES, standing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROOM = {1: (8, 60), 2: (6, 26), 3: (4, 18)}  # ticks and letters of a title, by panels in a row
LEVEL = "the best, or cannot be told apart from it"
BEHIND = "behind the best"
UNKNOWN = "not compared with the best"


def ranking_figure(
    ranking: pd.DataFrame, *, palette: Palette = PRINT, columns: int = 3, legend: bool = True
) -> Figure:
    """Scores as dots, 95 % intervals as lines, on an axis in log odds (as the paper's figure 2).

    Backbones stand in one order in all panels, the best over all tasks on top. Filled dots are
    those that cannot be told apart from the best of their task.

    Parameters
    ----------
    ranking : of ``penultimate.stats.rank``, of one method.
    columns : panels in a row, at most.
    """
    order = list(standing(ranking)["backbone"])
    panels = list(ranking.dropna(subset="score").groupby(["task", "measure"]))
    columns = max(1, min(columns, len(panels)))
    rows = math.ceil(max(1, len(panels)) / columns)
    figure = new_figure(7.2, rows * (0.85 + 0.2 * len(order)) + (0.3 if legend else 0))
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for index, axes in enumerate(grid.flat):
        if index >= len(panels):
            axes.set_visible(False)
            continue
        ticks, letters = ROOM[min(columns, 3)]
        _panel(axes, panels[index][1], order, palette, ticks=ticks)
        name = short(str(panels[index][0][0]), letters)
        title = {"fontsize": BASE_SIZE, "fontweight": "bold", "color": palette.ink}
        axes.set_title(name, loc="left", pad=6, fontdict=title)
        axes.tick_params(axis="y", labelleft=index % columns == 0)
    if legend:
        _legend(figure, palette)
    plain_text(figure)
    return figure


def _panel(axes: Axes, rows: pd.DataFrame, order: list[str], palette: Palette, ticks: int) -> None:
    dress(axes, palette, grid="x")
    rows = rows.assign(
        y=rows["backbone"].map(order.index),
        x=log_odds_position(rows["score"], rows["n_test"]),
        low=log_odds_position(rows["ci_low"], rows["n_test"]),
        high=log_odds_position(rows["ci_high"], rows["n_test"]),
    )
    for kind, group in rows.groupby(_kind(rows)):
        look = _looks(palette)[str(kind)]
        axes.hlines(group["y"], group["low"], group["high"], color=look["color"], linewidth=1.5)
        axes.plot(group["x"], group["y"], linestyle="none", **look)
    axes.set_yticks(range(len(order)), [short(name) for name in order])
    axes.tick_params(axis="y", labelcolor=palette.ink)
    axes.set_ylim(len(order) - 0.4, -0.6)
    axes.set_xlabel(f"{MEASURE_NAMES[str(rows['measure'].iloc[0])].long}, %")
    percent_axis(axes.xaxis, [*rows["x"], *rows["low"], *rows["high"]], most=ticks)


def _kind(rows: pd.DataFrame) -> pd.Series:
    """LEVEL, BEHIND or UNKNOWN for each row."""
    return rows["tied_with_best"].map({True: LEVEL, False: BEHIND}).fillna(UNKNOWN)


def _looks(palette: Palette) -> dict[str, dict[str, Any]]:
    """How each kind of mark is drawn: told apart by filling and form, and by colour besides."""
    common: dict[str, Any] = {"markersize": 6.0, "markeredgewidth": 1.4}
    return {
        LEVEL: common | {"marker": "o", "color": palette.accent},
        BEHIND: common | {"marker": "o", "color": palette.muted, "markerfacecolor": palette.paper},
        UNKNOWN: common | {"marker": "D", "color": palette.muted, "markerfacecolor": palette.paper},
    }


def _legend(figure: Figure, palette: Palette) -> None:
    handles = [
        Line2D([], [], linestyle="none", label=label, **look)
        for label, look in _looks(palette).items()
    ]
    figure.legend(
        handles=handles,
        loc="outside lower left",
        ncols=3,
        frameon=False,
        fontsize=SMALL_SIZE,
        labelcolor=palette.muted,
    )
