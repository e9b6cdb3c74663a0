"""The page's section on each task: its ranking, its selection curves, what did not converge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd
from markupsafe import Markup

from penultimate.figures.paper import in_order
from penultimate.figures.style import series_style
from penultimate.report.findings import Findings
from penultimate.report.page.curves import selection_curves
from penultimate.report.page.grids import Grid, grids
from penultimate.report.page.svg import swatch
from penultimate.report.summary import GROUP, of_task
from penultimate.report.words import (
    count,
    interval,
    listing,
    p_value,
    percent,
    probability,
    rate,
    strength,
)
from penultimate.stats import MEASURE_NAMES
from penultimate.stats.ranking import BEST

if TYPE_CHECKING:
    from penultimate.store import Result


@dataclass(frozen=True)
class RankRow:
    """One line of a task's ranking."""

    rank: str
    backbone: str
    score: str
    value: float | None
    interval: str
    spread: str
    probability: str
    probability_value: float | None
    verdict: str
    p: float | None
    kind: str
    l2: str
    l2_value: float | None
    rate: str
    rate_value: float | None
    decay: str
    decay_value: float | None
    speed: str
    speed_value: float | None


@dataclass(frozen=True)
class TaskSection:
    """Everything under one task's heading."""

    key: str
    name: str
    method: str
    facts: list[str]
    sentence: str
    seeds: int
    repeats: int
    rows: list[RankRow]
    curve: Markup | None
    legend: list[tuple[Markup, str]]
    curve_note: str
    grids: list[Grid] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def task_sections(findings: Findings) -> list[TaskSection]:
    """A section for each task, measure and method: tasks by name, methods in the paper's order."""
    methods = in_order(findings.ranking["method"])
    groups = sorted(
        findings.ranking.groupby(GROUP),
        key=lambda group: (*map(str, group[0][:2]), methods.index(str(group[0][2]))),
    )
    return [_section(findings, rows, f"task{index}") for index, (_, rows) in enumerate(groups)]


def _section(findings: Findings, rows: pd.DataFrame, key: str) -> TaskSection:
    results = findings.of(rows)
    first = results[0]
    method = str(rows["method"].iloc[0]) if findings.several_methods else ""
    seeds = sorted({result.spec.seed for result in results})
    drawn = selection_frame([r for r in results if r.spec.seed == seeds[0]])
    names = list(dict.fromkeys(drawn["backbone"]))
    task = str(rows["task"].iloc[0])
    return TaskSection(
        key=key,
        name=task,
        method=method,
        facts=_facts(first, int(rows["repeats"].max())),
        sentence=of_task(rows, method),
        seeds=int(rows["seeds"].max()),
        repeats=int(rows["repeats"].max()),
        rows=[_rank_row(row) for _, row in rows.iterrows()],
        curve=selection_curves(drawn, findings.backbones, task) if names else None,
        legend=[(swatch(series_style(findings.backbones.index(name))), name) for name in names],
        curve_note=_curve_note(seeds, int(rows["repeats"].max())),
        grids=grids(
            findings.store,
            [r for r in results if r.spec.seed == seeds[0]],
            str(rows["backbone"].iloc[0]),
            task,
        ),
        problems=_problems([r for r in findings.of(rows, repeats=True) if not r.final.training]),
    )


def _curve_note(seeds: Sequence[int], repeats: int) -> str:
    """Of which runs a figure is, where the table is of more."""
    if repeats > 1:
        return f" Drawn for the first of {repeats} splits."
    return f" Drawn for seed {seeds[0]}, one of {len(seeds)}." if len(seeds) > 1 else ""


def selection_frame(results: Sequence[Result]) -> pd.DataFrame:
    """What ``figures.selection_curve`` draws, of results that select an l2."""
    rows = [
        {
            "backbone": result.spec.backbone.display,
            "l2": candidate.settings["l2"],
            "score": float("nan") if candidate.score is None else candidate.score,
            "n_val": result.n_val,
            "chosen": candidate.settings == result.chosen,
            "converged": candidate.converged,
        }
        for result in results
        for candidate in result.selection
        if "l2" in candidate.settings
    ]
    return pd.DataFrame(rows, columns=["backbone", "l2", "score", "n_val", "chosen", "converged"])


def _facts(result: Result, repeats: int) -> list[str]:
    sizes = (result.n_train, result.n_val, result.n_test)
    return [
        count(len(result.classes), "class", "classes"),
        "{:,} / {:,} / {:,} images to train, validate, test".format(*sizes),
        MEASURE_NAMES[result.measure].long,
        f"split: {result.split_source}" + (f", and {repeats - 1} more" if repeats > 1 else ""),
    ]


def _rank_row(row: pd.Series) -> RankRow:
    verdict, kind = _verdict(row)
    return RankRow(
        rank="—" if pd.isna(row["rank"]) else str(row["rank"]),
        backbone=row["backbone"],
        score=percent(row["score"]),
        value=_number(row["score"]),
        interval=interval(row["ci_low"], row["ci_high"]),
        spread=percent(row["score_sd"]),
        probability=probability(row["probability_best"]),
        probability_value=_number(row["probability_best"]),
        verdict=verdict,
        p=1.0 if row["comparison"] == BEST else _number(row["p_value"]),
        kind=kind,
        l2=strength(row["l2"]),
        l2_value=_number(row["l2"]),
        rate=strength(row["learning_rate"]),
        rate_value=_number(row["learning_rate"]),
        decay=strength(row["weight_decay"]),
        decay_value=_number(row["weight_decay"]),
        speed=rate(row["images_per_second"]),
        speed_value=_number(row["images_per_second"]),
    )


def _verdict(row: pd.Series) -> tuple[str, str]:
    """Against the best, in words, and the class of its row."""
    if row["comparison"] == BEST:
        return "best", "best"
    if pd.isna(row["tied_with_best"]):
        return row["comparison"], "unknown"
    p = p_value(row["p_value"])
    return (f"{p}, level", "level") if row["tied_with_best"] else (f"{p}, behind", "behind")


def _problems(results: Sequence[Result]) -> list[str]:
    """How many fits did not converge and what the solver advises; those of one case together."""
    cases: dict[str, list[str]] = {}
    for result in results:
        failed = [fit for fit in (*result.selection, result.final) if not fit.converged]
        if failed:
            advice = [fit.status.rstrip(".") for fit in failed if fit.status]
            scored = "" if result.final.converged else ", the scored one among them"
            case = f"{count(len(failed), 'fit')} of {len(result.selection) + 1}{scored}"
            text = f"{case} ({'; '.join(dict.fromkeys(advice))})" if advice else case
            cases.setdefault(text, []).append(result.spec.backbone.display)
    return [f"{listing(list(dict.fromkeys(who)), most=8)}: {case}." for case, who in cases.items()]


def _number(value: float) -> float | None:
    return None if pd.isna(value) else float(value)
