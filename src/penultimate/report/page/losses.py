"""The loss of a grid's trainings, step by step, on a logarithmic axis."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from markupsafe import Markup

from penultimate.figures.training_curves import CEILING, CHOSEN, FINAL, OTHER, thinned
from penultimate.report.page.plot import (
    Scale,
    axis_below,
    axis_beside,
    drawing,
    joined_line,
    titled,
)
from penultimate.report.words import strength

WIDTH, HEIGHT, SIZE = 420, 250, 11
NAMES = {OTHER: "another cell", CHOSEN: "the chosen cell", FINAL: "the final fit"}


def loss_curves(frame: pd.DataFrame, label: str) -> Markup:
    """Every training's line; a point where it ended on validation. What diverges leaves above.

    Parameters
    ----------
    frame : as of ``penultimate.figures.training_curves``, with ``learning_rate`` and
        ``weight_decay``.
    label : what the panel shows, for those who do not see it.
    """
    top = CEILING * float(frame.groupby("training")["loss"].first().median())
    lines = {}
    for (kind, training), rows in frame.groupby(["kind", "training"], sort=False):
        curve = thinned(rows)
        curve = curve[(curve["loss"] <= top) & (curve["loss"] > 0)]
        if len(curve):
            lines[str(kind), str(training)] = (curve, rows.tail(1).to_dict("records")[0])
    losses = [loss for curve, _ in lines.values() for loss in curve["loss"]]
    ends = {key: _end(last, top) for key, (_, last) in lines.items()}
    x, y = _scales(int(frame["step"].max()), [*losses, *filter(None, ends.values())])
    behind = [*axis_below(x, y, SIZE, "step"), *axis_beside(x, y, SIZE, "loss, nats")]
    marks = []
    for kind in (OTHER, FINAL, CHOSEN):
        for place, (key, (curve, last)) in enumerate(lines.items()):
            if key[0] != kind:
                continue
            at = [
                (x.at(step), y.at(math.log(loss)))
                for step, loss in zip(curve["step"], curve["loss"], strict=True)
            ]
            behind.append(
                Markup('<path class="loss {}" data-of="{}" d="{}"/>').format(
                    kind, place, joined_line(at)
                )
            )
            end = ends[key]
            if end is not None:
                size = 5 if kind == CHOSEN else 3
                circle = '<circle class="dot {}" cx="{:g}" cy="{:g}" r="{:g}"/>'
                shape = Markup(circle).format(kind, x.at(last["step"]), y.at(math.log(end)), size)
                marks.append(titled(shape, place, _text(kind, last, end), "series"))
    return drawing(WIDTH, HEIGHT, SIZE, label, behind, Markup("").join(marks))


def _end(last: dict[Any, Any], top: float) -> float | None:
    """The loss on validation, where it is inside the panel."""
    end = float(last["validation"])
    return end if 0 < end <= top else None


def _text(kind: str, last: dict[Any, Any], end: float) -> str:
    rate, decay = strength(last["learning_rate"]), strength(last["weight_decay"])
    return (
        f"{NAMES[kind]}\nlearning rate {rate}, weight decay {decay}\n{end:.3g} nats on validation"
    )


def _scales(steps: int, losses: list[float]) -> tuple[Scale, Scale]:
    low, high = (min(losses), max(losses)) if losses else (0.1, 1.0)
    margin = max(0.05 * math.log(high / low), 0.05)
    factors = (1, 2, 5) if high / low < 200 else (1,)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [m * 10.0**e for e in powers for m in factors]
    y = Scale(
        math.log(low) - margin,
        math.log(high) + margin,
        ((math.log(t), f"{t:.2g}") for t in ticks if low * 0.95 <= t <= high * 1.05),
    )
    x = Scale(0, steps, ((t, f"{t:,}") for t in _round_steps(steps)))
    return x.span(4.3 * SIZE, WIDTH - 2 * SIZE), y.span(HEIGHT - 3.1 * SIZE, 0.8 * SIZE)


def _round_steps(steps: int, most: int = 5) -> list[int]:
    """Multiples of 1, 2 or 5 times a power of ten up to ``steps``."""
    power = 10 ** max(0, math.floor(math.log10(max(1, steps))) - 1)
    step = next(m * power for m in (1, 2, 5, 10, 20, 50) if steps / (m * power) <= most)
    return list(range(0, steps + 1, step))
