"""What the page's own figures are made of: small SVG in which each point says whose it is.

A page of 16 networks, 12 tasks and 3 methods has nearly a hundred panels. Written by hand they take
a second, where matplotlib takes half a minute, and they fit any width.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

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


class Scale:
    """From values to places in a panel.

    Parameters
    ----------
    low, high : the values at either end.
    ticks : values and their texts.
    """

    def __init__(self, low: float, high: float, ticks: Iterable[tuple[float, str]]) -> None:
        self.low, self.high = low, high
        self._ticks = list(ticks)
        self.start, self.end = 0.0, 1.0

    def span(self, start: float, end: float) -> Scale:
        """Say where the lowest and the highest value stand; the scale itself is returned."""
        self.start, self.end = start, end
        return self

    def at(self, value: float) -> float:
        """The place of a value, to a tenth."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self) -> list[tuple[float, str]]:
        """Places and texts."""
        return [(self.at(value), text) for value, text in self._ticks]


def percent_scale(values: Iterable[float], most: int) -> Scale:
    """A scale in log odds around ``values``, with at most ``most`` round percentages for ticks."""
    finite = [value for value in values if math.isfinite(value)] or [-1.0, 1.0]
    margin = max(0.07 * (max(finite) - min(finite)), 0.08)
    low, high = min(finite) - margin, max(finite) + margin
    percents = [float(p) for p in percent_ticks(low, high, most)]
    return Scale(low, high, ((math.log(p / (100 - p)), f"{p:g}") for p in percents))


def drawing(
    width: float, height: float, size: float, label: str, behind: Iterable[Markup], marks: Markup
) -> Markup:
    """An ``<svg>``: what is behind is not read out, each of the marks is.

    Parameters
    ----------
    size : of its text, in its own units.
    label : what the panel shows, for those who do not see it.
    """
    return Markup(
        '<svg class="plot" viewBox="0 0 {:g} {:g}" role="group" aria-label="{}" '
        'style="font-size: {:g}px"><g aria-hidden="true">{}</g>{}</svg>'
    ).format(width, height, printable(label), size, Markup("").join(behind), marks)


def axis_below(x: Scale, y: Scale, size: float, name: str = "") -> list[Markup]:
    """A base line, a guide at each tick, percentages, and the axis' name in the middle."""
    parts = [Markup('<path class="base" d="M{:g} {:g}H{:g}"/>').format(x.start, y.start, x.end)]
    for place, text in x.ticks():
        parts.append(path("guide", f"M{place:g} {y.start:g}V{y.end:g}"))
        parts.append(words("tick mid", place, y.start + 1.3 * size, text))
    if name:
        parts.append(words("tick mid", (x.start + x.end) / 2, y.start + 2.7 * size, name))
    return parts


def axis_beside(x: Scale, y: Scale, size: float, name: str = "") -> list[Markup]:
    """As ``axis_below``, on the left."""
    parts = []
    for place, text in y.ticks():
        parts.append(path("guide", f"M{x.start:g} {place:g}H{x.end:g}"))
        parts.append(words("tick end", x.start - 0.5 * size, place + 0.35 * size, text))
    if name:
        turned = '<text class="tick mid" transform="translate({:g} {:g}) rotate(-90)">{}</text>'
        parts.append(Markup(turned).format(size, (y.start + y.end) / 2, printable(name)))
    return parts


def path(kind: str, d: str) -> Markup:
    """A line or an area of a class of the style sheet."""
    return Markup('<path class="{}" d="{}"/>').format(kind, d)


def words(kind: str, x: float, y: float, text: str) -> Markup:
    """A text at a place."""
    return Markup('<text class="{}" x="{:g}" y="{:g}">{}</text>').format(
        kind, x, y, printable(text)
    )


def dot(kind: str, x: float, y: float, size: float) -> Markup:
    """A circle; a diamond for what was not compared, so that form tells it too."""
    if kind != UNKNOWN:
        return Markup('<circle class="dot" cx="{:g}" cy="{:g}" r="{:g}"/>').format(x, y, size)
    d = size * 1.2
    return path("dot", f"M{x:g} {y - d:g}l{d:g} {d:g}l-{d:g} {d:g}l-{d:g} -{d:g}Z")


def titled(shape: Markup, of: int, text: str, kind: str = "") -> Markup:
    """A shape that is somebody's point: the script shows ``text`` on hover, tap and focus.

    Without the script the browser shows the title; it is what screen readers read.
    """
    return Markup('<g class="{}" data-of="{}" role="img"><title>{}</title>{}</g>').format(
        f"point {kind}".strip(), of, printable(text), shape
    )


def joined_line(places: Sequence[tuple[float, float]]) -> str:
    """The ``d`` of a line through places."""
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in places)


def printable(text: str) -> str:
    """A text whose lines stay and whose control characters become question marks."""
    return "\n".join(
        "".join(c if c.isprintable() else "?" for c in line) for line in text.split("\n")
    )
