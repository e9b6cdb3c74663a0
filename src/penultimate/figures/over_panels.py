"""What figures 8 and 9 share: a panel a data set, a line a method over a logarithmic axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure

from penultimate.figures.paper import (
    LABEL,
    TEXT,
    body,
    entry,
    finish,
    grid_of,
    in_order,
    legend,
    legend_height,
    method_look,
    method_name,
    print_figure,
    small,
    title,
    width_for,
)
from penultimate.figures.style import Palette, percent_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

LINE = 2.6  # letters, that a legend shows of a line: dashes must be seen
MOST = 4  # panels in a row, on the width of a page's text


def panels(
    table: pd.DataFrame,
    draw: Callable[[Axes, pd.DataFrame, list[str]], None],
    *,
    x_label: str,
    width: float | None,
    palette: Palette,
    more: list[Line2D],
    row: float,
) -> Figure:
    """A panel a data set, all of one look.

    Parameters
    ----------
    table : ``task``, ``method`` and ``log_odds`` beside what ``draw`` needs.
    draw : puts one data set's rows into its panel; given all methods too.
    width : inches; a column's for one or two data sets and a page's for more, where None.
    more : entries of the legend after those of the methods.
    row : height of a row of panels, inches.
    """
    tasks = list(dict.fromkeys(table["task"]))
    width = width_for(len(tasks)) if width is None else width
    methods = in_order(table["method"])
    rows, columns = grid_of(len(tasks), max(2, round(MOST * width / TEXT)))
    handles = [entry(method_name(m), **method_look(methods, m, palette)) for m in methods]
    handles += more
    figure = print_figure(width, rows * row + 0.3 + legend_height(handles, width, LINE))
    part = body(figure)
    grid = part.subplots(rows, columns, squeeze=False)
    for place, axes in enumerate(grid.flat):
        if place >= len(tasks):
            axes.set_visible(False)
            continue
        mine = table[table["task"] == tasks[place]]
        small(axes, palette)
        axes.set_xscale("log")
        draw(axes, mine, methods)
        percent_axis(axes.yaxis, list(mine["log_odds"]), most=5)
        title(axes, str(tasks[place]), palette, inches=width / columns - 0.35)
    part.supxlabel(x_label, size=LABEL, color=palette.muted)
    part.supylabel("accuracy, %", size=LABEL, color=palette.muted)
    legend(figure, handles, palette, length=LINE)
    return finish(figure)
