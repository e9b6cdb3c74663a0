"""Which classes are hard, which are confused, and which images most networks get wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from penultimate.report.page.tested import Tested
from penultimate.report.words import count, interval, percent
from penultimate.stats import (
    class_accuracy,
    class_precision,
    confusion_pairs,
    mean_class_accuracy,
    most_often_wrong,
)

if TYPE_CHECKING:
    from penultimate.store import Result, Thumbnail

MOST_PAIRS = 12
MOST_IMAGES = 24
MOST_CLASSES = 1000  # rows of a table; of more, the hardest
THUMBNAILS = 3 * 2**20  # characters of all thumbnails of a page
TINY = 48  # pixels: thumbnails up to here are shown as squares of colour


@dataclass(frozen=True)
class ClassCell:
    """One number of one class."""

    text: str
    value: float | None
    detail: str = ""


@dataclass(frozen=True)
class ClassTable:
    """Classes, the hardest first; ``columns`` are names and what stands below them."""

    columns: list[tuple[str, str]]
    rows: list[tuple[str, int, list[ClassCell]]]
    total: int


@dataclass(frozen=True)
class Pairs:
    """What the best backbone of a method confuses: label, prediction, how often, of how many."""

    method: str
    backbone: str
    rows: list[tuple[str, str, int, str, float]]
    total: int
    errors: int


@dataclass(frozen=True)
class WrongImage:
    """An image that networks got wrong; ``uri`` is its thumbnail, if there is one."""

    name: str
    label: str
    said: str
    said_by: int
    wrong: int
    uri: str = ""
    tiny: bool = False


@dataclass(frozen=True)
class Mistakes:
    """Everything under one task's heading."""

    task: str
    several_labels: bool
    note: str
    sentence: str
    table: ClassTable
    pairs: list[Pairs]
    images: list[WrongImage]
    networks: int
    wrong_images: int
    pictured: int


def mistakes(tests: Sequence[Tested]) -> list[Mistakes]:
    """A section for each task; thumbnails share what the page has room for."""
    return [_mistakes(one, THUMBNAILS // len(tests)) for one in tests]


def _mistakes(tests: Tested, room: int) -> Mistakes:
    runs = [tests.predictions(result) for result in tests.counted]
    wrong = most_often_wrong(runs, tests.classes)
    images = _images(tests, wrong.head(MOST_IMAGES), room)
    return Mistakes(
        task=tests.task,
        several_labels=tests.several_labels,
        note=tests.note,
        sentence=_sentence(wrong, len(runs), len(runs[0])),
        table=_table(tests),
        pairs=[] if tests.several_labels else [_pairs(tests, *best) for best in tests.best.items()],
        images=images,
        networks=len(runs),
        wrong_images=len(wrong),
        pictured=sum(bool(image.uri) for image in images),
    )


def _sentence(wrong: pd.DataFrame, networks: int, n: int) -> str:
    by_all = int((wrong["wrong"] == networks).sum())
    if networks == 1:
        return f"The one network gets {count(by_all, 'test image')} of {n:,} wrong."
    return (
        f"Of {count(n, 'test image')}, {by_all:,} {'is' if by_all == 1 else 'are'} got wrong by "
        f"all {networks} networks, and {n - len(wrong):,} by none."
    )


def _table(tests: Tested) -> ClassTable:
    columns, cells, means = [], [], []
    frame = pd.DataFrame()
    for method, best in tests.best.items():
        frame = _by_class(tests, best)
        columns.append((method, f"best: {best.spec.backbone.display}"))
        cells.append(_cells(frame))
        means.append(frame["value"].to_numpy())
        others = [r for r in tests.counted if tests.method(r) == method]
        if len(others) > 1:
            mean = mean_class_accuracy([tests.predictions(r) for r in others], tests.classes)
            columns.append((method, f"mean of {len(others)} networks"))
            cells.append([ClassCell(percent(v), _number(v)) for v in mean])
            means[-1] = mean
    hardness = np.mean(means, axis=0)
    order = np.argsort(hardness, kind="stable")  # undefined last
    classes = frame["class"].tolist()
    n = frame["n"].tolist()
    rows = [(classes[k], n[k], [column[k] for column in cells]) for k in order[:MOST_CLASSES]]
    return ClassTable(columns, rows, len(classes))


def _by_class(tests: Tested, result: Result) -> pd.DataFrame:
    """``class, n, value`` and, where it has one, the interval."""
    predictions = tests.predictions(result)
    if tests.several_labels:
        found = class_precision(predictions, tests.classes)
        return found.rename(columns={"average_precision": "value"})
    return class_accuracy(predictions, tests.classes).rename(columns={"accuracy": "value"})


def _cells(frame: pd.DataFrame) -> list[ClassCell]:
    values = frame["value"].tolist()
    if "ci_low" not in frame:
        return [ClassCell(percent(v), _number(v)) for v in values]
    ends = zip(frame["ci_low"].tolist(), frame["ci_high"].tolist(), strict=True)
    return [
        ClassCell(percent(v), _number(v), "" if math.isnan(v) else _short(low, high))
        for v, (low, high) in zip(values, ends, strict=True)
    ]


def _short(low: float, high: float) -> str:
    return interval(low, high).replace(" to ", "–")  # noqa: RUF001


def _number(value: float) -> float | None:
    """As much of it as sorting needs."""
    return None if math.isnan(value) else round(float(value), 4)


def _pairs(tests: Tested, method: str, best: Result) -> Pairs:
    pairs = confusion_pairs(tests.predictions(best), tests.classes)
    columns = (pairs[name].head(MOST_PAIRS) for name in ("label", "predicted", "count", "share"))
    rows = [
        (label, predicted, int(times), f"{percent(share)} %", round(float(share), 4))
        for label, predicted, times, share in zip(*columns, strict=True)
    ]
    return Pairs(
        method=method,
        backbone=best.spec.backbone.display,
        rows=rows,
        total=len(pairs),
        errors=int(pairs["count"].sum()),
    )


def _images(tests: Tested, wrong: pd.DataFrame, room: int) -> list[WrongImage]:
    store = tests.findings.store
    kept = store.thumbnails.read(tests.fingerprint, wrong["example_id"].tolist())
    columns = ("example_id", "label", "said", "said_by", "wrong")
    images = []
    for name, label, said, said_by, times in zip(*(wrong[c] for c in columns), strict=True):
        thumbnail: Thumbnail | None = kept.get(name)
        uri = "" if thumbnail is None else thumbnail.uri
        if len(uri) > room:
            uri = ""
        room -= len(uri)
        images.append(
            WrongImage(
                name=name,
                label=label or "nothing",
                said=said,
                said_by=int(said_by),
                wrong=int(times),
                uri=uri,
                tiny=thumbnail is not None and max(thumbnail.width, thumbnail.height) <= TINY,
            )
        )
    return images
