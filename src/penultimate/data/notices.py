"""Sentences for a person about what is in a data set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from penultimate.data.dataset import Labels
from penultimate.data.duplicates import Duplicates, join
from penultimate.data.walk import count

MANY = 20  # images in one group of near-duplicates: perhaps a chain of unlike ones


def about_duplicates(found: Duplicates, *, kept: bool) -> list[str]:
    """How many copies there are, and whether they were kept in one part.

    Copies are counted beyond the first: three equal files are two exact duplicates.
    """
    n = len(found.exact)
    alike = _alike(found)
    n_exact = n - len(np.unique(found.exact))
    n_near = n - len(np.unique(alike)) - n_exact
    sizes = np.bincount(alike)
    if n_exact + n_near == 0:
        return []
    groups = int((sizes > 1).sum())
    what = f"{count(n_exact, 'exact duplicate')} and {count(n_near, 'near-duplicate')}"
    said = f"{what} in {count(groups, 'group')}" + (" kept in one part" if kept else " found")
    if n_near and sizes.max() >= MANY:
        said += (
            f"; the largest has {count(int(sizes.max()), 'image')}: if they do not show the same "
            "thing, lower near_duplicate_distance"
        )
    return [said]


def about_labels(ids: Sequence[str], names: Sequence[str], exact: NDArray[np.int64]) -> list[str]:
    """The same content under two labels."""
    rows = _rows(exact)
    odd = [group for group in rows if len({names[i] for i in group}) > 1]
    if not odd:
        return []
    first = odd[0][0]
    other = next(i for i in odd[0] if names[i] != names[first])
    subject = "1 image is" if len(odd) == 1 else f"{len(odd):,} images are"
    return [
        f"{subject} there under different labels, for example {ids[first]!r} as "
        f"{names[first]!r} and {ids[other]!r} as {names[other]!r}: left as labelled"
    ]


def about_leaks(ids: Sequence[str], parts: NDArray[np.str_], found: Duplicates) -> list[str]:
    """Duplicates in two parts of a split that is not ours to change."""
    across = [group for group in _rows(_alike(found)) if len({str(parts[i]) for i in group}) > 1]
    if not across:
        return []
    tested = sum(
        int((parts[group] == "test").sum()) for group in across if (parts[group] == "test").any()
    )
    first = across[0][0]
    other = next(i for i in across[0] if parts[i] != parts[first])
    return [
        f"{count(len(across), 'group')} of duplicates in more than one part of the given split, "
        f"{count(tested, 'test image')} among them, for example {ids[first]!r} in {parts[first]} "
        f"and {ids[other]!r} in {parts[other]}: left as given, so that scores may be too high"
    ]


def about_classes(classes: Sequence[str], labels: Labels, parts: NDArray[np.str_]) -> list[str]:
    """Classes that cannot be learned, selected by or scored."""
    sizes = {
        part: np.bincount(labels[parts == part], minlength=len(classes))
        if labels.ndim == 1
        else (labels[parts == part] == 1).sum(axis=0)
        for part in ("train", "val", "test")
    }
    total = sizes["train"] + sizes["val"] + sizes["test"]
    untrained, unscored = sizes["train"] == 0, sizes["test"] == 0
    said = []
    for which, what in (
        (total == 0, "without an image"),
        (total == 1, "with a single image"),
        (
            untrained & (sizes["val"] == 0) & ~unscored,
            "only in test, where they can only be missed",
        ),
        (untrained & (sizes["val"] > 0), "in val but not in train"),
        (~untrained & unscored & (total > 1), "without a test image, so that they are not scored"),
        (~untrained & ~unscored & (sizes["val"] == 0), "without a val image"),
    ):
        names = [classes[i] for i in np.flatnonzero(which).tolist()]
        if names:
            number = "1 class" if len(names) == 1 else f"{len(names):,} classes"
            said.append(f"{number} {what}: {listed(names)}")
    return said


def listed(names: Iterable[str], most: int = 3) -> str:
    """A few names in quotes, and how many more there are."""
    all_names = list(names)
    shown = ", ".join(repr(name) for name in all_names[:most])
    more = len(all_names) - most
    return f"{shown} and {more:,} more" if more > 0 else shown


def _alike(found: Duplicates) -> NDArray[np.int64]:
    """(n,) components of exact and near-duplicates; groups that a user named do not count."""
    n = len(found.exact)
    first = np.unique(found.exact, return_index=True)[1]
    same = np.column_stack([np.arange(n), first[found.exact]])
    return join(n, np.concatenate([same, found.near]))


def _rows(components: NDArray[np.int64]) -> list[list[int]]:
    """The rows of each component that has more than one."""
    rows: dict[int, list[int]] = defaultdict(list)
    for i, component in enumerate(components.tolist()):
        rows[component].append(i)
    return [group for group in rows.values() if len(group) > 1]
