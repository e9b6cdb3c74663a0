"""The page of numbers from elsewhere: the answer, the models, ImageNet's part, the settings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from penultimate.figures.settings_bars import settings_figure
from penultimate.io import write_atomic
from penultimate.report.given.analysis import Analysis, Comparison, SettingAnalysis
from penultimate.report.given.tables import number, signed
from penultimate.report.given.words import CAVEAT, answers
from penultimate.report.page.correlation import correlation_section
from penultimate.report.page.shell import Section, shell
from penultimate.report.page.svg import PAGE, inline_svg
from penultimate.report.words import UNDEFINED, p_value, percent

TITLE = "Which network to start from"


@dataclass(frozen=True)
class Source:
    """Where the numbers come from, for who wants to repeat them.

    ``facts`` are names and values for a list, ``command`` what makes the page again, ``notes`` what
    was found on the way; ``holm`` says whether p-values were corrected.
    """

    file: str
    command: str = ""
    facts: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()
    holm: bool = False


@dataclass(frozen=True)
class Cell:
    """What a cell shows and is sorted by."""

    text: str
    value: float | None
    best: bool = False


@dataclass(frozen=True)
class Models:
    """The models of one setting, best first: against the best, and on each data set."""

    setting: str
    data_sets: list[str]
    rows: list[tuple[str, list[Cell], list[Cell], str]]
    imagenet: bool
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Groups:
    """Correlations within groups of data sets that were asked for, of one setting."""

    setting: str
    rows: list[tuple[str, list[Cell]]]


@dataclass(frozen=True)
class Compared:
    """One setting against another on each data set."""

    title: str
    sentence: str
    rows: list[tuple[str, list[Cell]]]


def write_analysis(
    analysis: Analysis,
    frame: pd.DataFrame,
    output: Path,
    source: Source,
    *,
    groups: Sequence[str] = (),
    title: str | None = None,
    seed: int = 0,
) -> Path:
    """Write the page of an analysis, one file that needs nothing else, and return its path.

    Parameters
    ----------
    frame : of ``tidy``, of the same analysis.
    groups : names of the groups of data sets that were asked for.
    seed : of the bootstrap of the plots' lines and intervals.

    Raises
    ------
    StoreError : the file cannot be written.
    """
    compared = [_compared(found) for found in analysis.comparisons]
    asked = [rows for found in analysis.settings if (rows := _groups(found, groups)).rows]
    known = frame["imagenet_top1"].notna().any()
    sections = [
        Section("given_answer"),
        Section("given_models", "Models"),
        *([Section("correlation", "ImageNet accuracy")] if known else []),
        *([Section("given_groups", "Groups of data sets")] if asked else []),
        *([Section("given_settings", "Settings compared")] if compared else []),
        Section("given_source", "How to repeat it"),
    ]
    page = shell(
        title or TITLE,
        sections,
        eyebrow="penultimate analyse",
        footer="Made with penultimate from a table of accuracies; this file needs nothing else.",
        answers=answers(analysis),
        caveat=CAVEAT,
        facts=_facts(analysis, frame),
        models=[_models(found) for found in analysis.settings],
        correlation=correlation_section(frame, seed=seed) if known else None,
        groups=asked,
        compared=compared,
        figure=_bars(frame) if compared else None,
        source=source,
    )
    write_atomic(output, page.encode("utf-8", errors="replace"))
    return output


def _facts(analysis: Analysis, frame: pd.DataFrame) -> list[tuple[str, str]]:
    facts = [
        ("models", f"{frame['backbone'].nunique()}"),
        ("data sets", f"{frame['task'].nunique()}"),
        ("accuracies", f"{len(frame):,}"),
    ]
    several = len(analysis.settings) > 1
    return [*facts, ("settings", f"{len(analysis.settings)}")] if several else facts


def _models(found: SettingAnalysis) -> Models:
    most = found.accuracy.max()
    imagenet = "imagenet" in found.models
    rows = []
    for place, (name, row) in enumerate(found.models.iterrows()):
        tied = pd.notna(row["tied_with_best"]) and bool(row["tied_with_best"])
        kind = "best" if place == 0 else "level" if tied else "behind"
        verdict = "best" if place == 0 else p_value(row["p_value"])
        p = 1.0 if place == 0 else row["p_value"]
        summary = [
            Cell(percent(row["accuracy"]), _value(row["accuracy"])),
            Cell(signed(row["mean"]), _value(row["mean"])),
            Cell(number(row["standard_error"]), _value(row["standard_error"])),
            Cell(verdict + (", level" if tied and place else ""), _value(p)),
        ]
        if imagenet:
            summary.append(Cell(percent(row["imagenet"]), _value(row["imagenet"])))
        scores = [
            Cell(percent(score), _value(score), best=score == most[str(data_set)])
            for data_set, score in found.accuracy.T[str(name)].items()
        ]
        rows.append((str(name), summary, scores, kind))
    sets = [str(name) for name in found.accuracy.columns]
    return Models(found.setting, sets, rows, imagenet, found.notes)


def _groups(found: SettingAnalysis, names: Sequence[str]) -> Groups:
    rows = []
    if found.correlation is not None:
        for name in names:
            row = found.correlation.T[name]
            cells = [Cell(f"{row['data_sets']:.0f}", float(row["data_sets"]))]
            for key in ("r", "rho"):
                ends = row[f"{key}_low"], row[f"{key}_high"]
                spread = (
                    UNDEFINED if any(map(math.isnan, ends)) else "{:.2f} to {:.2f}".format(*ends)
                )
                cells += [
                    Cell(number(row[key]), _value(row[key])),
                    Cell(spread, None),
                    Cell(p_value(row[f"{key}_p"]), _value(row[f"{key}_p"])),
                ]
            rows.append((name, cells))
    return Groups(found.setting, rows)


def _compared(found: Comparison) -> Compared:
    rows = []
    for name, row in found.table.iterrows():
        whole = [Cell(f"{row[key]:.0f}", _value(row[key])) for key in ("networks", "above")]
        gain, p = row["mean_difference"], row["p_value"]
        rows.append((str(name), [*whole, Cell(signed(gain), gain), Cell(p_value(p), _value(p))]))
    title = f"{found.first} against {found.second}"
    return Compared(title, f"{found.first} is {found.pairs}.", rows)


def _bars(frame: pd.DataFrame) -> Markup:
    label = "Accuracy by data set: a bar a setting, points for the models; the tables have all."
    return inline_svg(settings_figure(frame, palette=PAGE), "settings", label)


def _value(value: float) -> float | None:
    return None if pd.isna(value) else float(value)
