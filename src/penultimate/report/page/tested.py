"""The runs of a task that saw the same test images: what mistakes and calibration are told of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from penultimate.errors import StoreError
from penultimate.report.findings import Findings
from penultimate.report.words import count
from penultimate.stats.by_class import coded, decided
from penultimate.stats.calibration import ROUNDING
from penultimate.store import Result, without_floor


@dataclass(frozen=True)
class Tested:
    """One split of one task: the first seed's, and the first of its repeats.

    Parameters
    ----------
    results : by method, and within it in the page's order; all saw the same test images.
    methods : of each result, by its digest.
    best : the backbone with the best score, by method.
    note : which split it is, and what is left out; empty where there is nothing to say.
    """

    findings: Findings
    task: str
    measure: str
    results: list[Result]
    methods: dict[str, str]
    best: dict[str, Result]
    note: str

    @property
    def several_labels(self) -> bool:
        """Whether an image can have several labels."""
        return "label" not in self.predictions(self.results[0])

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of all classes."""
        return self.results[0].classes

    @property
    def fingerprint(self) -> str:
        """Of the data."""
        return self.results[0].run.data

    @cached_property
    def counted(self) -> list[Result]:
        """Without the floor, networks with random weights, where there are others."""
        return without_floor(self.results)

    def predictions(self, result: Result) -> pd.DataFrame:
        """What a run said of each test image."""
        return self.findings.predictions(result.digest)

    def method(self, result: Result) -> str:
        """As the page calls it."""
        return self.methods[result.digest]


def first_splits(findings: Findings) -> list[Tested]:
    """Of each task and measure that has predictions, in the order of their names."""
    found = []
    for (task, measure), rows in findings.frame.groupby(["task", "measure"]):
        one = _tested(findings, str(task), str(measure), rows)
        if one is not None:
            found.append(one)
    return found


def _tested(findings: Findings, task: str, measure: str, rows: pd.DataFrame) -> Tested | None:
    of_split, which = _first_split(rows)
    results = [findings.results[digest] for digest in of_split["run"]]
    readable = [result for result in results if _readable(findings, result)]
    if not readable:
        return None
    # Of images that have changed since the first runs, those count that most runs saw.
    data = Counter(result.run.data for result in readable).most_common(1)[0][0]
    same = [result for result in readable if result.run.data == data]
    place = {name: i for i, name in enumerate(findings.backbones)}
    methods = dict(zip(of_split["run"], of_split["method"], strict=True))
    same.sort(key=lambda r: (methods[r.digest], place[r.spec.backbone.display]))
    notes = [which] if which else []
    if unread := len(results) - len(readable):
        notes.append(f"The predictions of {count(unread, 'run')} cannot be read.")
    if other := len(readable) - len(same):
        notes.append(f"Left out: {count(other, 'run')} on other test images.")
    ranking = findings.ranking
    ranked = ranking[(ranking["task"] == task) & (ranking["measure"] == measure)]
    best = _best(ranked, {(methods[r.digest], r.spec.backbone.display): r for r in same})
    return Tested(findings, task, measure, same, methods, best, " ".join(notes))


def _first_split(rows: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The rows of the first seed and of its first repeat, and how to say that there are others."""
    words = []
    for column in ("seed", "repeat"):
        if column not in rows:
            continue
        first, several = rows[column].min(), rows[column].nunique() > 1
        if several:
            words.append(f"{column} {first}, one of {rows[column].nunique()}")
            rows = rows[rows[column] == first]
    return rows, f"Of {' and '.join(words)}." if words else ""


def _readable(findings: Findings, result: Result) -> bool:
    """Whether predictions are there, and are of this result's classes with probabilities."""
    try:
        found = findings.predictions(result.digest)
        if "label" not in found:
            return not np.isnan(decided(found, result.classes)[2]).any()
        coded(found, result.classes)
        p = found[["p_predicted", "p_label"]].to_numpy(dtype=np.float64)
        return not ((p < -ROUNDING) | (p > 1 + ROUNDING)).any()
    except (StoreError, ValueError, KeyError):
        return False


def _best(ranked: pd.DataFrame, by_cell: Mapping[tuple[str, str], Result]) -> dict[str, Result]:
    """The best backbone of each method; ``ranked`` has the best first."""
    best: dict[str, Result] = {}
    for method, backbone in zip(ranked["method"], ranked["backbone"], strict=True):
        if (method, backbone) in by_cell:
            best.setdefault(method, by_cell[method, backbone])
    return best
