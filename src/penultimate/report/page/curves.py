"""How the score on validation depends on the L2 parameter, a line a backbone."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
from markupsafe import Markup

from penultimate.figures.style import SeriesStyle, log_odds_position, series_style
from penultimate.report.page.plot import (
    Scale,
    axis_below,
    axis_beside,
    drawing,
    joined_line,
    path,
    percent_scale,
    titled,
)
from penultimate.report.words import SUPERSCRIPT, percent, strength

WIDTH, HEIGHT, SIZE = 420, 260, 11
MOST_POWERS = 7
SHAPES = {
    "o": "M{x:g} {y:g}m-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0Z",
    "s": "M{x:g} {y:g}m-4.5 -4.5h9v9h-9Z",
    "^": "M{x:g} {y:g}m0 -5.5l5.5 10h-11Z",
    "D": "M{x:g} {y:g}m0 -6l6 6l-6 6l-6 -6Z",
    "v": "M{x:g} {y:g}m0 5.5l5.5 -10h-11Z",
}


def selection_curves(frame: pd.DataFrame, order: Sequence[str], task: str) -> Markup:
    """The curves of one task; the chosen value is marked, a cross stands where a fit failed.

    Parameters
    ----------
    frame : as of ``penultimate.figures.selection_curve``.
    order : names by whose place a line has its colour, dash and mark on the whole page.
    task : its name.
    """
    frame = frame.assign(
        y=log_odds_position(frame["score"], frame["n_val"]), x=frame["l2"].map(_decade)
    )
    x = _decades(frame["x"]).span(4.1 * SIZE, WIDTH - SIZE)
    y = percent_scale(frame["y"], 6).span(HEIGHT - 3.1 * SIZE, 0.8 * SIZE)
    behind = [
        *axis_below(x, y, SIZE, "L2 parameter"),
        *axis_beside(x, y, SIZE, "score on validation, %"),
    ]
    marks = []
    for name, rows in frame.groupby("backbone", sort=False):
        place = order.index(str(name))
        style = series_style(place)
        curve = rows.dropna(subset=["x", "y"]).sort_values("x")
        at = [(x.at(a), y.at(b)) for a, b in zip(curve["x"], curve["y"], strict=True)]
        behind.append(_curve(at, style, place))
        for (px, py), fine in zip(at, curve["converged"], strict=True):
            if not fine:
                behind.append(_shape(f"M{px - 3:g} {py - 3:g}l6 6m0 -6l-6 6", "cross", style))
        for (px, py), row in zip(at, curve.to_dict("records"), strict=True):
            if row["chosen"]:
                text = (
                    f"{name}\nchosen: L2 parameter {strength(row['l2'])}\n"
                    f"{percent(row['score'])} % on validation"
                )
                shape = _shape(SHAPES[style.marker].format(x=px, y=py), "dot", style)
                marks.append((px, titled(shape, place, text, "series")))
    drawn = Markup("").join(shape for _, shape in sorted(marks, key=lambda mark: mark[0]))
    label = f"Score on validation against the L2 parameter on {task}"
    return drawing(WIDTH, HEIGHT, SIZE, label, behind, drawn)


def _decade(l2: float) -> float:
    return math.log10(l2) if l2 > 0 else math.nan


def _decades(powers: pd.Series) -> Scale:
    """Powers of ten, as many as have room."""
    low, high = powers.min() - 0.15, powers.max() + 0.15
    whole = range(math.ceil(low), math.floor(high) + 1)
    step = max(1, math.ceil(len(whole) / MOST_POWERS))
    return Scale(low, high, ((p, f"10{str(p).translate(SUPERSCRIPT)}") for p in whole[::step]))


def _curve(at: list[tuple[float, float]], style: SeriesStyle, of: int) -> Markup:
    if not at:
        return Markup("")
    dash = "" if isinstance(style.dash, str) else " ".join(f"{1.6 * d:.1f}" for d in style.dash[1])
    return Markup('<path class="curve s{}" data-of="{}" d="{}" stroke-dasharray="{}"/>').format(
        style.colour, of, joined_line(at), dash
    )


def _shape(d: str, kind: str, style: SeriesStyle) -> Markup:
    return path(f"{kind} s{style.colour}", d)
