"""Figure 1 of the paper: ImageNet accuracy against accuracy averaged over data sets."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from penultimate.figures.correlation_numbers import AVERAGE, correlations
from penultimate.figures.correlation_panel import (
    AVERAGE_LABEL,
    X_LABEL,
    draw_panel,
    legend_entries,
    write_numbers,
)
from penultimate.figures.paper import (
    COLUMN,
    LABEL,
    body,
    finish,
    grid_of,
    legend,
    method_name,
    print_figure,
    title,
)
from penultimate.figures.style import PRINT, Palette
from penultimate.stats.grid import Missing


def average_correlation_figure(
    ranking: pd.DataFrame,
    *,
    width: float = COLUMN,
    palette: Palette = PRINT,
    numbers: bool = True,
    missing: Missing = "refuse",
    seed: int = 0,
) -> Figure:
    """A panel a method: the averaged panels of ``correlation_figure``, which see.

    Parameters
    ----------
    numbers : write r and rho with their 95 % bootstrap intervals.

    Raises
    ------
    SpecError : as ``correlations`` does.
    """
    found = correlations(ranking, missing=missing, seed=seed)
    rows, columns = grid_of(len(found), max(1, round(width / 1.6)))
    figure = print_figure(width, rows * 1.7 + 0.55)
    part = body(figure)
    grid = part.subplots(rows, columns, squeeze=False)
    for place, axes in enumerate(grid.flat):
        if place >= len(found):
            axes.set_visible(False)
            continue
        one = found[place]
        draw_panel(axes, one, AVERAGE, palette, ticks=(4, 6))
        inches = width / columns - 0.3
        title(axes, method_name(one.method), palette, inches=inches)
        if numbers:
            write_numbers(axes, one, palette, inches=(inches, 1.2))
        if place % columns == 0:
            axes.set_ylabel(AVERAGE_LABEL, labelpad=2)
    part.supxlabel(X_LABEL, size=LABEL, color=palette.muted)
    points = pd.concat([one.points[one.points["data_set"] == AVERAGE] for one in found])
    legend(figure, legend_entries(points, palette), palette)
    return finish(figure)


def average_correlation_table(
    ranking: pd.DataFrame, *, missing: Missing = "refuse", seed: int = 0
) -> pd.DataFrame:
    """The numbers that ``average_correlation_figure`` plots: a row a point, in log odds."""
    found = correlations(ranking, missing=missing, seed=seed)
    points = pd.concat([one.points for one in found])
    return points[points["data_set"] == AVERAGE].drop(columns="score").reset_index(drop=True)
