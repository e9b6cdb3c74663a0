"""Dividing examples into parts: stratified by class, seeded, groups kept whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# The order in which a class too small for every part gets one: something to learn from, then
# something to be scored on, then something to select by.
NEED = ("train", "test", "val")


def seed_of_repeat(seed: int, repeat: int) -> int:
    """The seed of a repeated split: ``seed`` itself first, then one that nothing else draws by."""
    if repeat == 0:
        return seed
    sequence = np.random.SeedSequence(seed, spawn_key=(repeat,))
    return int(sequence.generate_state(1, np.uint64)[0])


def divide(
    ids: Sequence[str],
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    fractions: dict[str, float],
    seed: int,
    *,
    by_chance: bool = False,
) -> NDArray[np.str_]:
    """Give each example a part.

    The result depends on the set of examples and the seed, not on the order they come in, nor
    on the numbers that stand for groups. A class with as many groups as there are parts or more
    is in every part; one with fewer fills them in the order of ``NEED``. (A group that spans
    classes can stand in the way.) Beyond that each part gets its fraction of the class, to
    within one example where groups are single examples, and as nearly as whole groups allow
    where they are not.

    Parameters
    ----------
    ids : (n,) unique names.
    labels : (n,) classes.
    groups : (n,) examples with equal numbers get the same part; a group may span classes.
    fractions : of each part; they sum to 1.
    seed : of the random choice.
    by_chance : let chance decide where a group of several goes, as far as it fits in. Otherwise it
        goes where most is missing, so that large ones are in train under every seed.

    Returns
    -------
    (n,) names of parts.
    """
    names = tuple(fractions)
    if len(ids) == 0:
        return np.empty(0, dtype=np.str_)
    order = np.array(sorted(range(len(ids)), key=ids.__getitem__), dtype=np.int64)
    members = groups_of(groups[order])
    in_order = labels[order].tolist()
    counts = [Counter(in_order[row] for row in rows.tolist()) for rows in members]
    random = np.random.default_rng(seed)

    n_groups = Counter(label for count in counts for label in count)
    share = np.array([fractions[name] for name in names])
    classes = {
        label: _Class(
            _round(share * size, random), _needed(names, n_groups[label]), n_groups[label]
        )
        for label, size in sorted(Counter(in_order).items())
    }
    chosen = [0] * len(members)
    for i in _largest_first(counts, random):
        group = {classes[label]: n for label, n in counts[i].items()}
        chosen[i] = _choose(group, len(names), random if by_chance else None)
        for label, n in counts[i].items():
            classes[label].place(chosen[i], n)

    parts = np.empty(len(ids), dtype=f"<U{max(map(len, names))}")
    for rows, number in zip(members, chosen, strict=True):
        parts[order[rows]] = names[number]
    return parts


class _Class:
    """How far one class is divided; parts by number.

    Parameters
    ----------
    missing : examples that each part should still get.
    empty : parts that need a group of this class and have none.
    left : groups not yet placed.
    """

    def __init__(self, target: list[int], needed: set[int], n_groups: int) -> None:
        self.missing = target
        self.empty = needed
        self.left = n_groups

    def place(self, part: int, n: int) -> None:
        self.missing[part] -= n
        self.empty.discard(part)
        self.left -= 1


def _choose(
    group: dict[_Class, int], n_parts: int, random: np.random.Generator | None = None
) -> int:
    """The part for a group, given its classes and how many examples it has of each.

    The part that misses most; but where a class has only as many groups left as parts that still
    need one of it, one of those. With ``random``, of the parts that it fits into each by as much
    chance as it misses examples.
    """
    allowed: set[int] = set()
    for of in group:
        if of.left <= len(of.empty):
            allowed |= of.empty
    missing = [sum(n * of.missing[part] for of, n in group.items()) for part in range(n_parts)]
    parts = sorted(allowed) or list(range(n_parts))
    if random is not None:
        least = sum(n * n for n in group.values())
        weights = [missing[part] if missing[part] >= least else 0 for part in parts]
        if allowed and not any(weights):
            weights = [max(0, missing[part]) for part in parts]
        if any(weights):
            return int(random.choice(parts, p=np.array(weights) / sum(weights)))
    return max(parts, key=missing.__getitem__)


def groups_of(groups: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The rows of each group, groups in the order of their first row."""
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    by_group = np.argsort(inverse, kind="stable")
    rows = np.split(by_group, np.cumsum(np.bincount(inverse))[:-1])
    return [rows[g] for g in np.argsort(first)]


def _needed(names: tuple[str, ...], n_groups: int) -> set[int]:
    return {names.index(name) for name in sorted(names, key=NEED.index)[:n_groups]}


def _largest_first(counts: list[Counter[int]], random: np.random.Generator) -> list[int]:
    """Groups that span classes first, then large before small, otherwise at random.

    What is hard to place is placed while there is room; single examples even out the rest.
    """
    shuffled = random.permutation(len(counts)).tolist()
    return sorted(shuffled, key=lambda i: (-len(counts[i]), -counts[i].total()))


def _round(wanted: NDArray[np.float64], random: np.random.Generator) -> list[int]:
    """Whole numbers with the same sum: the largest remainders go up, ties at random.

    At random because a tie always broken one way would, over many small classes, give that part
    much more than its fraction.
    """
    down = np.floor(wanted + 1e-9)
    remainder = np.round(wanted - down, 9)
    up = round(float(wanted.sum() - down.sum()))
    order = np.lexsort((random.random(len(wanted)), -remainder))
    down[order[:up]] += 1
    return [int(number) for number in down]
