"""ImageNet accuracy against transfer, a panel: points, the line through them and its band."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from markupsafe import Markup

from penultimate.report.page.plot import (
    Frame,
    Point,
    Scale,
    axis_below,
    axis_beside,
    dot,
    drawing,
    joined_line,
    path,
    percent_scale,
    titled,
)

LARGE = Frame(width=420, height=340, size=12, ticks=(6, 7), mark=5)
MIDDLE = Frame(width=300, height=260, size=12, ticks=(4, 6), mark=4.5)
SMALL = Frame(width=230, height=180, size=11, ticks=(4, 4), mark=4)


def scatter(
    points: Sequence[Point],
    line: pd.DataFrame,
    *,
    label: str,
    axes: tuple[str, str] = ("", ""),
    frame: Frame = LARGE,
) -> Markup:
    """A panel of points in log odds.

    Parameters
    ----------
    points : at least one; the keyboard goes through them from left to right.
    line : of ``penultimate.stats.regression_band``; NaN where there is no line.
    label : what the panel shows, for those who do not see it.
    axes : names of the axes, along x and along y.
    """
    shown = sorted(points, key=lambda point: (point.x, point.y))
    errors = [p.error if math.isfinite(p.error) else 0.0 for p in shown]
    ends = [p.y + sign * e for sign in (-1, 1) for p, e in zip(shown, errors, strict=True)]
    left = (4.1 if axes[1] else 2.6) * frame.size
    bottom = frame.height - (3.1 if axes[0] else 1.7) * frame.size
    x = percent_scale([p.x for p in shown], frame.ticks[0]).span(left, frame.width - frame.size)
    y = percent_scale(ends, frame.ticks[1]).span(bottom, 0.8 * frame.size)
    behind = [
        *axis_below(x, y, frame.size, axes[0]),
        *axis_beside(x, y, frame.size, axes[1]),
        *_fit(line, x, y),
    ]
    marks = Markup("").join(_mark(point, x, y, frame.mark) for point in shown)
    return drawing(frame.width, frame.height, frame.size, label, behind, marks)


def _fit(line: pd.DataFrame, x: Scale, y: Scale) -> list[Markup]:
    """The line and its band, cut where the panel ends; nothing where there is no line."""
    line = line.dropna()
    if line.empty:
        return []

    def places(rows: pd.DataFrame, column: str) -> list[tuple[float, float]]:
        heights = np.clip(rows[column], y.low, y.high)
        return [(x.at(a), y.at(h)) for a, h in zip(rows["imagenet"], heights, strict=True)]

    around = [*places(line, "low"), *reversed(places(line, "high"))]
    inside = line[line["line"].between(y.low, y.high)]
    fit = [path("fit", joined_line(places(inside, "line")))] if len(inside) else []
    return [path("band", f"{joined_line(around)}Z"), *fit]


def _mark(point: Point, x: Scale, y: Scale, size: float) -> Markup:
    px, py = x.at(point.x), y.at(point.y)
    bar = Markup("")
    if math.isfinite(point.error):
        low, high = y.at(point.y - point.error), y.at(point.y + point.error)
        bar = path("error", f"M{px:g} {low:g}V{high:g}")
    return titled(bar + dot(point.kind, px, py, size), point.of, point.text, f"plain {point.kind}")
