"""The paired t-test, the set level with the best, and Holm's correction."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from penultimate.errors import SpecError, UnknownNameError
from penultimate.stats import adjusted_log_odds, compare_with_best, holm, paired_t_test


def grid(*rows, names="abcdef"):
    """Accuracies from log odds, a row a network."""
    values = 1 / (1 + np.exp(-np.array(rows, dtype=float)))
    return pd.DataFrame(values, index=list(names[: len(rows)]))


class TestPairedT:
    def test_is_the_longhand_and_scipy_s(self):
        a, b = [0.9, 0.8, 0.95, 0.6], [0.85, 0.82, 0.9, 0.5]
        log_odds = [[math.log(p / (1 - p)) for p in accuracy] for accuracy in (a, b)]
        d = [x - y for x, y in zip(*log_odds, strict=True)]
        mean = sum(d) / 4
        t = mean / math.sqrt(sum((v - mean) ** 2 for v in d) / 3 / 4)
        # P(|T| > t) with three degrees of freedom, in closed form.
        u = t / math.sqrt(3)
        p = 1 - 2 / math.pi * (u / (1 + u * u) + math.atan(u))
        assert paired_t_test(a, b) == pytest.approx(p, rel=1e-9)
        assert paired_t_test(a, b) == pytest.approx(stats.ttest_rel(*log_odds).pvalue, rel=1e-12)
        assert paired_t_test(b, a) == paired_t_test(a, b)

    def test_holds_its_level(self):
        """Of 1,000 pairs that do not differ on average, about 50 are called different."""
        rng = np.random.default_rng(0)
        called = sum(
            paired_t_test(*(1 / (1 + np.exp(-rng.normal(1, 0.5, (2, 12)))))) < 0.05
            for _ in range(1000)
        )
        assert 30 <= called <= 72

    def test_of_one_data_set_is_undefined(self):
        assert math.isnan(paired_t_test([0.9], [0.8]))
        assert math.isnan(paired_t_test([], []))
        assert math.isnan(paired_t_test([0.9, math.nan], [0.8, 0.7]))

    def test_of_what_never_differs_is_no_evidence(self):
        assert paired_t_test([0.9, 0.8], [0.9, 0.8]) == 1
        assert paired_t_test([0.5, 0.5], [0.8, 0.8]) == 0

    def test_takes_the_sizes_of_the_test_sets(self):
        a, b, n = [1.0, 0.8, 0.9], [0.9, 0.7, 0.7], [10, 100, 1000]
        inside = [10.5 / 11, 0.8, 0.9]
        assert paired_t_test(a, b, n=n) == pytest.approx(paired_t_test(inside, b))
        with pytest.raises(SpecError, match="give n"):
            paired_t_test(a, b)

    def test_needs_pairs(self):
        with pytest.raises(ValueError, match="3 accuracies cannot be paired with 2"):
            paired_t_test([0.1, 0.2, 0.3], [0.1, 0.2])


class TestAgainstTheBest:
    accuracy = grid(
        [1.0, 2.0, 0.2, 1.2],  # level with the best
        [1.1, 1.9, 0.3, 1.3],  # the best
        [0.5, 1.4, -0.4, 0.8],  # behind everywhere
    )

    def test_best_first_with_the_paired_t_test_of_each(self):
        found = compare_with_best(self.accuracy)
        assert list(found.index) == ["b", "a", "c"]
        assert found["tied_with_best"].tolist() == [True, True, False]
        assert math.isnan(found.loc["b", "p_value"])
        for name in "ac":
            expected = paired_t_test(self.accuracy.loc["b"], self.accuracy.loc[name])
            assert found.loc[name, "p_value"] == pytest.approx(expected)
        pd.testing.assert_frame_equal(
            found[["mean", "standard_error"]], adjusted_log_odds(self.accuracy).loc[list("bac")]
        )

    def test_holm_is_offered_and_the_paper_s_rule_is_the_default(self):
        plain = compare_with_best(self.accuracy)["p_value"]
        corrected = compare_with_best(self.accuracy, correction="holm")["p_value"]
        assert corrected.tolist()[1:] == pytest.approx(holm(plain[1:]))
        assert (corrected[1:] > plain[1:]).any()
        with pytest.raises(UnknownNameError, match="did you mean 'holm'"):
            compare_with_best(self.accuracy, correction="holmes")

    def test_correction_and_level_decide_who_is_level(self):
        p = compare_with_best(self.accuracy).loc["c", "p_value"]
        assert not compare_with_best(self.accuracy, level=p * 1.01).loc["c", "tied_with_best"]
        assert compare_with_best(self.accuracy, level=p * 0.99).loc["c", "tied_with_best"]
        corrected = compare_with_best(self.accuracy, level=p * 1.01, correction="holm")
        assert corrected.loc["c", "tied_with_best"]
        with pytest.raises(SpecError, match="level is a p-value"):
            compare_with_best(self.accuracy, level=5)

    def test_one_data_set_has_no_test(self):
        found = compare_with_best(self.accuracy[[0]])
        assert found["tied_with_best"].tolist() == [True, pd.NA, pd.NA]
        assert found["p_value"].isna().all()

    def test_one_network_is_the_best(self):
        assert compare_with_best(self.accuracy.loc[["c"]])["tied_with_best"].tolist() == [True]

    def test_twins_are_level(self):
        twins = compare_with_best(grid([1, 2], [1, 2], [0, 1.5]))
        assert twins.loc["b", "p_value"] == 1
        assert list(twins.index)[:2] == ["a", "b"], "equals keep their order"


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
@settings(max_examples=60)
def test_holm_is_the_closure_of_bonferroni(p_values):
    """Its definition by closed testing: the largest Bonferroni p of all subsets it is in."""
    m = len(p_values)
    subsets = [s for size in range(1, m + 1) for s in itertools.combinations(range(m), size)]
    expected = [
        max(min(1, len(s) * min(p_values[i] for i in s)) for s in subsets if k in s)
        for k in range(m)
    ]
    assert holm(p_values).tolist() == pytest.approx(expected, abs=1e-12)


def test_what_was_not_tested_does_not_count():
    found = holm([0.01, math.nan, 0.04])
    assert found[[0, 2]].tolist() == pytest.approx([0.02, 0.04])
    assert math.isnan(found[1])
    assert holm([]).tolist() == []
    assert np.isnan(holm([math.nan])).all()
