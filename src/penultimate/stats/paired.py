"""Are two networks different, judged by the same test examples?

Both tests take the examples as the sample and the two fitted networks as they are: run-to-run
variation (another seed, another split) is not in their p-values.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from penultimate.errors import UnknownNameError

ACCURACIES = ["top-1", "mean-per-class"]
CHUNK = 10_000  # exchanges at a time: bounds memory, does not change the numbers


def exact_mcnemar(correct_a: NDArray[np.bool_], correct_b: NDArray[np.bool_]) -> float:
    """Two-sided exact p-value that two networks are right equally often.

    Of the examples on which exactly one of the two is right, each network has half under the
    null hypothesis: a binomial test. Where they never disagree, p is 1.

    Parameters
    ----------
    correct_a, correct_b : whether each network is right on each example, (n,), in one order.

    Raises
    ------
    ValueError : the two are not of one length.
    """
    only_a, only_b = _disagreements(correct_a, correct_b)
    a, b = int(only_a.sum()), int(only_b.sum())
    if a + b == 0:
        return 1.0
    from scipy.stats import binom

    # Half and half is symmetric: both tails together are twice the smaller one.
    return min(1.0, 2 * float(binom.cdf(min(a, b), a + b, 0.5)))


def permutation_test(
    labels: NDArray[np.int64],
    correct_a: NDArray[np.bool_],
    correct_b: NDArray[np.bool_],
    *,
    measure: str = "mean-per-class",
    exchanges: int = 100_000,
    seed: int = 0,
) -> float:
    """Two-sided p-value that two networks have the same accuracy, by exchanging predictions.

    Under the null hypothesis each example's two predictions can change places. The p-value is the
    share of random exchanges with a difference at least as large as the one seen, which counts
    itself: ``(b + 1) / (m + 1)`` (section 3 of the paper).

    Only examples on which exactly one network is right matter. For mean per-class accuracy an
    example of a class with n test examples weighs 1 / n, for top-1 all weigh the same; there
    ``exact_mcnemar`` is this test without the noise of drawing. The signs of all that weigh the
    same are drawn together, 64 to a random word, and summed by counting its bits.

    Parameters
    ----------
    labels : true class of each example, (n,), from 0.
    correct_a, correct_b : whether each network is right on each example, (n,), in one order.
    measure : ``"mean-per-class"`` or ``"top-1"``.
    exchanges, seed : how many are drawn, and from where; the same seed gives the same p-value.

    Raises
    ------
    UnknownNameError : there is no such measure.
    ValueError : the arrays are not of one length.
    """
    if measure not in ACCURACIES:
        raise UnknownNameError("measure", measure, ACCURACIES)
    only_a, only_b = _disagreements(correct_a, correct_b)
    if len(labels) != len(only_a):
        raise ValueError(f"{len(labels)} labels for {len(only_a)} predictions")
    size = np.bincount(labels)[labels] if measure == "mean-per-class" else np.ones_like(labels)
    sizes, which = np.unique(size[only_a | only_b], return_inverse=True)
    observed = abs(float(np.sum(only_a / size) - np.sum(only_b / size)))
    return _share_as_extreme(1 / sizes, np.bincount(which), observed, exchanges, seed)


def image_exchange_test(
    right_a: NDArray[np.int64],
    right_b: NDArray[np.int64],
    *,
    exchanges: int = 100_000,
    seed: int = 0,
) -> float:
    """Two-sided p-value that two networks decide equally often right, whole images exchanged.

    The decisions on one image, a class each, are no independent trials: under the null hypothesis
    an image's two sets of decisions change places together. Otherwise as `permutation_test`.

    Parameters
    ----------
    right_a, right_b : how many decisions of each network are right on each image, (n,), of equally
        many for both.

    Raises
    ------
    ValueError : the two are not of one length.
    """
    if len(right_a) != len(right_b):
        raise ValueError(f"{len(right_a)} predictions cannot be paired with {len(right_b)}")
    gains = right_a - right_b
    sizes, counts = np.unique(np.abs(gains[gains != 0]), return_counts=True)
    weights = sizes.astype(np.float64)
    return _share_as_extreme(weights, counts, abs(float(gains.sum())), exchanges, seed)


def _share_as_extreme(
    weights: NDArray[np.float64],
    counts: NDArray[np.int64],
    observed: float,
    exchanges: int,
    seed: int,
) -> float:
    """The share of random signs, of ``counts`` examples of each weight, that sum to ``observed``.

    Or to more, either way; one of the exchanges is what was seen.
    """
    if len(weights) == 0:
        return 1.0
    weights, masks = _words(weights, counts)
    whole = float(np.bitwise_count(masks) @ weights)
    threshold = observed - 1e-9  # equal differences reached in another order of summing are equal
    rng = np.random.default_rng(seed)
    extreme = 0
    for start in range(0, exchanges, CHUNK):
        shape = (min(CHUNK, exchanges - start), len(masks))
        ones = np.bitwise_count(rng.integers(0, 2**64, shape, dtype=np.uint64) & masks)
        extreme += int(np.sum(np.abs(2 * (ones @ weights) - whole) >= threshold))
    return (extreme + 1) / (exchanges + 1)


def _words(
    weights: NDArray[np.float64], counts: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.uint64]]:
    """``counts`` bits of each weight as 64-bit words: the words' weights, and masks of the bits."""
    full, rest = counts // 64, counts % 64
    masks = np.concatenate(
        [
            np.full(full.sum(), 2**64 - 1, dtype=np.uint64),
            (np.uint64(1) << rest.astype(np.uint64)) - np.uint64(1),
        ]
    )
    return np.concatenate([np.repeat(weights, full), weights]), masks


def _disagreements(
    correct_a: NDArray[np.bool_], correct_b: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    a, b = np.asarray(correct_a, dtype=bool), np.asarray(correct_b, dtype=bool)
    if a.shape != b.shape:
        raise ValueError(f"{len(a)} predictions cannot be paired with {len(b)}")
    return a & ~b, b & ~a
