"""Finding pictures that show the same thing: exact duplicates, near-duplicates, groups.

Near-duplicates are pairs whose perceptual hashes (pHash: the signs of the lowest 16 x 16
frequencies of a 64 x 64 grey thumbnail, against their median) differ in few of 256 bits. How the
distance was chosen is in docs/decisions/near-duplicates.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageStat

HASH_SIZE = 16  # frequencies a side: 256 bits
PLAIN = 2.0  # standard deviation of grey values, of 255: below, the bits are rounding errors
ROWS, COLUMNS = 256, 8192  # hashes compared at a time: the work space stays in the CPU's cache


def perceptual_hash(picture: Image.Image) -> str:
    """The 256-bit pHash in hexadecimal; empty for a picture too plain to have one.

    A blank page has no frequencies: the signs of its rounding errors would make it a duplicate
    of every other, or of none.
    """
    import imagehash

    small = picture.convert("L").resize((64, 64), Image.Resampling.LANCZOS)
    if ImageStat.Stat(small).stddev[0] < PLAIN:
        return ""
    return str(imagehash.phash(small, hash_size=HASH_SIZE))


@dataclass(frozen=True, eq=False)
class Duplicates:
    """What belongs together, and why.

    Parameters
    ----------
    groups : (n,) numbers from 0, in the order of first members.
    exact : (n,) equal numbers for equal content.
    near : (m, 2) pairs of rows of near-duplicates whose content differs; not all pairs, but as
        many as it takes to connect what is connected.
    """

    groups: NDArray[np.int64]
    exact: NDArray[np.int64]
    near: NDArray[np.int64]


def find_duplicates(
    digests: Sequence[str],
    hashes: Sequence[str] | None,
    named: Sequence[str] | None,
    distance: int,
    *,
    keep_exact: bool = True,
) -> Duplicates:
    """Join rows of equal digest, of near hashes, and of one named group, and what follows.

    Parameters
    ----------
    digests : (n,) of content.
    hashes : (n,) perceptual hashes in hexadecimal, empty where there is none; or None.
    named : (n,) names of groups, empty where there is none; or None.
    distance : bits that may differ in near-duplicates.
    keep_exact : whether equal digests are joined.
    """
    n = len(digests)
    exact = _equal(digests)
    near = near_pairs(hashes, distance) if hashes is not None else np.empty((0, 2), np.int64)
    near = near[exact[near[:, 0]] != exact[near[:, 1]]]
    first = np.unique(exact, return_index=True)[1]
    pairs = [near]
    if keep_exact:
        pairs.append(np.column_stack([np.arange(n), first[exact]]))
    if named is not None:
        number = _equal(named)
        rows = np.flatnonzero([bool(name) for name in named])
        leader = np.unique(number, return_index=True)[1]
        pairs.append(np.column_stack([rows, leader[number[rows]]]))
    return Duplicates(join(n, np.concatenate(pairs)), exact, near)


def join(n: int, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) numbers of connected components, in the order of first members; pairs (m, 2)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    edges = coo_array((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), (n, n))
    return _equal(connected_components(edges, directed=False)[1].tolist())


def near_pairs(hashes: Sequence[str], distance: int) -> NDArray[np.int64]:
    """Pairs of rows (m, 2) that connect all whose hashes differ in at most ``distance`` bits.

    All pairs are compared, in blocks; of equal hashes only the first takes part. The first 64
    bits come first: they alone tell most pairs apart.
    """
    rows = np.flatnonzero([bool(text) for text in hashes]).astype(np.int64)
    if len(rows) == 0:
        return np.empty((0, 2), dtype=np.int64)
    raw = b"".join(bytes.fromhex(hashes[row]) for row in rows.tolist())
    words = np.frombuffer(raw, dtype=np.uint64).reshape(len(rows), -1)
    unique, first, inverse = np.unique(words, axis=0, return_index=True, return_inverse=True)
    same = np.column_stack([first[inverse.ravel()], np.arange(len(rows))])
    found = [same[same[:, 0] != same[:, 1]]]
    for left, right in _close(np.ascontiguousarray(unique.T), distance):
        found.append(np.column_stack([first[left], first[right]]))
        if sum(map(len, found)) > 1_000_000:  # a forest connects as much with fewer pairs
            found = [_forest(len(rows), np.concatenate(found))]
    pairs: NDArray[np.int64] = rows[np.concatenate(found)]
    return pairs


def _close(
    words: NDArray[np.uint64], distance: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Pairs of columns of ``words`` (4, n) at most ``distance`` bits apart, block by block."""
    n = words.shape[1]
    for top in range(0, n, ROWS):
        for start in range(top, n, COLUMNS):
            block = words[0, top : top + ROWS, None] ^ words[0, None, start : start + COLUMNS]
            left, right = np.nonzero(np.bitwise_count(block) <= distance)
            left, right = left + top, right + start
            after = left < right
            left, right = left[after], right[after]
            bits = np.bitwise_count(words[:, left] ^ words[:, right]).sum(axis=0, dtype=np.int64)
            close = bits <= distance
            if close.any():
                yield left[close], right[close]


def _forest(n: int, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    component = join(n, pairs)
    leader = np.unique(component, return_index=True)[1]
    rows = np.flatnonzero(leader[component] != np.arange(n))
    return np.column_stack([leader[component[rows]], rows])


def _equal(values: Sequence[object]) -> NDArray[np.int64]:
    """(n,) equal numbers for equal values, in the order of first appearance."""
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], dtype=np.int64)
