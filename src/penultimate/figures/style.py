"""One look for all figures: colours that the colour-blind tell apart, marks that grey does.

Figures are made without pyplot and without touching matplotlib's global settings, so that any
number of them can be drawn in any thread. A ``Palette`` is an argument: the report passes
placeholders, which its style sheet replaces by the colours of the reader's scheme.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, FuncFormatter
from numpy.typing import NDArray

from penultimate.stats import logit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

BASE_SIZE = 9.0  # points; a figure of the page's width is shown at 4/3 of this in pixels
SMALL_SIZE = 8.0
LONGEST_NAME = 34  # characters; the tables have names in full


@dataclass(frozen=True)
class Palette:
    """The colours of a figure; ``series`` are for lines told apart by name."""

    ink: str
    muted: str
    rule: str
    paper: str
    accent: str
    series: tuple[str, ...]


# Dark enough on white (3:1 and more) and apart in hue for the common colour blindnesses.
PRINT = Palette(
    ink="#1b1f24",
    muted="#5c6470",
    rule="#dcdfe3",
    paper="#ffffff",
    accent="#0b6fa4",
    series=("#0b6fa4", "#c2500a", "#0c8062", "#a3477f", "#8a6a00", "#4b5563"),
)

# The lengths of these and of the colours share no common factor beyond 2: the first sixty series
# all differ, and neighbours differ in dash and mark where there is no colour.
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.6)), (0, (1.2, 1.4)), (0, (6, 1.6, 1.2, 1.6)))
MARKERS = ("o", "s", "^", "D", "v")

TENS = [10, 20, 30, 40, 50, 60, 70, 80, 90]
FROM_AN_END = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5]  # percent
PERCENT_TICKS = np.array([*FROM_AN_END, *TENS, *(100 - p for p in reversed(FROM_AN_END))])
STEPS = (10, 5, 2, 1)  # percent, between even ticks


@dataclass(frozen=True)
class SeriesStyle:
    """How the line of one series is drawn."""

    colour: int  # index into Palette.series
    dash: Any
    marker: str


def series_style(index: int) -> SeriesStyle:
    """The look of the ``index``-th series, the same in every figure."""
    return SeriesStyle(
        index % len(PRINT.series), DASHES[index % len(DASHES)], MARKERS[index % len(MARKERS)]
    )


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, in inches, transparent, laid out so that nothing is cut off."""
    figure = Figure(
        figsize=(width, height), layout=ConstrainedLayoutEngine(wspace=0.05, hspace=0.06)
    )
    figure.patch.set_alpha(0.0)
    return figure


def dress(axes: Axes, palette: Palette, *, grid: str, size: float = SMALL_SIZE) -> None:
    """Quiet axes: a base line, thin guides along ``grid`` (``"x"``, ``"y"``, ``"both"``), no box.

    ``size`` is of the text, in points.
    """
    axes.set_facecolor("none")
    axes.set_axisbelow(True)
    axes.grid(visible=True, axis=grid, color=palette.rule, linewidth=0.7)  # type: ignore[arg-type]
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(palette.muted)
        spine.set_linewidth(0.7)
    axes.tick_params(
        colors=palette.muted, labelsize=size, length=0, pad=size / 2, labelcolor=palette.muted
    )
    axes.xaxis.label.set(color=palette.muted, fontsize=size)
    axes.yaxis.label.set(color=palette.muted, fontsize=size)


def plain_text(figure: Figure) -> None:
    """Show every text as it is: a ``$`` in a name begins no formula."""
    for axes in figure.axes:
        axes.get_xticklabels()  # tick labels exist once they are asked for
        axes.get_yticklabels()
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        text.set_parse_math(False)


def short(name: str, most: int = LONGEST_NAME) -> str:
    """A name that fits; the middle gives way, since ends tell names apart.

    What cannot be printed becomes a question mark: SVG has no control characters.
    """
    name = "".join(c if c.isprintable() else "?" for c in " ".join(name.split()))
    if len(name) <= most:
        return name
    head = (most - 1) * 3 // 5
    return f"{name[:head]}…{name[head + 1 - most :]}"


def legend_label(name: str) -> str:
    """As ``short``; matplotlib leaves labels out that begin with an underscore."""
    return f" {short(name)}" if name.startswith("_") else short(name)


def log_odds_position(fraction: pd.Series, n: pd.Series) -> pd.Series:
    """Where a score stands on an axis in log odds; 0 and 1 half a count of ``n`` inside."""
    position: pd.Series = logit(fraction, n)
    return position


def percent_axis(axis: Axis, positions: Sequence[float], most: int) -> None:
    """Set an axis in log odds around ``positions``, with at most ``most`` ticks in percent."""
    finite = np.asarray(positions, dtype=float)
    finite = finite[np.isfinite(finite)]
    low, high = (finite.min(), finite.max()) if len(finite) else (-1.0, 1.0)
    margin = max(0.07 * (high - low), 0.08)
    low, high = low - margin, high + margin
    percents = percent_ticks(low, high, most)
    chosen = list(np.log(percents / (100 - percents)))
    names = dict(zip(chosen, percents, strict=True))
    axis.set_major_locator(FixedLocator(chosen))
    axis.set_major_formatter(FuncFormatter(lambda x, _: f"{names.get(x, float('nan')):g}"))
    axis.set_minor_locator(FixedLocator([]))
    axis.axes.set(**{f"{axis.axis_name}lim": (low, high)})  # type: ignore[attr-defined]


def percent_ticks(low: float, high: float, most: int) -> NDArray[np.float64]:
    """Round percentages between two log odds, up to ``most``, none close to another.

    On a narrow range even steps give the most of them, on a wide one those that crowd at its ends.
    """
    ends = 100 / (1 + np.exp(-low)), 100 / (1 + np.exp(-high))
    apart = (high - low) / (most + 1)
    crowding = PERCENT_TICKS[(ends[0] <= PERCENT_TICKS) & (ends[1] >= PERCENT_TICKS)]
    chosen = _spread(crowding, apart)
    for step in STEPS:
        even = _multiples(step, *ends)
        gaps = np.diff(np.log(even / (100 - even)))
        if len(chosen) < len(even) <= most and np.all(gaps >= apart):
            chosen = list(even)
    return np.array(chosen if len(chosen) > 1 else _round_steps(*ends, most))


def _spread(percents: NDArray[np.float64], apart: float) -> list[float]:
    """From the highest down, those that are at least ``apart`` in log odds from the one before."""
    chosen: list[float] = []
    last = np.inf
    for percent in sorted(percents, reverse=True):
        place = np.log(percent / (100 - percent))
        if last - place >= apart:
            chosen.append(float(percent))
            last = place
    return chosen[::-1]


def _round_steps(low: float, high: float, most: int) -> NDArray[np.float64]:
    """Multiples of 1, 2 or 5 times a power of ten within ``low..high``."""
    step = (high - low) / most
    scale = 10.0 ** np.floor(np.log10(step))
    return _multiples(scale * min(m for m in (1, 2, 5, 10) if m * scale >= step), low, high)


def _multiples(step: float, low: float, high: float) -> NDArray[np.float64]:
    """The multiples of ``step`` within ``low..high`` that are percentages inside 0..100."""
    places = np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step
    percents = np.round(places, 10)
    return percents[(percents > 0) & (percents < 100)]
