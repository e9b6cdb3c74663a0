"""The results of a store as one HTML file that needs nothing else."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from markupsafe import Markup

from penultimate.io import write_atomic
from penultimate.report.figure_frames import one_name
from penultimate.report.findings import Findings
from penultimate.report.page import record
from penultimate.report.page.answer import answers, best_method, by_method, cards, settings_in_short
from penultimate.report.page.calibration import calibrations
from penultimate.report.page.correlation import CorrelationSection, correlation_section
from penultimate.report.page.forest import RankingPanels, ranking_panels
from penultimate.report.page.mistakes import mistakes
from penultimate.report.page.overview import overviews
from penultimate.report.page.shell import Section, Written, breakable, joined, shell
from penultimate.report.page.tasks import task_sections
from penultimate.report.page.tested import first_splits
from penultimate.report.settings import setting_rows
from penultimate.report.summary import caveat
from penultimate.report.words import count, is_random
from penultimate.store import ResultStore

TITLE = "Which network to start from"


def write_report(
    store: ResultStore, output: Path, *, title: str | None = None, written: Written | None = None
) -> Path:
    """Write the report on everything in ``store`` to ``output``, and return its path.

    The page is one file that needs nothing else, see ``shell``.

    Raises
    ------
    StoreError : the store has no finished run, or the file cannot be written.
    """
    page = render(Findings.read(store), title or TITLE, written)
    # A file's name can hold bytes that are no text; they are shown as question marks.
    write_atomic(output, page.encode("utf-8", errors="replace"))
    return output


def render(findings: Findings, title: str, written: Written | None = None) -> str:
    """The page as a string."""
    stages, costs = record.costs(findings)
    settings = setting_rows(findings.settings)
    readings = record.readings(findings)
    tests = first_splits(findings)
    sections = [
        Section("answer"),
        Section("ranking", "Ranking"),
        Section("correlation", "ImageNet accuracy"),
        Section("overview", "Backbones by tasks"),
        Section("tasks", "Task by task"),
        *([Section("settings", "Freeze, fine-tune or train from scratch")] if settings else []),
        *([Section("mistakes", "Classes and mistakes")] if tests else []),
        *([Section("calibration", "Calibration")] if tests else []),
        *([Section("reading", "Skipped and noticed")] if readings else []),
        Section("cost", "Cost"),
        Section("repeat", "How to repeat it"),
    ]
    return shell(
        title,
        sections,
        eyebrow="penultimate report",
        footer="Made with penultimate from a results store; this file needs nothing else.",
        written=written,
        answers=[_emphasised(text, findings.backbones) for text in answers(findings)],
        caveat=caveat(findings.ranking),
        facts=_facts(findings),
        cards=cards(findings, stages, costs),
        superseded=findings.superseded,
        rankings=_rankings(findings),
        uncompared=bool(findings.ranking["tied_with_best"].isna().any()),
        correlation=_correlation(findings),
        overviews=overviews(findings),
        tasks=task_sections(findings),
        settings=settings,
        setting_sentences=settings_in_short(findings.settings),
        several_methods=findings.several_methods,
        emphasised=lambda text: _emphasised(text, findings.backbones),
        mistakes=mistakes(tests),
        calibrations=calibrations(tests),
        readings=readings,
        stages=stages,
        costs=costs,
        splits=record.splits(findings),
        weights=record.weights(findings),
        commands=record.commands(findings),
        environment=record.environment(findings),
        runs=list(_runs(findings)),
    )


def _facts(findings: Findings) -> list[str]:
    """What the answer rests on."""
    frame = findings.frame
    seeds, splits = frame["seed"].nunique(), frame["repeat"].nunique()
    return [
        count(len(findings.backbones), "backbone"),
        count(frame["task"].nunique(), "task"),
        count(int(frame.drop_duplicates("task")["n_test"].sum()), "test image"),
        count(len(frame), "run"),
        *([count(seeds, "seed")] if seeds > 1 else []),
        *([count(splits, "split")] if splits > 1 else []),
    ]


def _correlation(findings: Findings) -> CorrelationSection:
    frame = one_name(findings.ranking)
    if not findings.several_methods:
        frame = frame.assign(method="")
    store = shlex.quote(str(findings.store.root))
    unknown = frame.loc[frame["imagenet_top1"].isna(), "backbone"]
    names = [name for name in dict.fromkeys(unknown) if not is_random(name)]
    return correlation_section(
        frame,
        commands=[
            f"penultimate report {store} --imagenet timm",
            f"penultimate imagenet-accuracy {shlex.join(names)} --store {store}",
        ],
    )


def _rankings(findings: Findings) -> list[RankingPanels]:
    """Of many panels, those of the best method are shown and the others folded away."""
    methods = by_method(findings.ranking)
    shown = best_method(findings) or methods[0][0]
    several = findings.several_methods
    return [
        ranking_panels(
            rows, method if several else "", findings.backbones, fold=several and method != shown
        )
        for method, rows in methods
    ]


def _runs(findings: Findings) -> Iterable[tuple[str, str]]:
    frame = findings.frame.sort_values(["task", "backbone", "method", "seed", "repeat"])
    for row in frame.itertuples():
        split = f"seed {row.seed}" + (f", repeat {row.repeat}" if int(str(row.repeat)) else "")
        yield str(row.run), f"{row.backbone}, {row.task}, {row.method}, {split}"


def _emphasised(text: str, names: Sequence[str]) -> Markup:
    """A sentence with the backbones' names set off; everything in it is escaped."""
    longest_first = sorted(map(re.escape, names), key=len, reverse=True)
    pattern = rf"(?<![\w@.-])({'|'.join(longest_first)})(?![\w@-])"
    parts = re.split(pattern, text)
    return Markup("").join(
        Markup('<b class="name">{}</b>').format(breakable(part)) if i % 2 else joined(part)
        for i, part in enumerate(parts)
    )
