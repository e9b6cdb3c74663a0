"""Panels in log odds as small SVG of our own: light, each point with its name, any width.

A page of 16 networks, 12 tasks and 3 methods has 39 of them; matplotlib would take seconds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from markupsafe import Markup, escape

from penultimate.figures.style import percent_ticks

LEVEL, BEHIND, UNKNOWN = "level", "behind", "unknown"  # classes of a point, as in the tables


@dataclass(frozen=True)
class Point:
    """One mark of a panel: ``x`` and ``y`` in log odds, and what is said of it.

    Parameters
    ----------
    of : whose it is, as a number: points with the same are lit together.
    text : shown on hover, the name on the first line.
    error : half the length of its error bar, in log odds; NaN for none.
    """

    x: float
    y: float
    of: int
    text: str
    kind: str = LEVEL
    error: float = math.nan


@dataclass(frozen=True)
class Frame:
    """The measures of a panel in units of its own, and how many ticks it has room for."""

    width: float
    height: float
    size: float
    ticks: tuple[int, int]
    mark: float


LARGE = Frame(width=420, height=340, size=12, ticks=(6, 7), mark=5)
MIDDLE = Frame(width=300, height=260, size=12, ticks=(4, 6), mark=4.5)
SMALL = Frame(width=230, height=180, size=11, ticks=(4, 4), mark=4)


def panel(
    points: Sequence[Point],
    line: pd.DataFrame,
    *,
    label: str,
    axes: tuple[str, str] = ("", ""),
    frame: Frame = LARGE,
) -> Markup:
    """Points, the line through them and its band.

    Parameters
    ----------
    points : at least one; they are reached from left to right.
    line : of ``penultimate.stats.regression_band``; NaN where there is no line.
    label : what the panel shows, for those who do not see it.
    axes : names of the axes, along x and along y.
    """
    shown = sorted(points, key=lambda point: (point.x, point.y))
    spread = [p.error if math.isfinite(p.error) else 0.0 for p in shown]
    x = _Scale([p.x for p in shown], frame.ticks[0])
    y = _Scale(
        [p.y + sign * e for sign in (-1, 1) for p, e in zip(shown, spread, strict=True)],
        frame.ticks[1],
    )
    left, bottom = 2.6 * frame.size, frame.height - (3.1 if axes[0] else 1.7) * frame.size
    left += 1.5 * frame.size if axes[1] else 0
    x.span(left, frame.width - frame.size)
    y.span(bottom, 0.8 * frame.size)
    parts = [
        *_axes(x, y, axes, frame),
        *_line(line, x, y),
    ]
    marks = Markup("").join(_mark(p, x, y, frame.mark) for p in shown)
    return Markup(
        '<svg class="plot" viewBox="0 0 {:g} {:g}" role="group" aria-label="{}" '
        'style="font-size: {:g}px"><g aria-hidden="true">{}</g>{}</svg>'
    ).format(frame.width, frame.height, label, frame.size, Markup("").join(parts), marks)


class _Scale:
    """From log odds to a place in the panel, with round percentages for ticks."""

    def __init__(self, values: Sequence[float], most: int) -> None:
        margin = max(0.07 * (max(values) - min(values)), 0.08)
        self.low, self.high = min(values) - margin, max(values) + margin
        self.percents = [float(p) for p in percent_ticks(self.low, self.high, most)]
        self.start, self.end = 0.0, 1.0

    def span(self, start: float, end: float) -> None:
        """Where the lowest and the highest value stand."""
        self.start, self.end = start, end

    def at(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self) -> list[tuple[float, str]]:
        """Places and texts, in percent."""
        return [(self.at(math.log(p / (100 - p))), f"{p:g}") for p in self.percents]


def _axes(x: _Scale, y: _Scale, names: tuple[str, str], frame: Frame) -> list[Markup]:
    parts = []
    below, beside = y.start + 1.3 * frame.size, x.start - 0.5 * frame.size
    for place, text in x.ticks():
        parts.append(
            Markup('<path class="guide" d="M{0:g} {1:g}V{2:g}"/>').format(place, y.start, y.end)
            + Markup('<text class="tick mid" x="{:g}" y="{:g}">{}</text>').format(
                place, below, text
            )
        )
    for place, text in y.ticks():
        parts.append(
            Markup('<path class="guide" d="M{0:g} {1:g}H{2:g}"/>').format(x.start, place, x.end)
            + Markup('<text class="tick end" x="{:g}" y="{:g}">{}</text>').format(
                beside, place + 0.35 * frame.size, text
            )
        )
    parts.append(Markup('<path class="base" d="M{:g} {:g}H{:g}"/>').format(x.start, y.start, x.end))
    middle_x, middle_y = (x.start + x.end) / 2, (y.start + y.end) / 2
    if names[0]:
        parts.append(
            Markup('<text class="tick mid" x="{:g}" y="{:g}">{}</text>').format(
                middle_x, frame.height - 0.4 * frame.size, names[0]
            )
        )
    if names[1]:
        parts.append(
            Markup('<text class="tick mid" transform="translate({:g} {:g}) rotate(-90)">{}</text>')
            .format(frame.size, middle_y, names[1])
        )  # fmt: skip
    return parts


def _line(line: pd.DataFrame, x: _Scale, y: _Scale) -> list[Markup]:
    """The line and its band, cut where the panel ends; nothing where there is no line."""
    line = line.dropna()
    if line.empty:
        return []
    places = [x.at(value) for value in line["imagenet"]]

    def path(column: str) -> list[str]:
        heights = np.clip(line[column], y.low, y.high)
        return [f"{a:g} {y.at(h):g}" for a, h in zip(places, heights, strict=True)]

    around = "L".join([*path("low"), *reversed(path("high"))])
    inside = line["line"].between(y.low, y.high).to_numpy()
    through = "L".join(text for text, keep in zip(path("line"), inside, strict=True) if keep)
    parts = [Markup('<path class="band" d="M{}Z"/>').format(around)]
    if through:
        parts.append(Markup('<path class="fit" d="M{}"/>').format(through))
    return parts


def _mark(point: Point, x: _Scale, y: _Scale, size: float) -> Markup:
    px, py = x.at(point.x), y.at(point.y)
    bar = Markup("")
    if math.isfinite(point.error):
        bar = Markup('<path class="error" d="M{:g} {:g}V{:g}"/>').format(
            px, y.at(point.y - point.error), y.at(point.y + point.error)
        )
    if point.kind == UNKNOWN:
        d = size * 1.2
        shape = Markup('<path class="dot" d="M{:g} {:g}l{d:g} {d:g}l-{d:g} {d:g}l-{d:g} -{d:g}Z"/>')
        dot = shape.format(px, py - d, d=d)
    else:
        dot = Markup('<circle class="dot" cx="{:g}" cy="{:g}" r="{:g}"/>').format(px, py, size)
    return titled(bar + dot, point.of, point.text, f"plain {point.kind}")


def titled(shape: Markup, of: int, text: str, kind: str = "") -> Markup:
    """A shape that is somebody's point: the script shows ``text`` on hover, tap and focus.

    Without the script the browser shows the title. What is drawn is told to screen readers by it.
    """
    return Markup('<g class="{}" data-of="{}" role="img"><title>{}</title>{}</g>').format(
        f"point {kind}".strip(), of, escape(printable(text)), shape
    )


def printable(text: str) -> str:
    """A text whose lines stay and whose control characters become question marks."""
    return "\n".join(
        "".join(c if c.isprintable() else "?" for c in line) for line in text.split("\n")
    )
