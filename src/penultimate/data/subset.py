"""A few training images a class: what section 4.7 of the paper learns from (its figure 9)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from penultimate.data.dataset import Dataset, Labels
from penultimate.data.listing import UNUSED
from penultimate.data.notices import listed
from penultimate.data.splits import divide
from penultimate.errors import DataError

FEWEST = 2  # a class: one image to learn from, one to choose by


def subset(dataset: Dataset, per_class: int, *, draw: int, validation_fraction: float) -> Dataset:
    """The same examples, of which train and validation keep ``per_class`` of each class.

    The others get the part ``unused``; the test part stays as it is. A draw's smaller subset lies
    within its larger one. Validation is held out of the subset, so that no more labels are used
    than it has.

    Parameters
    ----------
    per_class : images of a class in train and validation together; all, where it has fewer.
    draw : seed of which images.
    validation_fraction : of the subset, stratified; images of one group stay together.

    Raises
    ------
    DataError : images have several labels, ``per_class`` is too few, or the subset has no class
        of which two images are no copies of each other.
    """
    if dataset.multi_label:
        raise DataError(
            f"an image of {dataset.name} can have several labels, so that there are no so many of "
            "each class: --per-class is for tasks with one label an image"
        )
    if per_class < FEWEST:
        raise DataError(
            f"{per_class} image of each class leaves none to choose the regularisation by: at "
            f"least {FEWEST}"
        )
    pool = np.flatnonzero(dataset.parts != "test")
    chosen = _first_of_each(dataset.labels, pool, per_class, draw)
    parts = dataset.parts.astype("<U6")
    parts[pool] = UNUSED
    parts[chosen] = divide(
        [dataset.ids[i] for i in chosen],
        dataset.labels[chosen].astype(np.int64),
        dataset.groups[chosen],
        {"train": 1 - validation_fraction, "val": validation_fraction},
        draw,
    )
    if not (parts == "val").any():
        raise DataError(
            f"the subset of {dataset.name} has no image left for validation, because those of each "
            "class are copies of one another: take more, --per-class"
        )
    sizes = Counter(dataset.labels[chosen].tolist())
    small = [dataset.classes[k] for k, size in sorted(sizes.items()) if size < per_class]
    notices = [f"classes with fewer than {per_class} images: {listed(small)}"]
    return replace(
        dataset,
        parts=parts,
        split_source=f"{per_class} a class, draw {draw}, of: {dataset.split_source}",
        notices=(*dataset.notices, *(notices if small else ())),
    )


def _first_of_each(
    labels: Labels, pool: NDArray[np.int64], per_class: int, draw: int
) -> NDArray[np.int64]:
    """The first ``per_class`` of each class in an order drawn at random."""
    rng = np.random.default_rng(draw)
    chosen = [
        rng.permutation(pool[labels[pool] == label])[:per_class]
        for label in np.unique(labels[pool])
    ]
    return np.sort(np.concatenate(chosen))
