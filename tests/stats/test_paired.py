"""Paired tests against hand counts, full enumeration and each other."""

import itertools
import time

import numpy as np
import pytest
from scipy.stats import binomtest

from penultimate.errors import UnknownNameError
from penultimate.stats import exact_mcnemar, image_exchange_test, permutation_test


def outcomes(only_a, only_b, both=3, neither=2):
    a = [True] * only_a + [False] * only_b + [True] * both + [False] * neither
    b = [False] * only_a + [True] * only_b + [True] * both + [False] * neither
    return np.array(a), np.array(b)


@pytest.mark.parametrize(
    ("only_a", "only_b", "p"),
    [
        (5, 0, 2 / 32),  # both tails: five heads or five tails of five
        (4, 1, 12 / 32),  # (1 + 5) / 32 a tail
        (3, 3, 1.0),
        (0, 0, 1.0),  # never a disagreement: no evidence, and not NaN
        (1, 9, 22 / 1024),  # (1 + 10) / 1024 a tail
    ],
)
def test_mcnemar_is_the_hand_count(only_a, only_b, p):
    a, b = outcomes(only_a, only_b)
    assert exact_mcnemar(a, b) == pytest.approx(p, rel=1e-12)
    assert exact_mcnemar(b, a) == exact_mcnemar(a, b)


@pytest.mark.parametrize(("only_a", "only_b"), [(3, 12), (40, 61), (1_000, 1_100), (0, 2_000)])
def test_mcnemar_is_scipys_binomial_test(only_a, only_b):
    exact = binomtest(only_a, only_a + only_b, 0.5).pvalue
    assert exact_mcnemar(*outcomes(only_a, only_b)) == pytest.approx(exact, rel=1e-9)


def test_no_examples_are_no_evidence():
    none = np.array([], dtype=bool)
    assert exact_mcnemar(none, none) == 1.0


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="3 predictions cannot be paired with 2"):
        exact_mcnemar(np.ones(3, dtype=bool), np.ones(2, dtype=bool))


def test_permutation_is_the_full_enumeration():
    """All 2^9 exchanges of a small, unbalanced test set, one by one."""
    labels = np.array([0] * 3 + [1] * 6 + [2] * 4)
    rng = np.random.default_rng(0)
    a, b = rng.random(13) < 0.8, rng.random(13) < 0.4
    size = np.bincount(labels)[labels]
    differing = np.flatnonzero(a != b)
    signs = np.where(a, 1, -1)[differing] / size[differing]
    seen = abs(signs.sum())
    sums = [
        abs(np.dot(flip, signs)) >= seen - 1e-12
        for flip in itertools.product([1, -1], repeat=len(signs))
    ]
    assert permutation_test(labels, a, b) == pytest.approx(np.mean(sums), abs=0.006)


def test_permutation_is_mcnemar_where_classes_are_of_one_size():
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(10), 30)
    a, b = rng.random(300) < 0.85, rng.random(300) < 0.80
    assert permutation_test(labels, a, b) == pytest.approx(exact_mcnemar(a, b), abs=0.006)


@pytest.mark.parametrize(("seed", "gain"), [(2, 0.0), (3, 0.04), (4, 0.08)])
def test_permutation_is_mcnemar_for_top_1_whatever_the_classes_sizes(seed, gain):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(5), [10, 200, 50, 90, 150])
    a, b = rng.random(500) < 0.8 + gain, rng.random(500) < 0.8
    exact = exact_mcnemar(a, b)
    assert permutation_test(labels, a, b, measure="top-1") == pytest.approx(exact, abs=0.006)
    by_class = permutation_test(labels, a, b)
    assert by_class != pytest.approx(exact, abs=0.006), "there small classes weigh more"


def test_an_unknown_measure_is_answered_with_the_nearest():
    one = np.ones(1, dtype=bool)
    with pytest.raises(UnknownNameError, match="did you mean 'top-1'"):
        permutation_test(np.zeros(1, dtype=np.int64), one, one, measure="top1")


def test_exchanges_of_a_large_test_set_take_about_a_second():
    """25,000 examples of 100 classes, no two of one size; three times the goal, for slow days."""
    rng = np.random.default_rng(5)
    labels = np.repeat(np.arange(100), np.arange(201, 301))[:25_000]
    a, b = rng.random(len(labels)) < 0.8, rng.random(len(labels)) < 0.7
    for measure in ("mean-per-class", "top-1"):
        start = time.process_time()
        permutation_test(labels, a, b, measure=measure)
        assert time.process_time() - start < 3


def test_permutation_counts_what_was_seen_and_repeats_with_its_seed():
    labels = np.zeros(50, dtype=np.int64)
    a, b = np.ones(50, dtype=bool), np.zeros(50, dtype=bool)
    assert permutation_test(labels, a, b, exchanges=999) == 1 / 1000
    assert permutation_test(labels, a, a) == 1.0
    b[:15] = True
    a[30:] = False
    assert permutation_test(labels, a, b, seed=5) == permutation_test(labels, a, b, seed=5)
    assert permutation_test(labels, a, b, seed=5) != permutation_test(labels, a, b, seed=6)


def test_exchange_of_whole_images_is_the_full_enumeration():
    """All 2^8 exchanges of eight images' decisions, one by one."""
    a, b = np.array([5, 4, 3, 5, 2, 4, 5, 3]), np.array([4, 4, 1, 3, 3, 2, 5, 2])
    gains = a - b
    sums = [
        abs(np.dot(flip, gains)) >= abs(gains.sum())
        for flip in itertools.product([1, -1], repeat=len(gains))
    ]
    assert image_exchange_test(a, b) == pytest.approx(np.mean(sums), abs=0.006)
    assert image_exchange_test(a, b) == image_exchange_test(b, a)
    assert image_exchange_test(a, a) == 1.0
    assert image_exchange_test(a, a - 1, exchanges=999) == pytest.approx(2 / 2**8, abs=0.01)


def test_decisions_of_one_image_are_one_exchange_and_not_many():
    """Three images that differ in twenty classes each are little evidence."""
    a, b = np.full(3, 20), np.zeros(3, dtype=np.int64)
    assert image_exchange_test(a, b) == pytest.approx(2 / 8, abs=0.006)
    singly = exact_mcnemar(np.ones(60, dtype=bool), np.zeros(60, dtype=bool))
    assert singly < 1e-15


def test_exchange_of_images_with_one_decision_each_is_mcnemar():
    rng = np.random.default_rng(2)
    a, b = rng.random(300) < 0.85, rng.random(300) < 0.80
    p = image_exchange_test(a.astype(np.int64), b.astype(np.int64))
    assert p == pytest.approx(exact_mcnemar(a, b), abs=0.006)
    with pytest.raises(ValueError, match="3 predictions cannot be paired with 2"):
        image_exchange_test(np.zeros(3, dtype=np.int64), np.zeros(2, dtype=np.int64))
