"""What measures are called where people read them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MeasureName:
    """A measure in a sentence, above a column, and whether a reader expects it anyway."""

    long: str
    short: str
    usual: bool = False


MEASURE_NAMES = {
    "top-1": MeasureName("top-1 accuracy", "top-1", usual=True),
    "mean-per-class": MeasureName("mean per-class accuracy", "mean per-class"),
    "mean-average-precision": MeasureName("mAP", "mAP"),
}
