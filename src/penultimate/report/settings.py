"""Freeze, fine-tune or train from scratch: the settings of one backbone on one task, compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from penultimate.report.words import interval, listing, p_value, percent
from penultimate.stats import latest, rank
from penultimate.stats.ranking import BEST, Answered, Tests

SWAPPED = {"backbone": "method", "method": "backbone"}


@dataclass(frozen=True)
class SettingRow:
    """One setting of one backbone on one task, against the best of its settings there."""

    task: str
    backbone: str
    method: str
    score: str
    value: float | None
    interval: str
    verdict: str
    p: float | None
    kind: str


def compared_settings(
    frame: pd.DataFrame, predictions: Answered, tests: Tests | None = None
) -> pd.DataFrame:
    """As ``stats.rank``, of the methods of each backbone and task in place of the backbones.

    The test is the same paired one: two networks that saw the same test images. Backbones that one
    method alone was run on are left out, and so are splits that not all of a backbone's methods
    were run on, if there are others: the scores of different splits do not compare. The column
    ``method`` is what is ranked, and ``all_repeats`` counts the splits before some were left out.
    """
    frame = latest(frame)
    cell = [frame[key] for key in ("backbone", "task", "measure")]
    methods = frame.groupby(cell)["method"].transform("nunique")
    here = frame.groupby([*cell, frame["seed"], frame["repeat"]])["method"].transform("nunique")
    whole = here == methods
    kept = (methods > 1) & (whole | ~whole.groupby(cell).transform("any"))
    frame = frame.assign(all_repeats=frame.groupby(cell)["repeat"].transform("nunique"))
    swapped = frame[kept].rename(columns=SWAPPED)
    return rank(swapped, predictions, tests=tests).rename(columns=SWAPPED)


def setting_rows(compared: pd.DataFrame) -> list[SettingRow]:
    """Task by task and backbone by backbone, the best setting first."""
    return [_row(row) for _, rows in _groups(compared) for _, row in rows.iterrows()]


def setting_sentences(compared: pd.DataFrame) -> list[str]:
    """One sentence a backbone and task: which setting is best, and which is not told from it."""
    return [_sentence(rows) for _, rows in _groups(compared)]


def _groups(compared: pd.DataFrame) -> Iterator[tuple[object, pd.DataFrame]]:
    yield from compared.groupby(["task", "backbone", "measure"], sort=True)


def _sentence(rows: pd.DataFrame) -> str:
    best = rows.iloc[0]
    where = f"{best['backbone']} on {best['task']}"
    if best["all_repeats"] > best["repeats"]:
        where += f", on {best['repeats']} of {best['all_repeats']} splits"
    if pd.isna(best["score"]):
        return f"{where}: no setting has a score."
    reached = f"{where}: {best['method']} reaches {percent(best['score'])} %"
    parts = []
    for kind, words in (
        (False, "ahead of {}"),
        (True, "not to be told apart from {}"),
    ):
        found = rows.iloc[1:][rows.iloc[1:]["tied_with_best"].eq(kind).fillna(False)]
        if len(found):
            parts.append(words.format(listing([_against(row) for _, row in found.iterrows()])))
    unknown = rows.iloc[1:][rows.iloc[1:]["tied_with_best"].isna()]
    if len(unknown):
        names = [f"{row['method']} ({row['comparison']})" for _, row in unknown.iterrows()]
        parts.append(f"not compared with {listing(names)}")
    return f"{reached}, {'; '.join(parts)}."


def _against(row: pd.Series) -> str:
    return f"{row['method']} ({percent(row['score'])} %, {p_value(row['p_value'])})"


def _row(row: pd.Series) -> SettingRow:
    best, p = row["comparison"] == BEST, row["p_value"]
    if best:
        verdict, kind = "best", "best"
    elif pd.isna(row["tied_with_best"]):
        verdict, kind = str(row["comparison"]), "unknown"
    else:
        kind = "level" if row["tied_with_best"] else "behind"
        verdict = f"{p_value(p)}, {kind}"
    return SettingRow(
        task=str(row["task"]),
        backbone=str(row["backbone"]),
        method=str(row["method"]),
        score=percent(row["score"]),
        value=None if pd.isna(row["score"]) else float(row["score"]),
        interval=interval(row["ci_low"], row["ci_high"]),
        verdict=verdict,
        p=1.0 if best else None if pd.isna(p) else float(p),
        kind=kind,
    )


def setting_counts(compared: pd.DataFrame) -> tuple[int, dict[str, int]]:
    """How many pairs of backbone and task there are, and by setting, in how many it is level.

    Level is the best of its pair, or what cannot be told apart from it.
    """
    pairs = compared[["backbone", "task", "measure"]].drop_duplicates()
    level = compared["tied_with_best"].fillna(False).astype(bool)
    counts = level.groupby(compared["method"]).sum()
    return len(pairs), {str(method): int(number) for method, number in counts.items()}
