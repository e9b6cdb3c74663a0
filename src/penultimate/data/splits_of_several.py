"""Dividing examples that can have several labels: the rarest class first.

A class cannot be divided apart from the others that its images also have. So the class with the
fewest images left is divided next, while there is still a choice (iterative stratification,
Sechidis, Tsoumakas and Vlahavas, 2011, here with whole groups).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from penultimate.data.splits import NEED, groups_of

NONE = -1  # the class of images that have no class


def divide_several(
    ids: Sequence[str],
    present: NDArray[np.bool_],
    groups: NDArray[np.int64],
    fractions: dict[str, float],
    seed: int,
    *,
    by_chance: bool = False,
) -> NDArray[np.str_]:
    """Give each example a part, so that each class has nearly its fraction in every part.

    As ``divide`` does it for one label an example: the result depends on the set of examples and
    the seed, not on their order, nor on the numbers of groups. A class with fewer groups than
    there are parts fills them in the order of ``NEED``, as far as its other classes leave a choice.

    Parameters
    ----------
    ids : (n,) unique names.
    present : (n, K) whether an example is of a class.
    groups : (n,) examples with equal numbers get the same part.
    fractions : of each part; they sum to 1.
    seed : of the random choice.
    by_chance : let chance decide where an example goes, by how much each part misses. Otherwise it
        goes where most is missing, so that those of many classes are in train under every seed.

    Returns
    -------
    (n,) names of parts.
    """
    names = tuple(fractions)
    if len(ids) == 0:
        return np.empty(0, dtype=np.str_)
    order = np.array(sorted(range(len(ids)), key=ids.__getitem__), dtype=np.int64)
    members = groups_of(groups[order])
    labels = present[order].astype(np.int64)
    sizes = np.array([len(rows) for rows in members])
    counts = np.stack([labels[rows].sum(axis=0) for rows in members])  # (groups, K)
    random = np.random.default_rng(seed)
    rank = random.permutation(len(members))  # decides between equals
    share = np.array([fractions[name] for name in names])
    need = [names.index(name) for name in sorted(names, key=NEED.index)]
    plan = _Plan(counts, sizes, share, need, random if by_chance else None)

    while (label := plan.rarest()) is not None:
        for group in sorted(plan.left(label), key=lambda g: (-counts[g].sum(), rank[g])):
            plan.place(group, label)
    parts = np.empty(len(ids), dtype=f"<U{max(map(len, names))}")
    for rows, number in zip(members, plan.chosen, strict=True):
        parts[order[rows]] = names[number]
    return parts


class _Plan:
    """How far the groups are placed.

    Parameters
    ----------
    counts : (G, K) examples of each class in a group.
    sizes : (G,) examples of a group.
    share : (P,) fraction of each part.
    need : parts in the order in which a class that is too small for all of them gets one.
    random : draws the part of each group; None to take the one that misses most.
    """

    def __init__(
        self,
        counts: NDArray[np.int64],
        sizes: NDArray[np.int64],
        share: NDArray[np.float64],
        need: list[int],
        random: np.random.Generator | None,
    ) -> None:
        self.counts, self.sizes = counts, sizes
        self.need = need
        self.random = random
        self.chosen = np.full(len(sizes), -1)
        self.missing = np.outer(counts.sum(axis=0), share)  # (K, P) examples still wanted
        self.room = sizes.sum() * share
        self.groups_left = (counts > 0).sum(axis=0)
        self.held = np.zeros(self.missing.shape, dtype=np.int64)  # (K, P) groups placed

    def rarest(self) -> int | None:
        """The class with the fewest groups left; ``NONE`` when only groups without one are."""
        if (self.chosen >= 0).all():
            return None
        if not self.groups_left.any():
            return NONE
        return int(
            np.where(self.groups_left > 0, self.groups_left, self.groups_left.max() + 1).argmin()
        )

    def left(self, label: int) -> list[int]:
        """The groups of a class that are not placed."""
        free = self.chosen < 0
        found: list[int] = np.flatnonzero(
            free if label == NONE else free & (self.counts[:, label] > 0)
        ).tolist()
        return found

    def place(self, group: int, label: int) -> None:
        """Give a group to the part that misses most of the class, then most of everything."""
        allowed = self._needed(label) or self.need
        of_class = np.zeros(len(self.room)) if label == NONE else self.missing[label]
        # Rounded: sums of fractions that should be equal differ in the last digit.
        wanted = np.round(np.stack([of_class, self.room], axis=1), 6).tolist()
        part = max(allowed, key=wanted.__getitem__)
        if self.random is not None:
            size = self.sizes[group] if label == NONE else self.counts[group, label]
            missing = self.room if label == NONE else of_class
            weights = np.array([missing[p] if missing[p] >= size - 0.5 else 0 for p in allowed])
            if weights.any():
                part = int(self.random.choice(allowed, p=weights / weights.sum()))
        self.chosen[group] = part
        self.missing[:, part] -= self.counts[group]
        self.room[part] -= self.sizes[group]
        has = self.counts[group] > 0
        self.groups_left[has] -= 1
        self.held[has, part] += 1

    def _needed(self, label: int) -> list[int]:
        """The parts without a group of the class, where no more groups are left than those."""
        if label == NONE:
            return []
        empty = [part for part in self.need if not self.held[label, part]]
        left = int(self.groups_left[label])
        return empty[:left] if left <= len(empty) else []
