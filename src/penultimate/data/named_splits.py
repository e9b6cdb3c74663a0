"""What the splits of a source that names them mean: train, validation and test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from penultimate.data.dataset import Skipped
from penultimate.data.listing import PART_NAMES
from penultimate.data.notices import listed
from penultimate.data.packed import Named
from penultimate.errors import DataError


def parts_of(names: Iterable[str], source: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """The part that each split is, by its name, and what a person should know of it.

    A lone split is to be divided by us: its part is empty. Where there is no test split, the
    validation split is the test part, as it is customary for such data sets, and validation is
    held out of train. Splits of other names are left out.

    Raises
    ------
    DataError : two splits are one part, or none is train, or none can be scored on.
    """
    splits = sorted(names)
    if not splits:
        raise DataError(f"{source} has no image with a label: there is nothing to learn from it")
    parts = {name: PART_NAMES[name.lower()] for name in splits if name.lower() in PART_NAMES}
    others = [name for name in splits if name not in parts]
    if len(splits) == 1:
        return {splits[0]: ""}, ()
    said: tuple[str, ...] = (f"splits left out: {listed(others)}",) if others else ()
    times = Counter(parts.values())
    twice = [part for part, count in times.items() if count > 1]
    if twice:
        both = [name for name, part in parts.items() if part == twice[0]]
        raise DataError(f"{source} has two splits for {twice[0]}, {listed(both)}: remove one")
    if "train" not in times:
        raise DataError(
            f"{source} has the splits {listed(splits)} and none that is called 'train': rename it, "
            "or leave one split alone to have it divided"
        )
    if len(times) == 1:
        return {next(iter(parts)): ""}, said
    if "test" not in times:
        val = next(name for name, part in parts.items() if part == "val")
        parts[val] = "test"
        said += (
            f"there is no test split: {val!r} is the test part here, and validation is held out of "
            "train",
        )
    return parts, said


def name_rows(
    labels: Mapping[str, Sequence[str | None]], parts: Mapping[str, str]
) -> tuple[list[Named], NDArray[np.int64], tuple[Skipped, ...]]:
    """The labelled rows of the splits in ``parts``, in the order of the splits' names.

    Returns
    -------
    n names with labels and parts; (n, 2) the number of each one's split and row; the rows that
    have no label.
    """
    named, places, skipped = [], [], []
    for number, split in enumerate(sorted(parts)):
        digits = len(str(len(labels[split]) - 1))
        for row, label in enumerate(labels[split]):
            id_ = f"{split}/{row:0{digits}d}"
            if label is None:
                skipped.append(Skipped(id_, "it has no label"))
            else:
                named.append(Named(id_, label, parts[split]))
                places.append((number, row))
    return named, np.array(places, dtype=np.int64).reshape(-1, 2), tuple(skipped)
