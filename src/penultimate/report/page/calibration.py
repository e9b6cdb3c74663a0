"""Whether networks are as often right as they say, in a table and a diagram a task."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
from markupsafe import Markup

from penultimate.figures.style import series_style
from penultimate.report.page.reliability import Series, diagram
from penultimate.report.page.svg import swatch
from penultimate.report.page.tested import Tested
from penultimate.report.words import UNDEFINED, interval, p_value, percent
from penultimate.stats import Calibration, calibration, confidence_of, reliability
from penultimate.stats.answers import SIGNIFICANCE

if TYPE_CHECKING:
    from penultimate.store import Result

MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class CalibrationRow:
    """One network: texts, and the values that their columns are sorted by.

    ``ends`` are of the interval of how much too sure it is.
    """

    backbone: str
    method: str
    texts: list[str]
    ends: str
    values: list[float | None]
    verdict: str
    p: float | None


@dataclass(frozen=True)
class Bins:
    """The numbers of one network's diagram."""

    name: str
    rows: list[tuple[str, int, str, str, str]]


@dataclass(frozen=True)
class Calibrations:
    """Everything under one task's heading; the best backbone of each method is drawn."""

    task: str
    several_labels: bool
    note: str
    sentences: list[str]
    rows: list[CalibrationRow]
    figure: Markup
    legend: list[tuple[Markup, str]]
    bins: list[Bins]


def calibrations(tests: Sequence[Tested]) -> list[Calibrations]:
    """A section for each task."""
    return [_calibrations(one, place) for place, one in enumerate(tests)]


def _calibrations(tests: Tested, place: int) -> Calibrations:
    draws = 0 if tests.several_labels else None
    found = {result.digest: _of(tests, result, draws) for result in tests.results}
    several = len(tests.best) > 1
    series, sentences, bins = [], [], []
    for index, (method, best) in enumerate(tests.best.items()):
        name = best.spec.backbone.display + (f" with {method}" if several else "")
        table = reliability(*confidence_of(tests.predictions(best)))
        series.append(Series(name, series_style(index), table))
        sentences.append(sentence(name, found[best.digest], decisions=tests.several_labels))
        bins.append(Bins(name, _bins(table)))
    label = f"Reliability diagram of {tests.task}: accuracy against confidence. "
    return Calibrations(
        task=tests.task,
        several_labels=tests.several_labels,
        note=tests.note,
        sentences=sentences,
        rows=[_row(result, tests.method(result), found[result.digest]) for result in tests.results],
        figure=diagram(series, label + " ".join(sentences), place),
        legend=[(swatch(one.style), one.name) for one in series],
        bins=bins,
    )


def _of(tests: Tested, result: Result, draws: int | None) -> Calibration:
    answers = confidence_of(tests.predictions(result))
    return calibration(*answers) if draws is None else calibration(*answers, draws=draws)


def sentence(name: str, found: Calibration, *, decisions: bool) -> str:
    """How far one network is from as right as it says."""
    if math.isnan(found.ece):
        return f"{name} has no confidences to look at."
    what = "decisions" if decisions else "answers"
    text = (
        f"{name} is {percent(found.confidence)} % sure on average, and {percent(found.accuracy)} % "
        f"of its {what} are right"
    )
    error = f"Its expected calibration error is {percent(found.ece)} points"
    if math.isnan(found.p_value):
        return f"{text}. {error}."
    chance = f"the {percent(found.by_chance)} that chance makes of a calibrated network"
    compared = "against" if found.p_value <= SIGNIFICANCE else "not more than"
    return f"{text}{_tendency(found)}. {error}, {compared} {chance} ({p_value(found.p_value)})."


def _tendency(found: Calibration) -> str:
    """Whether it is too sure or not sure enough, where the interval says so."""
    low, high = found.gap_interval
    if low > 0:
        return f": it is too sure (by {interval(low, high)} points)"
    if high < 0:
        return f": it is not sure enough (by {interval(-high, -low)} points)"
    return ""


def _row(result: Result, method: str, found: Calibration) -> CalibrationRow:
    known = not math.isnan(found.p_value)
    verdict = p_value(found.p_value) if known else UNDEFINED
    if known:
        verdict += ", more" if found.p_value <= SIGNIFICANCE else ", no more"
    shares = (found.accuracy, found.confidence, found.ece, found.by_chance)
    texts = [percent(share) for share in shares]
    values = [_number(share) for share in shares]
    return CalibrationRow(
        backbone=result.spec.backbone.display,
        method=method,
        texts=[*texts[:2], signed(found.gap), *texts[2:]],
        ends="" if not known else " to ".join(signed(end) for end in found.gap_interval),
        values=[*values[:2], _number(found.gap), *values[2:]],
        verdict=verdict,
        p=_number(found.p_value),
    )


def signed(points: float) -> str:
    """A difference of two fractions in percentage points: ``+1.2``, ``−0.4``."""  # noqa: RUF002
    if math.isnan(points):
        return UNDEFINED
    text = f"{100 * points:+.1f}"
    return text.replace("-", MINUS)


def _bins(table: pd.DataFrame) -> list[tuple[str, int, str, str, str]]:
    filled = table[table["n"] > 0]
    return [
        (
            interval(row["low"], row["high"]),
            int(row["n"]),
            percent(row["confidence"]),
            percent(row["accuracy"]),
            interval(row["ci_low"], row["ci_high"]),
        )
        for _, row in filled.iterrows()
    ]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 4)
