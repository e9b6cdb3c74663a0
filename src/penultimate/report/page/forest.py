"""The ranking, a panel a task: every backbone's score with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from penultimate.figures.style import log_odds_position, short
from penultimate.report.page.plot import (
    BEHIND,
    LEVEL,
    UNKNOWN,
    Frame,
    Scale,
    axis_below,
    dot,
    drawing,
    path,
    percent_scale,
    titled,
    words,
)
from penultimate.report.words import interval, p_value, percent
from penultimate.stats import MEASURE_NAMES, standing
from penultimate.stats.ranking import BEST

WIDE = Frame(width=520, height=0, size=13, ticks=(8, 0), mark=5)
HALF = Frame(width=420, height=0, size=13, ticks=(5, 0), mark=5)
THIRD = Frame(width=310, height=0, size=12, ticks=(4, 0), mark=4.5)
LETTERS = {520: 34, 420: 29, 310: 20}  # of a name, by the width of the panel
LETTER = 0.56  # of the size: how wide one is, most texts taken
FEW = 3  # panels of a method that are always shown
ROW = 1.65  # of the size


@dataclass(frozen=True)
class RankingPanels:
    """One method's panels, task by task, so many of them in a row; ``folded`` away at first."""

    method: str
    columns: int
    panels: list[tuple[str, Markup]]
    folded: bool = False


def ranking_panels(
    ranking: pd.DataFrame, method: str, names: Sequence[str], *, fold: bool = False
) -> RankingPanels:
    """Backbones in one order, the best over all tasks on top; scores in log odds.

    Parameters
    ----------
    ranking : of ``penultimate.stats.rank``, of one method.
    method : as it is shown; empty where there is but one.
    names : every backbone of the page, for points of one to be lit together.
    fold : fold many panels away.
    """
    order = list(standing(ranking)["backbone"])
    groups = list(ranking.dropna(subset="score").groupby(["task", "measure"]))
    frame = {1: WIDE, 2: HALF}.get(len(groups), THIRD)
    panels = [
        (str(rows["task"].iloc[0]), _panel(rows, method, order, names, frame)) for _, rows in groups
    ]
    return RankingPanels(method, min(3, len(groups)), panels, fold and len(panels) > FEW)


def _panel(
    rows: pd.DataFrame, method: str, order: list[str], names: Sequence[str], frame: Frame
) -> Markup:
    rows = rows.assign(
        x=log_odds_position(rows["score"], rows["n_test"]),
        low=log_odds_position(rows["ci_low"], rows["n_test"]),
        high=log_odds_position(rows["ci_high"], rows["n_test"]),
    )
    shown = [short(name, LETTERS[round(frame.width)]) for name in order]
    size, step = frame.size, ROW * frame.size
    left = max(map(len, shown)) * LETTER * size + 0.9 * size
    bottom = 0.3 * size + step * len(order)
    x = percent_scale([*rows["x"], *rows["low"], *rows["high"]], frame.ticks[0])
    x.span(left, frame.width - 1.2 * size)
    y = Scale(0, 1, ()).span(bottom, 0.3 * size)
    measure = MEASURE_NAMES[str(rows["measure"].iloc[0])].long
    places = {name: 0.3 * size + step * (i + 0.5) for i, name in enumerate(order)}
    behind = axis_below(x, y, size, f"{measure}, %")
    for name, text in zip(order, shown, strict=True):
        behind.append(words("who end", left - 0.6 * size, places[name] + 0.35 * size, text))
    task = str(rows["task"].iloc[0])
    records = {str(row["backbone"]): row for row in rows.to_dict("records")}
    marks = Markup("").join(
        _mark(records[name], task, names.index(name), x, places[name], frame.mark)
        for name in order
        if name in records
    )
    label = f"Scores on {task}" + (f" with {method}" if method else "") + " with 95 % intervals"
    return drawing(frame.width, bottom + 3 * size, size, label, behind, marks)


def _mark(row: dict[Any, Any], task: str, of: int, x: Scale, y: float, size: float) -> Markup:
    kind, verdict = _standing(row)
    spread = interval(float(row["ci_low"]), float(row["ci_high"]))
    text = f"{row['backbone']}\n{task} {percent(float(row['score']))} % ({spread})\n{verdict}"
    low, high = float(row["low"]), float(row["high"])
    bar = Markup("")
    if math.isfinite(low + high):
        bar = path("error", f"M{x.at(low):g} {y:g}H{x.at(high):g}")
    return titled(bar + dot(kind, x.at(float(row["x"])), y, size), of, text, f"plain {kind}")


def _standing(row: dict[Any, Any]) -> tuple[str, str]:
    """The class of a mark, and against the best in words."""
    if row["comparison"] == BEST:
        return LEVEL, "the best"
    if pd.isna(row["tied_with_best"]):
        return UNKNOWN, f"not compared with the best: {row['comparison']}"
    p = p_value(float(row["p_value"]))
    if row["tied_with_best"]:
        return LEVEL, f"cannot be told apart from the best ({p})"
    return BEHIND, f"behind the best ({p})"
