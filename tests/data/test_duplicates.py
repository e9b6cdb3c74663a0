"""Exact duplicates, near-duplicates and named groups are found, and joined with what follows."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import picture
from PIL import Image

from penultimate.data import duplicates
from penultimate.data.duplicates import find_duplicates, join, near_pairs, perceptual_hash
from penultimate.spec import Task

DISTANCE = Task(source="digits").near_duplicate_distance

LAW = settings(deadline=None, derandomize=True)


def flipped(text: str, bits: int, seed: int = 0) -> str:
    raw = np.unpackbits(np.frombuffer(bytes.fromhex(text), np.uint8))
    raw[np.random.default_rng(seed).choice(256, bits, replace=False)] ^= 1
    return np.packbits(raw).tobytes().hex()


def apart(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()


def brute_force(hashes: list[str], distance: int) -> np.ndarray:
    n = len(hashes)
    pairs = [
        (i, j)
        for i in range(n)
        for j in range(i)
        if hashes[i] and hashes[j] and apart(hashes[i], hashes[j]) <= distance
    ]
    return join(n, np.array(pairs, dtype=np.int64).reshape(-1, 2))


@LAW
@given(st.integers(0, 2**32), st.integers(0, 64), st.integers(1, 40))
def test_all_pairs_within_the_distance_are_connected(seed: int, distance: int, n: int) -> None:
    random = np.random.default_rng(seed)
    bases = [random.bytes(32).hex() for _ in range(5)]
    hashes = [
        "" if random.random() < 0.1 else flipped(bases[i % 5], int(random.integers(60)), seed + i)
        for i in range(n)
    ]
    assert (join(n, near_pairs(hashes, distance)) == brute_force(hashes, distance)).all()


def test_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    bases = [random.bytes(32).hex() for _ in range(10)]
    hashes = [flipped(bases[i % 10], i % 30, i) for i in range(100)]
    expected = brute_force(hashes, 12)
    for rows, columns in ((1, 1), (3, 7), (64, 5), (256, 8192)):
        monkeypatch.setattr(duplicates, "ROWS", rows)
        monkeypatch.setattr(duplicates, "COLUMNS", columns)
        assert (join(100, near_pairs(hashes, 12)) == expected).all()


def test_five_thousand_alike_stay_within_bounds() -> None:
    """All pairs are near: connected by few pairs, not remembered one by one."""
    base = np.random.default_rng(0).bytes(32).hex()
    pairs = near_pairs([flipped(base, 2, i) for i in range(5000)], DISTANCE)
    assert len(pairs) < 2_100_000
    assert join(5000, pairs).max() == 0


def test_exact_near_and_named_are_joined_with_what_follows() -> None:
    base = picture_hash = perceptual_hash(picture(0))
    other = perceptual_hash(picture(1))
    assert apart(picture_hash, other) > 60
    hashes = [base, base, flipped(base, DISTANCE), flipped(base, DISTANCE + 1, 1), other, ""]
    found = find_duplicates(
        ["a", "a", "b", "c", "d", "e"], hashes, ["", "", "", "x", "x", ""], DISTANCE
    )
    assert found.groups.tolist() == [0, 0, 0, 1, 1, 2]
    assert found.exact.tolist() == [0, 0, 1, 2, 3, 4]
    assert len(found.near) == 1


def test_chains_are_joined_so_that_no_near_pair_is_ever_parted() -> None:
    one = np.random.default_rng(0).bytes(32).hex()
    two = flipped(one, DISTANCE, 1)
    three = flipped(two, DISTANCE, 2)
    assert apart(one, three) > DISTANCE
    assert find_duplicates("abc", [one, two, three], None, DISTANCE).groups.tolist() == [0, 0, 0]


def test_empty_names_are_no_group() -> None:
    assert find_duplicates("abc", None, ["", "", ""], 12).groups.tolist() == [0, 1, 2]


def test_exact_duplicates_need_not_be_joined() -> None:
    found = find_duplicates("aab", None, None, 12, keep_exact=False)
    assert found.groups.tolist() == [0, 1, 2]
    assert found.exact.tolist() == [0, 0, 1]


def test_plain_pictures_have_no_hash() -> None:
    assert perceptual_hash(Image.new("RGB", (50, 50), "white")) == ""
    noise = 128 + np.random.default_rng(0).normal(0, 3, (300, 300))
    assert perceptual_hash(Image.fromarray(noise.astype(np.uint8))) == ""
    assert len(perceptual_hash(picture(0))) == 64


@pytest.mark.parametrize("seed", range(5))
def test_copies_are_near_and_others_are_not(seed: int) -> None:
    original = picture(seed, (300, 240))
    file = io.BytesIO()
    original.save(file, "JPEG", quality=50)
    mine = perceptual_hash(original)
    assert apart(mine, perceptual_hash(Image.open(file))) <= DISTANCE
    assert apart(mine, perceptual_hash(original.resize((150, 120)))) <= DISTANCE
    assert apart(mine, perceptual_hash(original.crop((0, 0, 299, 240)))) <= DISTANCE
    assert apart(mine, perceptual_hash(picture(seed + 100, (300, 240)))) > 60
