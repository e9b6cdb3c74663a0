"""Figure 2 of the paper: ImageNet accuracy against that on each data set, setting by setting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure

from penultimate.figures.correlation_numbers import AVERAGE, Correlation, correlations
from penultimate.figures.correlation_panel import (
    AVERAGE_LABEL,
    X_LABEL,
    draw_panel,
    legend_entries,
    write_numbers,
)
from penultimate.figures.paper import (
    HEAD,
    LABEL,
    TEXT,
    finish,
    grid_of,
    legend,
    method_name,
    print_figure,
    small,
    title,
)
from penultimate.figures.style import PRINT, Palette
from penultimate.stats.grid import Missing

if TYPE_CHECKING:
    from matplotlib.figure import SubFigure

ROW = 0.82  # inches, of a row of panels with its axis
IN_A_ROW = 6


def correlation_figure(
    ranking: pd.DataFrame,
    *,
    width: float = TEXT,
    palette: Palette = PRINT,
    numbers: bool = True,
    missing: Missing = "refuse",
    seed: int = 0,
) -> Figure:
    """A panel a data set and their average, for each method of the frame; axes in log odds.

    The line of least squares and its 95 % bootstrap band over networks are blue. Filled green
    points cannot be told apart from the best network: on a data set by the paired test of
    ``rank``, on average by the t-test paired over data sets. Error bars are standard errors with
    the data sets' difficulty removed.

    Parameters
    ----------
    ranking : see ``correlations``, whose errors are raised too.
    width : inches.
    numbers : write r and rho with their 95 % bootstrap intervals beside the averages.
    """
    found = correlations(ranking, missing=missing, seed=seed)
    most = max(2, round(IN_A_ROW * width / TEXT))
    rows = [grid_of(len(one.data_sets), most)[0] for one in found]
    heights = [ROW * max(2, r) + 0.4 for r in rows]
    figure = print_figure(width, sum(heights) + 0.22)
    parts = figure.subfigures(len(found), 1, height_ratios=heights, squeeze=False)[:, 0]
    for part, one in zip(parts, found, strict=True):
        _setting(part, one, most, width, palette, numbers=numbers)
    points = pd.concat([one.points for one in found])
    legend(figure, legend_entries(points, palette), palette)
    return finish(figure)


def correlation_table(
    ranking: pd.DataFrame, *, missing: Missing = "refuse", seed: int = 0
) -> pd.DataFrame:
    """The numbers that ``correlation_figure`` plots: a row a point, fractions and log odds."""
    found = correlations(ranking, missing=missing, seed=seed)
    return pd.concat([one.points for one in found], ignore_index=True)


def _setting(
    part: SubFigure, one: Correlation, most: int, width: float, palette: Palette, *, numbers: bool
) -> None:
    """One method: its data sets on the left, their average on the right."""
    part.patch.set_alpha(0.0)
    part.suptitle(
        method_name(one.method), x=0.005, ha="left", size=HEAD, weight="bold", color=palette.ink
    )
    rows, columns = grid_of(len(one.data_sets), most)
    inches = (width - 0.35) / (columns + 2.4)  # without the labels of the axes
    grid = part.add_gridspec(
        rows, columns + 2, width_ratios=[1] * columns + [0.12 * TEXT / width, 2.0]
    )
    for place, name in enumerate(one.data_sets):
        row, column = divmod(place, columns)
        axes = part.add_subplot(grid[row, column])
        draw_panel(axes, one, name, palette, ticks=(3, 4))
        title(axes, name, palette, inches=inches)
        below = place + columns < len(one.data_sets)
        axes.tick_params(axis="x", labelbottom=not below)
    axes = part.add_subplot(grid[:, -1])
    small(axes, palette)
    draw_panel(axes, one, AVERAGE, palette, ticks=(5, 6))
    title(axes, "Average", palette, inches=2 * inches)
    if numbers:
        write_numbers(axes, one, palette, inches=(2 * inches - 0.3, ROW * max(2, rows) - 0.35))
    axes.set_ylabel(AVERAGE_LABEL, labelpad=2)
    part.supxlabel(X_LABEL, size=LABEL, color=palette.muted)
    part.supylabel("accuracy, %", size=LABEL, color=palette.muted)
