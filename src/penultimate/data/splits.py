"""Dividing examples into parts: stratified by class, seeded, groups kept whole."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# The order in which a class too small for every part gets one: something to learn from, then
# something to be scored on, then something to select by.
NEED = ("train", "test", "val")


def divide(
    ids: Sequence[str],
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    fractions: dict[str, float],
    seed: int,
) -> NDArray[np.str_]:
    """Give each example a part.

    The result depends on the set of examples and the seed, not on the order they come in, nor
    on the numbers that stand for groups. A class with as many groups as there are parts or more
    is in every part; one with fewer fills them in the order of ``NEED``. Beyond that each part
    gets its fraction of the class, to within one example where groups are single examples, and
    as nearly as whole groups allow where they are not.

    Parameters
    ----------
    ids : (n,) unique names.
    labels : (n,) classes.
    groups : (n,) examples with equal numbers get the same part; a group may span classes.
    fractions : of each part; they sum to 1.
    seed : of the random choice.

    Returns
    -------
    (n,) names of parts.
    """
    names = tuple(fractions)
    if len(ids) == 0:
        return np.empty(0, dtype=np.str_)
    order = np.array(sorted(range(len(ids)), key=ids.__getitem__), dtype=np.int64)
    members = _groups(groups[order])
    counts = [_count(labels[order][rows]) for rows in members]
    random = np.random.default_rng(seed)

    sizes = _count(labels)
    n_groups: dict[int, int] = dict.fromkeys(sizes, 0)
    for count in counts:
        for label in count:
            n_groups[label] += 1
    share = np.array([fractions[name] for name in names])
    target = {label: _round(share * sizes[label], random) for label in sorted(sizes)}
    have = {label: np.zeros(len(names)) for label in sizes}
    needed = {label: _needed(names, n_groups[label]) for label in sizes}
    left = dict(n_groups)

    chosen = np.empty(len(members), dtype=np.int64)
    for i in _largest_first(counts, random):
        missing = np.sum([n * (target[c] - have[c]) for c, n in counts[i].items()], axis=0)
        # Where a class has only as many groups left as parts that still need one of it, its
        # next group goes to one of those parts.
        allowed = np.zeros(len(names), dtype=bool)
        for c in counts[i]:
            empty = needed[c] & (have[c] == 0)
            if left[c] <= empty.sum():
                allowed |= empty
        if not allowed.any():
            allowed[:] = True
        part = int(np.argmax(np.where(allowed, missing, -np.inf)))
        chosen[i] = part
        for c, n in counts[i].items():
            have[c][part] += n
            left[c] -= 1

    parts = np.empty(len(ids), dtype=f"<U{max(map(len, names))}")
    for rows, number in zip(members, chosen, strict=True):
        parts[order[rows]] = names[number]
    return parts


def _groups(groups: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The rows of each group, groups in the order of their first row."""
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    by_group = np.argsort(inverse, kind="stable")
    rows = np.split(by_group, np.cumsum(np.bincount(inverse))[:-1])
    return [rows[g] for g in np.argsort(first)]


def _count(labels: NDArray[np.int64]) -> dict[int, int]:
    values, counts = np.unique(labels, return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def _needed(names: tuple[str, ...], n_groups: int) -> NDArray[np.bool_]:
    by_need = sorted(names, key=NEED.index)[:n_groups]
    return np.array([name in by_need for name in names])


def _largest_first(counts: list[dict[int, int]], random: np.random.Generator) -> list[int]:
    """Groups that span classes first, then large before small, otherwise at random.

    What is hard to place is placed while there is room; single examples even out the rest.
    """
    shuffled = random.permutation(len(counts)).tolist()
    return sorted(shuffled, key=lambda i: (-len(counts[i]), -sum(counts[i].values())))


def _round(wanted: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """Whole numbers with the same sum: the largest remainders go up, ties at random.

    At random because a tie always broken one way would, over many small classes, give that part
    much more than its fraction.
    """
    down = np.floor(wanted + 1e-9)
    remainder = np.round(wanted - down, 9)
    up = round(float(wanted.sum() - down.sum()))
    order = np.lexsort((random.random(len(wanted)), -remainder))
    down[order[:up]] += 1
    return down
