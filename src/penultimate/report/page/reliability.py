"""The reliability diagram as small SVG of our own: accuracy against confidence, bin by bin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from penultimate.figures.style import SeriesStyle
from penultimate.report.page.plot import titled
from penultimate.report.words import interval, percent

SIDE = 260.0  # of the square, in units of its own
LEFT, TOP, WIDTH = 46.0, 8.0, 318.0
AXIS = TOP + SIDE  # where the horizontal axis is
STRIP, GAP = 26.0, 12.0  # height of a strip of counts, and what is between strips
FIRST_STRIP = AXIS + 52.0
SIZE = 12.0  # of text
MARK = 4.0
TICKS = (0, 20, 40, 60, 80, 100)


@dataclass(frozen=True)
class Series:
    """One network; ``table`` as of ``stats.reliability``."""

    name: str
    style: SeriesStyle
    table: pd.DataFrame


def diagram(series: Sequence[Series], label: str, place: int) -> Markup:
    """The bins of each network with Wilson's intervals, and below how many answers each has.

    Parameters
    ----------
    label : what it shows, for those who do not see it.
    place : of the figure in the page, so that no two figures' points are taken for one.
    """
    bottom = FIRST_STRIP + len(series) * (STRIP + GAP)
    strips = [_strip(one, FIRST_STRIP + i * (STRIP + GAP)) for i, one in enumerate(series)]
    lines = [_line(one) for one in series]
    bins = max((len(one.table) for one in series), default=0)
    points = [
        titled(_point(row, one.style), 10_000 * place + i * bins + b, _said(one.name, row))
        for i, one in enumerate(series)
        for b, (_, row) in enumerate(one.table.iterrows())
        if row["n"] > 0
    ]
    return Markup(
        '<svg class="plot reliability" viewBox="0 0 {:g} {:g}" role="group" aria-label="{}" '
        'style="font-size: {:g}px"><g aria-hidden="true">{}{}{}</g>{}</svg>'
    ).format(WIDTH, bottom, label, SIZE, _axes(), _all(strips), _all(lines), _all(points))


def _all(parts: Sequence[Markup]) -> Markup:
    return Markup("").join(parts)


def _x(share: float) -> float:
    return round(LEFT + SIDE * share, 1)


def _y(share: float) -> float:
    return round(AXIS - SIDE * share, 1)


def _axes() -> Markup:
    parts = []
    for tick in TICKS:
        x, y = _x(tick / 100), _y(tick / 100)
        parts += [
            Markup('<path class="guide" d="M{:g} {:g}V{:g}"/>').format(x, AXIS, TOP),
            Markup('<path class="guide" d="M{:g} {:g}H{:g}"/>').format(LEFT, y, LEFT + SIDE),
            Markup('<text class="mid" x="{:g}" y="{:g}">{}</text>').format(x, AXIS + 16, tick),
            Markup('<text class="end" x="{:g}" y="{:g}">{}</text>').format(LEFT - 6, y + 4, tick),
        ]
    middle = LEFT + SIDE / 2
    parts += [
        Markup('<path class="base" d="M{:g} {:g}H{:g}"/>').format(LEFT, AXIS, LEFT + SIDE),
        Markup('<path class="diagonal" d="M{:g} {:g}L{:g} {:g}"/>').format(
            LEFT, AXIS, LEFT + SIDE, TOP
        ),
        Markup('<text class="mid" x="{:g}" y="{:g}">mean confidence, %</text>').format(
            middle, AXIS + 34
        ),
        Markup(
            '<text class="mid" transform="translate({:g} {:g}) rotate(-90)">right, %</text>'
        ).format(SIZE, TOP + SIDE / 2),
    ]
    return _all(parts)


def _line(one: Series) -> Markup:
    """From bin to bin."""
    filled = one.table[one.table["n"] > 0]
    places = [
        f"{_x(confidence):g} {_y(accuracy):g}"
        for confidence, accuracy in zip(filled["confidence"], filled["accuracy"], strict=True)
    ]
    dash = ""
    if not isinstance(one.style.dash, str):
        dash = " ".join(f"{1.5 * part:.1f}" for part in one.style.dash[1])
    return Markup('<path class="s{} line" stroke-dasharray="{}" d="M{}"/>').format(
        one.style.colour, dash or "none", "L".join(places) or "0 0"
    )


def _strip(one: Series, top: float) -> Markup:
    """Bars of how many answers each bin has, the fullest as high as the strip."""
    base, most = top + STRIP, max(1, int(one.table["n"].max()))
    bars = []
    for low, high, n in zip(one.table["low"], one.table["high"], one.table["n"], strict=True):
        if n:
            height = max(1.0, STRIP * n / most)
            bars.append(
                f"M{_x(low) + 0.8:g} {base:g}V{base - height:.1f}H{_x(high) - 0.8:g}V{base:g}Z"
            )
    return Markup(
        '<path class="base" d="M{0:g} {1:g}H{2:g}"/><path class="s{3} bars" d="{4}"/>'
        '<text class="end" x="{5:g}" y="{1:g}">n</text>'
    ).format(LEFT, base, LEFT + SIDE, one.style.colour, "".join(bars) or "M0 0", LEFT - 6)


def _point(row: pd.Series, style: SeriesStyle) -> Markup:
    x, y, m = _x(row["confidence"]), _y(row["accuracy"]), MARK
    whisker = Markup('<path class="s{} whisker" d="M{:g} {:g}V{:g}"/>').format(
        style.colour, x, _y(row["ci_low"]), _y(row["ci_high"])
    )
    d = 1.3 * m
    path = {
        "o": f"M{x - m:g} {y:g}a{m:g} {m:g} 0 1 0 {2 * m:g} 0a{m:g} {m:g} 0 1 0 {-2 * m:g} 0Z",
        "s": f"M{x - m:g} {y - m:g}h{2 * m:g}v{2 * m:g}h{-2 * m:g}Z",
        "^": f"M{x:g} {y - d:g}l{d:g} {2 * m:g}h{-2 * d:g}Z",
        "D": f"M{x:g} {y - d:g}l{d:g} {d:g}l{-d:g} {d:g}l{-d:g} {-d:g}Z",
        "v": f"M{x:g} {y + d:g}l{d:g} {-2 * m:g}h{-2 * d:g}Z",
    }[style.marker]
    return whisker + Markup('<path class="s{} dot" d="{}"/>').format(style.colour, path)


def _said(name: str, row: pd.Series) -> str:
    """On hover: the bin, and how often its answers are right."""
    return (
        f"{name}\n{interval(row['low'], row['high'])} % sure: {int(row['n']):,}\n"
        f"says {percent(row['confidence'])} %, right {percent(row['accuracy'])} %\n"
        f"95 % interval {interval(row['ci_low'], row['ci_high'])} %"
    )
