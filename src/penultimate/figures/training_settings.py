"""Figures 3 and 5 of the paper: what the settings of ImageNet training do to transfer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from penultimate.errors import SpecError
from penultimate.figures.correlation_panel import AVERAGE_LABEL
from penultimate.figures.paper import (
    COLUMN,
    MINUS,
    TICK,
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
from penultimate.stats import accuracy_grid, complete, logit
from penultimate.stats.grid import Missing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SWITCHES = {
    "batch_norm_scale": "BN scale",
    "label_smoothing": "label smoothing",
    "dropout": "dropout",
    "auxiliary_head": "auxiliary head",
}
COLUMNS = ["network", *SWITCHES, "task", "score", "n_test", "imagenet_top1"]
INSET = (0.08, 0.60, 0.40, 0.32)  # left, bottom, width, height, of the panel


def training_settings_figure(
    frame: pd.DataFrame,
    *,
    width: float = COLUMN,
    palette: Palette = PRINT,
    inset: bool = True,
    missing: Missing = "refuse",
) -> Figure:
    """Mean log odds over data sets for each configuration, a mark a network.

    Configurations stand from the most to the least regularised; below each, ``+`` and a minus say
    which of the four settings were on. The inset shows the ImageNet accuracy of the same networks.

    Parameters
    ----------
    frame : a row a network, configuration and data set, of one method: ``network``, the booleans
        ``batch_norm_scale, label_smoothing, dropout, auxiliary_head``, ``task``, ``score``,
        ``n_test`` and ``imagenet_top1``.
    inset : left out where no ImageNet accuracy is known.
    missing : what becomes of networks that lack a data set.

    Raises
    ------
    SpecError : a column is missing, or accuracies are and are refused.
    """
    table = training_settings_table(frame, missing=missing)
    shapes = list(dict.fromkeys(table["configuration"]))
    names = list(dict.fromkeys(table["network"]))
    handles = [
        entry(legend_label(name), **mark(index, palette, 4.0)) for index, name in enumerate(names)
    ]
    figure = print_figure(width, 2.65 + legend_height(handles, width))
    axes = body(figure).subplots()
    small(axes, palette)
    for index, name in enumerate(names):
        _line(axes, table[table["network"] == name], shapes, "log_odds", index, palette, 4.0)
    axes.set_xlim(-0.5, len(shapes) - 0.5)
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.set_ylabel(AVERAGE_LABEL, labelpad=2)
    labels = ["\n".join(SWITCHES.values()), *(shape.replace("-", MINUS) for shape in shapes)]
    axes.set_xticks([-0.5, *range(len(shapes))], labels)
    axes.get_xticklabels()[0].set_horizontalalignment("right")
    axes.grid(visible=False, axis="x")
    if inset and table["imagenet_top1"].notna().any():
        _inset(axes, table, shapes, palette)
    legend(figure, handles, palette)
    return finish(figure)


def training_settings_table(frame: pd.DataFrame, *, missing: Missing = "refuse") -> pd.DataFrame:
    """The numbers that are plotted: a row a network and configuration.

    Returns
    -------
    frame : ``network``, the four switches, ``configuration`` (a sign a line), ``log_odds`` (mean
        over data sets) and ``imagenet_top1``; the most regularised first.

    Raises
    ------
    SpecError : as ``training_settings_figure`` does.
    """
    need_columns(frame, COLUMNS, "the figure of training settings")
    scored = frame.dropna(subset="score")
    need_columns(scored, COLUMNS, "the figure of training settings")
    flags = scored[list(SWITCHES)].astype(bool)
    signs = ["\n".join("+" if on else "-" for on in row) for row in flags.to_numpy()]
    scored = scored.assign(
        configuration=signs, model=scored["network"] + "\n" + pd.Series(signs, index=scored.index)
    )
    try:
        grid = complete(accuracy_grid(scored, model="model"), missing)
    except SpecError as error:
        raise SpecError(" ".join(str(error).split())) from None
    mean = logit(grid, scored.groupby("task")["n_test"].max()).mean(axis=1)
    table = scored.drop_duplicates("model").assign(log_odds=lambda rows: rows["model"].map(mean))
    table = table.dropna(subset="log_odds")
    # How many of the four speak against transfer (section 4.1): no scale, and each of the others.
    against = (
        table[list(SWITCHES)]
        .astype(int)
        .assign(batch_norm_scale=lambda rows: 1 - rows["batch_norm_scale"])
    )
    order = table.assign(against=against.sum(axis=1)).sort_values(
        ["against", "configuration"], ascending=[False, False], kind="stable"
    )
    columns = ["network", *SWITCHES, "configuration", "log_odds", "imagenet_top1"]
    return order[columns].reset_index(drop=True)


def _line(
    axes: Axes,
    rows: pd.DataFrame,
    shapes: list[str],
    column: str,
    index: int,
    palette: Palette,
    size: float,
) -> None:
    """One network's marks, and a thin line that leads the eye."""
    x = [shapes.index(shape) for shape in rows["configuration"]]
    look = mark(index, palette, size)
    axes.plot(x, rows[column], **(look | {"linestyle": "-", "linewidth": 0.5}))


def _inset(axes: Axes, table: pd.DataFrame, shapes: list[str], palette: Palette) -> None:
    """ImageNet accuracy in the upper left; the panel is made high enough to leave it free."""
    left, bottom, wide, _ = INSET
    within = [i <= (left + wide) * len(shapes) for i in map(shapes.index, table["configuration"])]
    low, high = table["log_odds"].min(), table["log_odds"].max()
    margin = 0.06 * (high - low) or 0.1
    below = table.loc[within, "log_odds"].max() if any(within) else low
    low -= margin
    axes.set_ylim(low, max(high + margin, low + (below + margin - low) / (bottom - 0.02)))
    small_axes = axes.inset_axes(INSET)
    small(small_axes, palette)
    known = table.dropna(subset="imagenet_top1")
    known = known.assign(x=logit(known["imagenet_top1"]))
    for index, name in enumerate(dict.fromkeys(table["network"])):
        rows = known[known["network"] == name]
        _line(small_axes, rows, shapes, "x", index, palette, 2.2)
    small_axes.set_xticks([])
    small_axes.set_xlim(-0.5, len(shapes) - 0.5)
    percent_axis(small_axes.yaxis, list(known["x"]), most=3)
    font = {"fontsize": TICK, "color": palette.muted}
    small_axes.set_title("ImageNet top-1, %", loc="left", pad=2, fontdict=font)
