"""The table of backbones by tasks."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from penultimate.report.findings import Findings
from penultimate.report.words import interval, percent, rate
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
    """One task, under one method and measure."""

    name: str
    detail: str


@dataclass(frozen=True)
class Overview:
    """The table, row by row as ``cells`` under ``columns``."""

    columns: list[Column]
    rows: list[tuple[str, list[Cell]]]
    mean: bool


def overview(findings: Findings) -> Overview:
    """Backbones (rows) by tasks (columns), the mean where a backbone was run on all, and speed."""
    groups = list(findings.ranking.groupby(["method", "task", "measure"]))
    columns = [_column(rows.iloc[0], findings.several_methods) for _, rows in groups]
    mean = len(groups) > 1 and not findings.several_methods
    by_group = [{row["backbone"]: row for _, row in rows.iterrows()} for _, rows in groups]
    table = standing(findings.ranking).set_index("backbone") if mean else None
    rows = []
    for name in findings.backbones:
        cells = [_cell(group[name]) if name in group else Cell("—") for group in by_group]
        if table is not None:
            whole = name in table.index and bool(table.loc[name, "complete"])
            score = float(table["mean_score"][name]) if whole else float("nan")
            cells.append(Cell(percent(score), value=score if whole else None))
        rows.append((name, [*cells, _speed(findings.frame, name)]))
    return Overview(columns, rows, mean)


def _column(row: pd.Series, several_methods: bool) -> Column:
    measure = MEASURE_NAMES[row["measure"]].short
    return Column(row["task"], f"{row['method']}, {measure}" if several_methods else measure)


def _cell(row: pd.Series) -> Cell:
    if pd.isna(row["score"]):
        return Cell("—")
    if pd.isna(row["tied_with_best"]):
        kind = "unknown"
    elif row["comparison"] == BEST or row["rank"] == 1:
        kind = "best"
    else:
        kind = "level" if row["tied_with_best"] else "behind"
    return Cell(
        percent(row["score"]),
        interval(row["ci_low"], row["ci_high"]).replace(" to ", "–"),  # noqa: RUF001
        float(row["score"]),
        kind,
    )


def _speed(frame: pd.DataFrame, name: str) -> Cell:
    """Of the features where there are any: training's speed is another matter."""
    rows = frame[frame["backbone"] == name]
    probed = rows[rows["learning_rate"].isna()]
    speed = float((probed if len(probed) else rows)["images_per_second"].mean())
    return Cell(rate(speed), value=None if pd.isna(speed) else speed)
