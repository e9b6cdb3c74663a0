"""Dividing what a source gave, and saying what was found on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from penultimate.data.dataset import PARTS, Dataset, Labels
from penultimate.data.duplicates import find_duplicates
from penultimate.data.examples import Examples
from penultimate.data.labels import SEVERAL, encode
from penultimate.data.notices import about_classes, about_duplicates, about_labels, about_leaks
from penultimate.data.splits import divide, seed_of_repeat
from penultimate.data.splits_of_several import divide_several
from penultimate.errors import DataError
from penultimate.spec import Task


def assemble(task: Task, examples: Examples, seed: int, repeat: int = 0) -> Dataset:
    """Sort by id, find duplicates, divide where the source has not, and make the data set.

    Parameters
    ----------
    seed, repeat : of what is drawn; where the test part is given, ``repeat`` changes nothing.

    Raises
    ------
    DataError : there is one class only, a part would have no example, or a setting does not fit
        the kind of labels.
    """
    order = np.array(sorted(range(len(examples.ids)), key=examples.ids.__getitem__), dtype=np.int64)
    ids = tuple(examples.ids[i] for i in order)
    digests = tuple(examples.digests[i] for i in order)
    encoded = encode(task, examples, order)
    classes, labels = encoded.classes, encoded.labels
    duplicates = find_duplicates(
        digests,
        None if examples.hashes is None else [examples.hashes[i] for i in order],
        None if examples.groups is None else [examples.groups[i] for i in order],
        task.near_duplicate_distance,
        keep_exact=task.keep_together,
    )
    given = None if examples.parts is None else np.array(examples.parts, dtype=np.str_)[order]
    if given is None:
        parts, split_source = _drawn(task, ids, labels, duplicates.groups, seed, repeat)
    else:
        parts, split_source = _given(
            task, ids, labels, duplicates.groups, given, examples.split_source, seed
        )
    _refuse_empty(task, parts, labels, given is not None)
    return Dataset(
        name=task.display,
        classes=classes,
        ids=ids,
        labels=labels,
        digests=digests,
        parts=parts,
        groups=duplicates.groups,
        measure=task.measure or examples.measure or (SEVERAL if labels.ndim == 2 else "top-1"),
        split_source=split_source,
        skipped=examples.skipped,
        notices=(
            *examples.notices,
            *encoded.notices,
            *about_duplicates(duplicates, kept=task.keep_together and given is None),
            *about_labels(ids, encoded.names, duplicates.exact),
            *(about_leaks(ids, parts, duplicates) if given is not None else ()),
            *about_classes(classes, labels, parts),
        ),
        images=None if examples.images is None else examples.images.select(order),
        drawn=given is None,
    )


def divided_anew(task: Task, dataset: Dataset, seed: int, repeat: int) -> Dataset:
    """The same examples as another seed or repeat divides them; nothing is read again.

    Parameters
    ----------
    dataset : of ``task``, with a test part that was drawn (``dataset.drawn``).

    Raises
    ------
    DataError : a part would have no example.
    """
    parts, split_source = _drawn(task, dataset.ids, dataset.labels, dataset.groups, seed, repeat)
    _refuse_empty(task, parts, dataset.labels, False)
    # What is said of classes depends on the parts, and stands last.
    old = about_classes(dataset.classes, dataset.labels, dataset.parts)
    rest = dataset.notices[: len(dataset.notices) - len(old)]
    return replace(
        dataset,
        parts=parts,
        split_source=split_source,
        notices=(*rest, *about_classes(dataset.classes, dataset.labels, parts)),
    )


def _drawn(
    task: Task,
    ids: tuple[str, ...],
    labels: Labels,
    groups: NDArray[np.int64],
    seed: int,
    repeat: int,
) -> tuple[NDArray[np.str_], str]:
    """All three parts, and what made them."""
    fractions = dict(zip(PARTS, task.fractions, strict=True))
    sizes = "/".join(f"{100 * fraction:g}" for fraction in task.fractions)
    which = f"seed {seed}, repeat {repeat}" if repeat else f"seed {seed}"
    # The first split is what it was before there were repeats; the others must differ also where
    # duplicates, groups or many labels leave the first little choice.
    by_chance = repeat > 0
    parts = _divide(ids, labels, groups, fractions, seed_of_repeat(seed, repeat), by_chance)
    return parts, f"{which}, {sizes}, stratified"


def _given(
    task: Task,
    ids: tuple[str, ...],
    labels: Labels,
    groups: NDArray[np.int64],
    given: NDArray[np.str_],
    given_by: str,
    seed: int,
) -> tuple[NDArray[np.str_], str]:
    """The source's parts, validation held out of train where it has none; and what made them."""
    parts = given.astype("<U5")
    if (parts == "val").any() or not (parts == "train").any():
        return parts, given_by
    held_out = task.validation_fraction
    train = np.flatnonzero(parts == "train")
    parts[train] = _divide(
        [ids[i] for i in train],
        labels[train],
        groups[train],
        {"train": 1 - held_out, "val": held_out},
        seed,
    )
    return parts, f"{given_by}; val is {100 * held_out:g} % of train, seed {seed}, stratified"


def _divide(
    ids: Sequence[str],
    labels: Labels,
    groups: NDArray[np.int64],
    fractions: dict[str, float],
    seed: int,
    by_chance: bool = False,
) -> NDArray[np.str_]:
    if labels.ndim == 2:
        return divide_several(ids, labels == 1, groups, fractions, seed, by_chance=by_chance)
    return divide(ids, labels.astype(np.int64), groups, fractions, seed, by_chance=by_chance)


def _refuse_empty(task: Task, parts: NDArray[np.str_], labels: Labels, given: bool) -> None:
    sizes = Counter(parts.tolist())
    for part in PARTS:
        if not sizes[part]:
            remedy = (
                f"add images to its {part} part, or have them divided anew by leaving the split out"
                if given
                else "add images; a class needs three that are no duplicates of each other to be "
                "in every part"
            )
            raise DataError(f"the task {task.display!r} has no image left in {part}: {remedy}")
    train = labels[parts == "train"]
    if train.ndim == 2:
        if not ((train == 1).any(axis=0) & (train == 0).any(axis=0)).any():
            raise DataError(
                f"the task {task.display!r} has in train no class that some images have and "
                "others have not, so that there is nothing to learn: add images"
            )
    elif len(np.unique(train)) < 2:
        raise DataError(
            f"the task {task.display!r} has images of only one class in train, so that there is "
            "nothing to learn: add images of another class"
        )
