"""Are two networks different, judged by the same test examples?

Both tests take the examples as the sample and the two fitted networks as they are: run-to-run
variation (another seed, another split) is not in their p-values.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
    from scipy.stats import binomtest

    return float(binomtest(a, a + b, 0.5).pvalue)


def permutation_test(
    labels: NDArray[np.int64],
    correct_a: NDArray[np.bool_],
    correct_b: NDArray[np.bool_],
    *,
    exchanges: int = 100_000,
    seed: int = 0,
) -> float:
    """Two-sided p-value that two networks have the same mean per-class accuracy.

    Under the null hypothesis each example's two predictions can change places. The p-value is the
    share of random exchanges with a difference at least as large as the one seen, which counts
    itself: ``(b + 1) / (m + 1)`` (section 3 of the paper).

    Only examples on which exactly one network is right matter, and an example of a class with n
    test examples weighs 1 / n. The signs of all that weigh the same therefore sum to a binomial
    number, which is what is drawn, in place of a sign an example.

    Parameters
    ----------
    labels : true class of each example, (n,), from 0.
    correct_a, correct_b : whether each network is right on each example, (n,), in one order.

    Raises
    ------
    ValueError : the arrays are not of one length.
    """
    only_a, only_b = _disagreements(correct_a, correct_b)
    if len(labels) != len(only_a):
        raise ValueError(f"{len(labels)} labels for {len(only_a)} predictions")
    size = np.bincount(labels)[labels]
    sizes, which = np.unique(size[only_a | only_b], return_inverse=True)
    if len(sizes) == 0:
        return 1.0
    count = np.bincount(which)
    observed = abs(float(np.sum(only_a / size) - np.sum(only_b / size)))
    threshold = observed - 1e-9  # equal differences reached in another order of summing are equal
    rng = np.random.default_rng(seed)
    extreme = 0
    for start in range(0, exchanges, CHUNK):
        drawn = rng.binomial(count, 0.5, size=(min(CHUNK, exchanges - start), len(count)))
        extreme += int(np.sum(np.abs(((2 * drawn - count) / sizes).sum(axis=1)) >= threshold))
    return (extreme + 1) / (exchanges + 1)


def _disagreements(
    correct_a: NDArray[np.bool_], correct_b: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    a, b = np.asarray(correct_a, dtype=bool), np.asarray(correct_b, dtype=bool)
    if a.shape != b.shape:
        raise ValueError(f"{len(a)} predictions cannot be paired with {len(b)}")
    return a & ~b, b & ~a
