"""The table of backbones by tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from penultimate.report.findings import Findings
from penultimate.report.page.answer import by_method
from penultimate.report.words import interval, percent, probability, rate
from penultimate.stats import MEASURE_NAMES, standing
from penultimate.stats.ranking import BEST


@dataclass(frozen=True)
class Cell:
    """One score; ``value`` is what the column is sorted by, ``kind`` how it stands."""

    text: str
    detail: str = ""
    value: float | None = None
    kind: str = ""


@dataclass(frozen=True)
class Column:
    """One task, under one measure."""

    name: str
    detail: str


@dataclass(frozen=True)
class Overview:
    """One method's table, row by row as ``cells`` under ``columns``; ``method`` where several."""

    method: str
    columns: list[Column]
    rows: list[tuple[str, list[Cell]]]
    mean: bool
    repeats: bool


def overviews(findings: Findings) -> list[Overview]:
    """Backbones (rows) by tasks (columns), a table a method.

    With the mean where a backbone was run on all tasks, and with its speed.
    """
    return [
        _overview(findings, rows, method if findings.several_methods else "")
        for method, rows in by_method(findings.ranking)
    ]


def _overview(findings: Findings, ranking: pd.DataFrame, method: str) -> Overview:
    groups = list(ranking.groupby(["task", "measure"]))
    columns = [Column(str(rows["task"].iloc[0]), _detail(rows)) for _, rows in groups]
    mean = len(groups) > 1
    by_group = [{row["backbone"]: row for row in rows.to_dict("records")} for _, rows in groups]
    table = standing(ranking).set_index("backbone") if mean else None
    run = set(ranking["backbone"])
    of_method = findings.frame[findings.frame["method"].isin(ranking["method"])]
    rows = []
    for name in (name for name in findings.backbones if name in run):
        cells = [_cell(group[name]) if name in group else Cell("—") for group in by_group]
        if table is not None:
            whole = name in table.index and bool(table.loc[name, "complete"])
            score = float(table["mean_score"][name]) if whole else float("nan")
            cells.append(Cell(percent(score), value=score if whole else None))
        rows.append((name, [*cells, _speed(of_method, name)]))
    return Overview(method, columns, rows, mean, bool((ranking["repeats"] > 1).any()))


def _detail(rows: pd.DataFrame) -> str:
    """What a column's numbers are, and over how many splits."""
    repeats = int(rows["repeats"].max())
    measure = MEASURE_NAMES[str(rows["measure"].iloc[0])].short
    return measure + (f", {repeats} splits" if repeats > 1 else "")


def _cell(row: dict[Any, Any]) -> Cell:
    if pd.isna(row["score"]):
        return Cell("—")
    if pd.isna(row["tied_with_best"]):
        kind = "unknown"
    elif row["comparison"] == BEST or row["rank"] == 1:
        kind = "best"
    else:
        kind = "level" if row["tied_with_best"] else "behind"
    p = row["probability_best"]
    chance = "" if pd.isna(p) else f", P {probability(p)}"
    return Cell(
        percent(row["score"]),
        interval(row["ci_low"], row["ci_high"]).replace(" to ", "–") + chance,  # noqa: RUF001
        float(row["score"]),
        kind,
    )


def _speed(frame: pd.DataFrame, name: str) -> Cell:
    speed = float(frame.loc[frame["backbone"] == name, "images_per_second"].mean())
    return Cell(rate(speed), value=None if pd.isna(speed) else speed)
