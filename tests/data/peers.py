"""Comparing with torchvision's readers, so that our tree and our reader are not wrong alike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from penultimate.data import Dataset

Seen = list[tuple[str, bytes, str]]  # part, pixels, label: sorted, so that order is of no account


def ours(data: Dataset) -> Seen:
    """Every example of a data set; val counts as train where it was held out of it."""
    held_out = "val is" in data.split_source
    return sorted(
        (
            "train" if held_out and part == "val" else str(part),
            np.asarray(data.image(i)).tobytes(),
            data.classes[data.labels[i]],
        )
        for i, part in enumerate(data.parts)
    )


def theirs(parts: dict[str, Iterable[Any]], classes: list[str] | None = None) -> Seen:
    """Every example of torchvision's data sets, by the part that each is."""
    return sorted(
        (part, np.asarray(image.convert("RGB")).tobytes(), (classes or dataset.classes)[label])
        for part, dataset in parts.items()
        for image, label in dataset
    )
