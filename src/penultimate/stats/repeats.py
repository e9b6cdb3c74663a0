"""Scores repeated over random splits: what their spread says, and which network is best.

Repeats share images: the training parts of two splits overlap, so that their scores agree more than
those of new data would. Nadeau and Bengio (2003) take the correlation between repeats to be the
share of test examples, ``n_test / (n_train + n_test)``; the variance of a mean over R repeats is
then ``(1 / R + n_test / n_train) * s^2``, with ``s^2`` the variance between repeats (R - 1), and
not ``s^2 / R``. More repeats therefore never make an interval narrower than the data allow.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from penultimate.errors import SpecError

DRAWS = 100_000  # of which network is best: the probability is right to about 0.003


def corrected_interval(
    scores: ArrayLike, *, n_train: float, n_test: float, level: float = 0.95
) -> tuple[float, float]:
    """Nadeau and Bengio's interval for the score expected of another split and other data.

    Parameters
    ----------
    scores : (R,) fractions, a repeat each.
    n_train, n_test : examples fitted on (validation among them, if the final fit is) and tested on.
    level : confidence, within 0..1.

    Returns
    -------
    low, high : fractions, kept within 0..1; NaN with fewer than two repeats or where a score is.

    Raises
    ------
    SpecError : a size is not above 0, or a score is no fraction.
    """
    values = _fractions(np.asarray(scores, dtype=np.float64))
    if len(values) < 2 or np.isnan(values).any():
        return math.nan, math.nan
    from scipy.stats import t

    error = values.std(ddof=1) * math.sqrt(_factor(len(values), n_train, n_test))
    half = float(t.ppf((1 + level) / 2, len(values) - 1)) * error
    return max(0.0, float(values.mean() - half)), min(1.0, float(values.mean() + half))


def corrected_difference(
    scores_a: ArrayLike,
    scores_b: ArrayLike,
    *,
    n_train: float,
    n_test: float,
    level: float = 0.95,
) -> tuple[float, float]:
    """Nadeau and Bengio's interval for what a scores above b, repeated over the same splits.

    Parameters, errors and NaN are as for ``corrected_t_test``, of which it is the interval.

    Returns
    -------
    low, high : differences of fractions, kept within -1..1.
    """
    a, b = (_fractions(np.asarray(s, dtype=np.float64)) for s in (scores_a, scores_b))
    if a.shape != b.shape:
        raise ValueError(f"{a.size} scores cannot be paired with {b.size}")
    d = a - b
    if len(d) < 2 or np.isnan(d).any():
        return math.nan, math.nan
    from scipy.stats import t

    error = d.std(ddof=1) * math.sqrt(_factor(len(d), n_train, n_test))
    half = float(t.ppf((1 + level) / 2, len(d) - 1)) * error
    return max(-1.0, float(d.mean() - half)), min(1.0, float(d.mean() + half))


def corrected_t_test(
    scores_a: ArrayLike, scores_b: ArrayLike, *, n_train: float, n_test: float
) -> float:
    """Two-sided p-value that two networks score the same, repeated over the same splits.

    Nadeau and Bengio's corrected resampled t-test, paired over repeats.

    Parameters
    ----------
    scores_a, scores_b : (R,) fractions, the same splits in one order.
    n_train, n_test : as for ``corrected_interval``.

    Returns
    -------
    p : NaN with fewer than two repeats or where a score is; 1 where the two never differ.

    Raises
    ------
    ValueError : the two are not of one length.
    SpecError : a size is not above 0, or a score is no fraction.
    """
    a, b = (_fractions(np.asarray(s, dtype=np.float64)) for s in (scores_a, scores_b))
    if a.shape != b.shape:
        raise ValueError(f"{a.size} scores cannot be paired with {b.size}")
    d = a - b
    factor = _factor(max(1, len(d)), n_train, n_test)
    if len(d) < 2 or np.isnan(d).any():
        return math.nan
    if not d.any():
        return 1.0
    if np.ptp(d) == 0:
        return 0.0
    from scipy.stats import t

    statistic = d.mean() / (d.std(ddof=1) * math.sqrt(factor))
    return float(2 * t.sf(abs(statistic), len(d) - 1))


def probability_best(
    scores: pd.DataFrame, *, n_train: float, n_test: float, draws: int = DRAWS, seed: int = 0
) -> pd.Series:
    """How probable it is, after these repeats, that each network is the best of all.

    The posterior of Benavoli and others' correlated Bayesian t-test (2017), for several networks at
    once: their true scores are multivariate t with R - 1 degrees of freedom, around the means, with
    the repeats' covariance times Nadeau and Bengio's factor. Of two networks the probability is
    1 - p / 2 of the corrected t-test. Networks that are equal in a draw share it.

    Parameters
    ----------
    scores : fractions, repeats (index) x networks (columns), every network on the same splits.
    n_train, n_test : as for ``corrected_interval``.
    draws, seed : from the posterior.

    Returns
    -------
    series : by network, summing to 1; NaN with fewer than two repeats or where a score is NaN.

    Raises
    ------
    SpecError : a size is not above 0, or a score is no fraction.
    """
    values = _fractions(scores.to_numpy(dtype=np.float64))
    repeats, networks = values.shape
    factor = _factor(max(1, repeats), n_train, n_test)
    if repeats < 2 or networks == 0 or np.isnan(values).any():
        return pd.Series(math.nan, index=scores.columns, dtype=np.float64)
    rng = np.random.default_rng(seed)
    means = values.mean(axis=0)
    # Normal weights on the centred repeats have exactly their covariance, also where it is
    # singular, as with more networks than repeats.
    centred = (values - means) / math.sqrt(repeats - 1)
    share = np.zeros(networks)
    for start in range(0, draws, 10_000):
        count = min(10_000, draws - start)
        spread = rng.standard_normal((count, repeats)) @ centred
        scale = np.sqrt(factor * (repeats - 1) / rng.chisquare(repeats - 1, (count, 1)))
        drawn = means + scale * spread
        first = drawn >= drawn.max(axis=1, keepdims=True) - 1e-12
        share += (first / first.sum(axis=1, keepdims=True)).sum(axis=0)
    return pd.Series(share / draws, index=scores.columns)


def compare_repeats(
    scores: pd.DataFrame,
    *,
    n_train: float,
    n_test: float,
    cost: pd.Series | None = None,
    level: float = 0.05,
    seed: int = 0,
) -> pd.DataFrame:
    """Networks over repeated splits: how good, how sure, and which one to take.

    Parameters
    ----------
    scores : fractions, repeats (index) x networks (columns), every network on the same splits.
    n_train, n_test : as for ``corrected_interval``.
    cost : by network, as seconds an image; any unit, the less the better.
    level : p-values above it do not tell a network from the best.
    seed : of ``probability_best``.

    Returns
    -------
    frame : a row a network, the greatest mean first: ``score``, the mean; ``low`` and ``high``, at
        confidence ``1 - level``; ``p_value`` against the best, NaN for it; ``tied_with_best``, null
        where there is no test; ``probability_best``; ``cost``, NaN where it is not known; and
        ``recommended``, True for one row: of those level with the best the cheapest by known cost,
        else the best.

    Raises
    ------
    SpecError : there is no network, a size is not above 0, or a score is no fraction.
    """
    if scores.empty:
        raise SpecError("there is no score to compare: give repeats x networks")
    means = scores.mean(skipna=False).sort_values(ascending=False, kind="stable")
    best = means.index[0]
    ends = [
        corrected_interval(scores[name], n_train=n_train, n_test=n_test, level=1 - level)
        for name in means.index
    ]
    p = [
        corrected_t_test(scores[best], scores[name], n_train=n_train, n_test=n_test)
        for name in means.index[1:]
    ]
    tied = [True, *(None if math.isnan(v) else v > level for v in p)]
    table = pd.DataFrame(
        {
            "score": means,
            "low": [low for low, _ in ends],
            "high": [high for _, high in ends],
            "p_value": [math.nan, *p],
            "tied_with_best": pd.array(tied, dtype="boolean"),
            "probability_best": probability_best(
                scores[means.index], n_train=n_train, n_test=n_test, seed=seed
            ),
            "cost": math.nan if cost is None else cost.reindex(means.index),
        }
    )
    return table.assign(recommended=table.index == _recommended(table))


def _recommended(table: pd.DataFrame) -> object:
    """The name of the cheapest of those level with the best; the best where no cost is known."""
    level = table[table["tied_with_best"].fillna(False).astype(bool)]
    return level["cost"].idxmin() if level["cost"].notna().any() else table.index[0]


def _factor(repeats: int, n_train: float, n_test: float) -> float:
    """What the variance between repeats is multiplied by to be that of their mean."""
    for size, part in ((n_train, "n_train"), (n_test, "n_test")):
        if not size > 0:
            raise SpecError(f"{part} counts examples, and {size:g} is too few: at least 1")
    return 1 / repeats + n_test / n_train


def _fractions(values: NDArray[np.float64]) -> NDArray[np.float64]:
    outside = values[(values < 0) | (values > 1)]
    if outside.size:
        raise SpecError(
            f"a score is a fraction from 0 to 1, and {outside[0]:g} is not: divide percentages by "
            "100"
        )
    return values
