"""Repeated splits: the correction longhand, its coverage, the posterior against closed forms."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from penultimate.errors import SpecError
from penultimate.stats import (
    compare_repeats,
    corrected_interval,
    corrected_t_test,
    probability_best,
)

SIZES = {"n_train": 160, "n_test": 40}
A = [0.90, 0.85, 0.92, 0.88, 0.91]
B = [0.86, 0.84, 0.87, 0.89, 0.85]


def repeated(means, spread=0.02, repeats=10, seed=0, names="abcdef"):
    rng = np.random.default_rng(seed)
    values = np.array(means) + rng.normal(0, spread, (repeats, len(means)))
    return pd.DataFrame(values.clip(0, 1), columns=list(names[: len(means)]))


def test_the_interval_is_the_longhand_one():
    mean = sum(A) / 5
    variance = sum((s - mean) ** 2 for s in A) / 4
    half = 2.776445 * math.sqrt((1 / 5 + 40 / 160) * variance)  # t of 4 degrees, from a table
    assert corrected_interval(A, **SIZES) == pytest.approx((mean - half, mean + half), abs=1e-7)


def test_repeating_for_ever_does_not_end_in_certainty():
    """As R grows the width goes to that of n_test / n_train, not to nothing."""
    rng = np.random.default_rng(0)
    many = 0.8 + 0.02 * rng.standard_normal(5_000)
    low, high = corrected_interval(many, **SIZES)
    assert high - low == pytest.approx(2 * 1.96 * 0.02 * math.sqrt(0.25), rel=0.05)


def test_the_interval_covers_where_repeats_share_images():
    """Scores of correlation n_test / (n_train + n_test): 95 of 100 hold, uncorrected far fewer."""
    rng = np.random.default_rng(1)
    rho, held, naive = 40 / 200, 0, 0
    for _ in range(1000):
        shared = math.sqrt(rho) * rng.standard_normal()
        scores = 0.7 + 0.03 * (shared + math.sqrt(1 - rho) * rng.standard_normal(10))
        low, high = corrected_interval(scores, **SIZES)
        held += low <= 0.7 <= high
        half = stats.t.ppf(0.975, 9) * scores.std(ddof=1) / math.sqrt(10)
        naive += abs(scores.mean() - 0.7) <= half
    assert 0.93 <= held / 1000 <= 0.97
    assert naive / 1000 < 0.85


def test_the_paired_test_is_the_interval_of_differences():
    d = np.subtract(A, B)
    t = d.mean() / math.sqrt((1 / 5 + 40 / 160) * d.var(ddof=1))
    expected = 2 * (1 - stats.t.cdf(abs(t), 4))
    assert corrected_t_test(A, B, **SIZES) == pytest.approx(expected)
    assert corrected_t_test(B, A, **SIZES) == corrected_t_test(A, B, **SIZES)
    uncorrected = stats.ttest_rel(A, B).pvalue
    assert corrected_t_test(A, B, n_train=1e12, n_test=1) == pytest.approx(uncorrected, rel=1e-6)
    assert corrected_t_test(A, B, **SIZES) > uncorrected


def test_ends_stay_within_the_possible():
    low, high = corrected_interval([0.99, 1.0, 0.9], **SIZES)
    assert (high, low > 0) == (1.0, True)
    assert corrected_interval([0.01, 0.0, 0.1], **SIZES)[0] == 0.0


def test_what_cannot_be_estimated_is_nan():
    for scores in ([], [0.9], [0.9, math.nan]):
        assert np.isnan(corrected_interval(scores, **SIZES)).all()
        assert math.isnan(corrected_t_test(scores, scores, **SIZES))
        assert probability_best(pd.DataFrame({"a": scores}), **SIZES).isna().all()
    assert corrected_t_test(A, A, **SIZES) == 1
    assert corrected_t_test([0.75, 0.75], [0.5, 0.5], **SIZES) == 0


@pytest.mark.parametrize("n_test", [0, -3, math.nan])
def test_sizes_must_count(n_test):
    with pytest.raises(SpecError, match="n_test counts examples"):
        corrected_interval(A, n_train=10, n_test=n_test)
    with pytest.raises(SpecError, match="n_train counts examples"):
        probability_best(pd.DataFrame({"a": A}), n_train=n_test, n_test=3)


def test_percentages_and_unequal_repeats_are_refused():
    with pytest.raises(SpecError, match="divide percentages by 100"):
        corrected_interval([90, 85], **SIZES)
    with pytest.raises(ValueError, match="5 scores cannot be paired with 2"):
        corrected_t_test(A, B[:2], **SIZES)


class TestProbabilityOfBeingBest:
    def test_of_two_is_the_tail_of_the_corrected_test(self):
        found = probability_best(pd.DataFrame({"a": A, "b": B}), **SIZES)
        assert found["a"] == pytest.approx(1 - corrected_t_test(A, B, **SIZES) / 2, abs=0.006)
        assert found.sum() == pytest.approx(1)

    def test_of_three_is_that_of_draws_from_scipy_s_multivariate_t(self):
        scores = repeated([0.80, 0.81, 0.79], repeats=8, seed=3)
        shape = np.cov(scores.to_numpy().T) * (1 / 8 + 40 / 160)
        drawn = stats.multivariate_t.rvs(
            scores.mean(), shape, df=7, size=100_000, random_state=np.random.default_rng(5)
        )
        expected = np.bincount(drawn.argmax(axis=1), minlength=3) / 100_000
        assert probability_best(scores, **SIZES).tolist() == pytest.approx(expected, abs=0.01)

    def test_more_networks_than_repeats_are_no_difficulty(self):
        found = probability_best(repeated([0.8] * 6, repeats=3), **SIZES)
        assert found.sum() == pytest.approx(1)
        assert (found > 0).all()

    def test_twins_share_it(self):
        found = probability_best(pd.DataFrame({"a": A, "twin": A, "b": B}), **SIZES)
        assert found["a"] == pytest.approx(found["twin"])
        assert found.sum() == pytest.approx(1)

    def test_repeats_with_its_seed_and_only_with_it(self):
        scores = repeated([0.8, 0.81])
        first = probability_best(scores, **SIZES, seed=1, draws=1000)
        assert first.equals(probability_best(scores, **SIZES, seed=1, draws=1000))
        assert not first.equals(probability_best(scores, **SIZES, seed=2, draws=1000))


class TestCompared:
    def test_best_first_with_all_that_is_said_of_each(self):
        scores = repeated([0.80, 0.905, 0.90], spread=0.01, seed=4)
        found = compare_repeats(scores, **SIZES)
        assert found["score"].is_monotonic_decreasing
        best = found.index[0]
        for name, row in found.iterrows():
            assert row["score"] == pytest.approx(scores[name].mean())
            assert (row["low"], row["high"]) == corrected_interval(scores[name], **SIZES)
            if name != best:
                expected = corrected_t_test(scores[best], scores[name], **SIZES)
                assert row["p_value"] == expected
                assert row["tied_with_best"] == (expected > 0.05)
        assert not found.loc["a", "tied_with_best"]
        assert found["probability_best"].sum() == pytest.approx(1)

    def test_the_cheapest_of_those_that_cannot_be_told_apart_is_recommended(self):
        scores = repeated([0.80, 0.905, 0.90], spread=0.01, seed=4)
        assert compare_repeats(scores, **SIZES)["tied_with_best"].tolist() == [True, True, False]
        cost = pd.Series({"a": 0.1, "b": 3.0, "c": 1.0})
        found = compare_repeats(scores, **SIZES, cost=cost)
        assert found.index[found["recommended"]].tolist() == ["c"], "a is cheaper and behind"
        assert found["cost"].tolist() == cost[found.index].tolist()

    def test_without_a_known_cost_the_best_is_recommended(self):
        scores = repeated([0.80, 0.905, 0.90], spread=0.01, seed=4)
        for cost in (None, pd.Series({"a": 0.1})):
            found = compare_repeats(scores, **SIZES, cost=cost)
            assert found["recommended"].tolist() == [True, False, False]

    def test_one_repeat_has_no_test_and_one_answer(self):
        found = compare_repeats(repeated([0.8, 0.9], repeats=1), **SIZES)
        assert list(found.index) == ["b", "a"]
        assert found["tied_with_best"].tolist() == [True, pd.NA]
        assert found["recommended"].tolist() == [True, False]
        assert found[["low", "high", "p_value", "probability_best"]].isna().all(axis=None)

    def test_nothing_to_compare_is_an_error(self):
        with pytest.raises(SpecError, match="no score to compare"):
            compare_repeats(pd.DataFrame(), **SIZES)
