"""How a training's settings were chosen: its grid as a heat map of numbers, and its curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
from markupsafe import Markup

from penultimate.errors import StoreError
from penultimate.report.page.losses import loss_curves
from penultimate.report.words import UNDEFINED, count, percent, strength

if TYPE_CHECKING:
    from penultimate.store import Candidate, Result, ResultStore

WARMEST = 45  # percent of the accent's colour in the best cell: text on it stays easy to read
DIVERGED = "diverged"


@dataclass(frozen=True)
class Square:
    """One cell of the grid; ``warmth`` is a percentage, ``detail`` the steps where they differ."""

    text: str
    detail: str = ""
    warmth: int = 0
    chosen: bool = False


@dataclass(frozen=True)
class Grid:
    """The grid of one run: learning rates across, weight decays down."""

    backbone: str
    rates: list[str]
    rows: list[tuple[str, list[Square]]]
    note: str
    curves: Markup | None


def grids(store: ResultStore, results: Sequence[Result], best: str, task: str) -> list[Grid]:
    """A grid for each run that chose a learning rate, with its curves for the ``best`` backbone.

    Curves of all would make a page of hundreds of runs long to write and heavy to send.
    """
    trained = [result for result in results if "learning_rate" in result.chosen]
    return [_grid(store, r, task, drawn=r.spec.backbone.display == best) for r in trained]


def _grid(store: ResultStore, result: Result, task: str, *, drawn: bool) -> Grid:
    longest: dict[tuple[float, float], Candidate] = {}
    for candidate in result.selection:  # of a search, the longest training of a cell is its last
        settings = candidate.settings
        longest[settings["learning_rate"], settings["weight_decay"]] = candidate
    rates, decays = (sorted({cell[i] for cell in longest}) for i in (0, 1))
    several = len({candidate.settings["steps"] for candidate in result.selection}) > 1
    known = [c.score for c in longest.values() if c.score is not None]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    rows = [
        (
            strength(decay),
            [_square(longest.get((rate, decay)), result, low, high, several) for rate in rates],
        )
        for decay in decays
    ]
    failed = sum(not candidate.converged for candidate in result.selection)
    view = {"whole": "the whole image", "central": "its central 87.5 %"}.get(result.final.view, "")
    note = (
        f"{count(len(result.selection), 'training')} of up to "
        f"{max(c.settings['steps'] for c in result.selection):,.0f} steps"
        + (f", of which {failed} diverged" if failed else "")
        + (f"; test images were seen as {view}" if view else "")
    )
    return Grid(
        backbone=result.spec.backbone.display,
        rates=[strength(rate) for rate in rates],
        rows=rows,
        note=note,
        curves=_curves(store, result, task) if drawn else None,
    )


def _square(
    candidate: Candidate | None, result: Result, low: float, high: float, several: bool
) -> Square:
    if candidate is None:
        return Square(UNDEFINED)
    chosen = candidate.settings == result.chosen
    detail = f"{candidate.settings['steps']:,.0f} steps" if several else ""
    if not candidate.converged:
        return Square(DIVERGED, detail)
    if candidate.score is None:
        return Square(UNDEFINED, detail, chosen=chosen)
    share = (candidate.score - low) / (high - low) if high > low else 1.0
    return Square(percent(candidate.score), detail, round(WARMEST * share), chosen)


def _curves(store: ResultStore, result: Result, task: str) -> Markup | None:
    """Training loss of every cell and of the final fit; None where they are not in the store."""
    parts = []
    try:
        for candidate in (*result.selection, result.final):
            final = candidate is result.final
            loss = store.trainings.curve(candidate.training)["loss"]
            parts.append(
                pd.DataFrame(
                    {
                        "training": candidate.training,
                        "step": range(1, len(loss) + 1),
                        "learning_rate": candidate.settings["learning_rate"],
                        "weight_decay": candidate.settings["weight_decay"],
                        "loss": loss,
                        "validation": math.nan if candidate.loss is None else candidate.loss,
                        "kind": "final"
                        if final
                        else ("chosen" if candidate.settings == result.chosen else "other"),
                    }
                )
            )
    except StoreError:
        return None
    label = (
        f"Training loss against steps, every cell of the grid of {result.spec.backbone.display} "
        f"on {task}; the chosen cell and the final fit stand out"
    )
    return loss_curves(pd.concat(parts), label)
