"""Laws of the split: a partition, groups whole, classes in proportion, order of no account."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penultimate.data.splits import divide

FRACTIONS = {"train": 0.6, "val": 0.2, "test": 0.2}

LAW = settings(deadline=None, derandomize=True)


def names(n: int) -> list[str]:
    return [f"{i:05d}.png" for i in range(n)]


@st.composite
def problems(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and groups that may span classes."""
    n = draw(st.integers(1, 80))
    labels = draw(st.lists(st.integers(0, 4), min_size=n, max_size=n))
    groups = draw(st.lists(st.integers(0, max(1, n // 2)), min_size=n, max_size=n))
    return np.array(labels), np.array(groups)


@LAW
@given(problems(), st.integers(0, 5))
def test_every_example_has_one_part_and_groups_are_whole(problem, seed: int) -> None:
    labels, groups = problem
    parts = divide(names(len(labels)), labels, groups, FRACTIONS, seed)
    assert set(parts) <= set(FRACTIONS)
    for group in np.unique(groups):
        assert len(set(parts[groups == group])) == 1


@LAW
@given(problems(), st.integers(0, 5), st.randoms(use_true_random=False))
def test_neither_order_nor_the_numbers_of_groups_matter(problem, seed: int, random) -> None:
    labels, groups = problem
    ids = names(len(labels))
    parts = divide(ids, labels, groups, FRACTIONS, seed)
    order = list(range(len(ids)))
    random.shuffle(order)
    shuffled = divide([ids[i] for i in order], labels[order], 1000 - groups[order], FRACTIONS, seed)
    assert (shuffled == parts[order]).all()


@LAW
@given(st.lists(st.integers(1, 60), min_size=1, max_size=8), st.integers(0, 5))
def test_single_examples_are_divided_to_within_one(sizes: list[int], seed: int) -> None:
    labels = np.repeat(np.arange(len(sizes)), sizes)
    parts = divide(names(len(labels)), labels, np.arange(len(labels)), FRACTIONS, seed)
    for label, size in enumerate(sizes):
        found = {part: int((parts[labels == label] == part).sum()) for part in FRACTIONS}
        if size >= 5:
            for part, fraction in FRACTIONS.items():
                assert abs(found[part] - fraction * size) < 1
        elif size >= 3:
            assert min(found.values()) >= 1


@pytest.mark.parametrize(
    ("n_groups", "expected"),
    [(1, {"train"}), (2, {"train", "test"}), (3, {"train", "val", "test"})],
)
@pytest.mark.parametrize("group_sizes", [(1, 1, 1), (7, 1, 1), (1, 9, 4)])
@pytest.mark.parametrize("seed", range(5))
def test_small_classes(n_groups: int, expected: set[str], group_sizes, seed: int) -> None:
    groups = np.repeat(np.arange(n_groups), group_sizes[:n_groups])
    labels = np.zeros(len(groups), dtype=np.int64)
    parts = divide(names(len(groups)), labels, groups, FRACTIONS, seed)
    assert set(parts) == expected


def test_the_largest_group_of_a_small_class_is_trained_on() -> None:
    groups = np.repeat([0, 1, 2], [2, 10, 1])
    parts = divide(names(13), np.zeros(13, dtype=np.int64), groups, FRACTIONS, 0)
    assert set(parts[groups == 1]) == {"train"}


def test_many_small_classes_keep_the_proportions() -> None:
    """Ties are broken at random, so that no part profits from the rounding of every class."""
    labels = np.repeat(np.arange(400), 7)  # 4.2, 1.4, 1.4 each
    parts = divide(names(2800), labels, np.arange(2800), FRACTIONS, 0)
    assert (parts == "train").sum() == 4 * 400
    assert abs((parts == "val").mean() - (parts == "test").mean()) < 0.03


def test_grouped_classes_come_near_their_proportions() -> None:
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(200), random.integers(1, 8, 200))
    labels = groups % 4
    parts = divide(names(len(groups)), labels, groups, FRACTIONS, 0)
    for label in range(4):
        for part, fraction in FRACTIONS.items():
            assert abs((parts[labels == label] == part).mean() - fraction) < 0.02


def test_seeds_differ_and_one_seed_does_not() -> None:
    labels = np.repeat([0, 1], 50)
    ids, groups = names(100), np.arange(100)
    one, same, other = (divide(ids, labels, groups, FRACTIONS, seed) for seed in (0, 0, 1))
    assert (one == same).all()
    assert (one != other).any()


def test_the_global_random_state_is_neither_read_nor_changed() -> None:
    labels, ids = np.repeat([0, 1], 20), names(40)
    np.random.seed(1)  # noqa: NPY002
    one = divide(ids, labels, np.arange(40), FRACTIONS, 0)
    after = np.random.random()  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    assert np.random.random() == after  # noqa: NPY002
    assert (one == divide(ids, labels, np.arange(40), FRACTIONS, 0)).all()


def test_two_parts() -> None:
    labels = np.array([0, 1, 1, *[2] * 20])
    fractions = {"train": 0.8, "val": 0.2}
    parts = divide(names(23), labels, np.arange(23), fractions, 0)
    assert parts[0] == "train"
    assert set(parts[1:3]) == {"train", "val"}
    assert (parts[3:] == "val").sum() == 4


def test_a_group_of_two_classes_does_not_starve_either() -> None:
    """The one picture of class 1 shares a group with class 0: it must be learned from."""
    labels = np.array([0] * 10 + [1])
    groups = np.array([*range(10), 9])
    for seed in range(10):
        assert divide(names(11), labels, groups, FRACTIONS, seed)[10] == "train"


def test_nothing_is_divided_into_nothing() -> None:
    empty = np.empty(0, dtype=np.int64)
    assert len(divide([], empty, empty, FRACTIONS, 0)) == 0


def test_a_hundred_thousand_in_a_few_seconds() -> None:
    labels = np.arange(100_000) % 1000
    parts = divide(names(100_000), labels, np.arange(100_000), FRACTIONS, 0)
    assert (parts == "train").mean() == pytest.approx(0.6)
