"""One panel of figures 1 and 2: networks as points, the line through them and its band."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib.ticker import MaxNLocator

from penultimate.figures.correlation_numbers import AVERAGE, Correlation
from penultimate.figures.paper import GREEN, MINUS, TICK, entry, small
from penultimate.figures.style import Palette, percent_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

LEVEL = "the best, or not significantly different from it (p > 0.05)"
BEHIND = "significantly behind the best"
UNKNOWN = "not compared with the best"
X_LABEL = "ImageNet top-1 accuracy, %"
AVERAGE_LABEL = "mean log odds over data sets"


def looks(palette: Palette, size: float = 3.0) -> dict[str, dict[str, Any]]:
    """How each kind of point is drawn: filled, open or a diamond, and green besides."""
    common: dict[str, Any] = {"markersize": size, "markeredgewidth": 0.7, "linestyle": "none"}
    green, empty = palette.series[GREEN], palette.paper
    return {
        LEVEL: common | {"marker": "o", "color": green},
        BEHIND: common | {"marker": "o", "color": palette.ink, "markerfacecolor": empty},
        UNKNOWN: common | {"marker": "D", "color": palette.ink, "markerfacecolor": empty},
    }


def kinds(level: pd.Series) -> pd.Series:
    """LEVEL, BEHIND or UNKNOWN for each point."""
    return level.map({True: LEVEL, False: BEHIND}).fillna(UNKNOWN)


def draw_panel(
    axes: Axes, found: Correlation, panel: str, palette: Palette, *, ticks: tuple[int, int]
) -> None:
    """Points, line and band; ``ticks`` are how many there may be along x and along y."""
    small(axes, palette)
    rows = found.points[found.points["data_set"] == panel]
    line = found.lines[panel]
    if line["line"].notna().any():
        blue = palette.accent
        axes.fill_between(
            line["imagenet"], line["low"], line["high"], color=blue, alpha=0.18, linewidth=0
        )
        axes.plot(line["imagenet"], line["line"], color=blue, linewidth=1.0)
    for kind, group in rows.groupby(kinds(rows["level_with_best"])):
        look = looks(palette)[str(kind)]
        if panel == AVERAGE:
            axes.errorbar(
                group["imagenet_log_odds"],
                group["log_odds"],
                yerr=group["standard_error"],
                fmt="none",
                ecolor=look["color"],
                elinewidth=0.7,
            )
        axes.plot(group["imagenet_log_odds"], group["log_odds"], zorder=3, **look)
    percent_axis(axes.xaxis, list(rows["imagenet_log_odds"]), most=ticks[0])
    if panel == AVERAGE:
        axes.yaxis.set_major_locator(MaxNLocator(ticks[1], steps=[1, 2, 5, 10]))
        axes.margins(y=0.08)
    else:
        percent_axis(axes.yaxis, list(rows["log_odds"]), most=ticks[1])


def legend_entries(points: pd.DataFrame, palette: Palette) -> list[Line2D]:
    """The kinds that are drawn, in one order."""
    drawn = set(kinds(points["level_with_best"]))
    return [entry(kind, **look) for kind, look in looks(palette).items() if kind in drawn]


def write_numbers(
    axes: Axes, found: Correlation, palette: Palette, *, inches: tuple[float, float]
) -> None:
    """r and rho with their intervals in a corner of the averaged panel that holds no mark.

    Where neither of the corners away from the line is free, the panel is made higher below; where
    intervals have no room, they are left out.

    Parameters
    ----------
    inches : about how wide and high the panel is.
    """
    lines = number_lines(found)
    wide = _width(lines, inches[0])
    if wide > 1:
        lines = [line.partition(" [")[0] for line in lines]
        wide = _width(lines, inches[0])
    high = min(0.5, len(lines) * 1.25 * TICK / 72 / inches[1] + 0.03)
    rows = found.points[found.points["data_set"] == AVERAGE]
    left, right = axes.get_xlim()
    x = (rows["imagenet_log_odds"] - left) / (right - left)
    error = rows["standard_error"].fillna(0.0)
    tops, feet = rows["log_odds"] + error, rows["log_odds"] - error
    falling = found.r < 0
    below = x < wide if falling else x > 1 - wide
    above = x > 1 - wide if falling else x < wide
    bottom, top = axes.get_ylim()
    free_below = not (feet[below] < bottom + high * (top - bottom)).any()
    free_above = not (tops[above] > top - high * (top - bottom)).any()
    if not free_below and not free_above:
        foot = float(feet[below].min())
        axes.set_ylim(foot - high / (1 - high) * (top - foot), top)
    at_top = free_above and not free_below
    at_left = falling != at_top
    axes.text(
        0.02 if at_left else 0.98,
        0.98 if at_top else 0.02,
        "\n".join(lines),
        transform=axes.transAxes,
        ha="left" if at_left else "right",
        va="top" if at_top else "bottom",
        fontsize=TICK,
        color=palette.ink,
        linespacing=1.1,
    )


def _width(lines: list[str], inches: float) -> float:
    """What part of a panel these lines take, most texts taken."""
    return max(map(len, lines)) * 0.6 * TICK / 72 / inches + 0.03


def number_lines(found: Correlation) -> list[str]:
    """``r = 0.96 [0.90, 0.99]`` and the same of rho; in words where there is none."""
    if math.isnan(found.r):
        return ["r is undefined"]
    return [
        f"{letter} = {_signed(found.numbers[name])} "
        f"[{_signed(found.numbers[f'{name}_low'])}, {_signed(found.numbers[f'{name}_high'])}]"
        for letter, name in (("r", "r"), ("\N{GREEK SMALL LETTER RHO}", "rho"))
    ]


def _signed(value: float) -> str:
    return f"{value:.2f}".replace("-", MINUS)
