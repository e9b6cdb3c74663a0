"""Correlation and line against loops written out, SciPy on each resample, and their laws."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from penultimate.errors import SpecError, UnknownNameError
from penultimate.stats import correlation, regression_band


def study(networks=16, sets=4, noise=0.3, seed=0):
    """ImageNet accuracies, and transfer accuracies that follow them with noise."""
    rng = np.random.default_rng(seed)
    names = [f"net {i}" for i in range(networks)]
    x = np.sort(rng.normal(1.2, 0.3, networks))
    y = x[:, None] + rng.normal(0, 1, sets) + rng.normal(0, noise, (networks, sets))
    accuracy = pd.DataFrame(
        1 / (1 + np.exp(-y)), index=names, columns=[f"set {i}" for i in range(sets)]
    )
    return pd.Series(1 / (1 + np.exp(-x)), index=names), accuracy


def log_odds(p):
    return math.log(p / (1 - p))


def longhand_points(imagenet, accuracy):
    x = [log_odds(imagenet[name]) for name in accuracy.index]
    y = [sum(map(log_odds, row)) / len(row) for row in accuracy.to_numpy().tolist()]
    return x, y


def longhand_r(x, y):
    a, b = sum(x) / len(x), sum(y) / len(y)
    top = sum((u - a) * (v - b) for u, v in zip(x, y, strict=True))
    return top / math.sqrt(sum((u - a) ** 2 for u in x) * sum((v - b) ** 2 for v in y))


@given(st.integers(4, 16), st.integers(1, 5), st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_r_and_rho_are_the_longhand_ones(networks, sets, seed):
    imagenet, accuracy = study(networks, sets, seed=seed)
    row = correlation(imagenet, accuracy, resamples=10).loc["all"]
    x, y = longhand_points(imagenet, accuracy)
    assert row["r"] == pytest.approx(longhand_r(x, y), abs=1e-12)
    ranks = [sorted(v).index(u) + 1 for v in (x, y) for u in v]
    rho = longhand_r(ranks[:networks], ranks[networks:])
    assert row["rho"] == pytest.approx(rho, abs=1e-12)
    t = row["r"] * math.sqrt((networks - 2) / (1 - row["r"] ** 2))
    assert row["r_p"] == pytest.approx(2 * stats.t.sf(abs(t), networks - 2), rel=1e-6)
    assert (row["networks"], row["data_sets"]) == (networks, sets)


def test_intervals_are_those_of_resamples_of_networks_one_by_one():
    imagenet, accuracy = study(10)
    row = correlation(imagenet, accuracy, resamples=4000).loc["all"]
    x, y = map(np.array, longhand_points(imagenet, accuracy))
    rng = np.random.default_rng(7)
    r, rho = [], []
    for _ in range(1500):
        drawn = rng.choice(10, 10)
        r.append(stats.pearsonr(x[drawn], y[drawn]).statistic)
        rho.append(stats.spearmanr(x[drawn], y[drawn]).statistic)
    assert [row["r_low"], row["r_high"]] == pytest.approx(np.quantile(r, [0.025, 0.975]), abs=0.04)
    assert [row["rho_low"], row["rho_high"]] == pytest.approx(
        np.quantile(rho, [0.025, 0.975]), abs=0.06
    )


def test_resampling_repeats_with_its_seed_and_only_with_it():
    imagenet, accuracy = study()
    first = correlation(imagenet, accuracy, resamples=500, seed=1)
    pd.testing.assert_frame_equal(first, correlation(imagenet, accuracy, resamples=500, seed=1))
    other = correlation(imagenet, accuracy, resamples=500, seed=2)
    assert first.loc["all", "r_low"] != other.loc["all", "r_low"]


def test_groups_are_the_correlation_of_their_data_sets():
    imagenet, accuracy = study()
    groups = {"small": ["set 0", "set 2"], "large": ["set 1"]}
    found = correlation(imagenet, accuracy, groups, resamples=300)
    assert list(found.index) == ["all", "small", "large"]
    assert found.index.name == "group"
    assert found["data_sets"].tolist() == [4, 2, 1]
    for name, sets in groups.items():
        alone = correlation(imagenet, accuracy[sets], resamples=300).loc["all"]
        pd.testing.assert_series_equal(found.loc[name], alone, check_names=False)


def test_networks_are_matched_by_name_and_not_by_place():
    imagenet, accuracy = study()
    more = pd.concat([imagenet[::-1], pd.Series({"another": 0.5})])
    found = correlation(more, accuracy, resamples=100)
    pd.testing.assert_frame_equal(found, correlation(imagenet, accuracy, resamples=100))


def test_nothing_depends_on_a_data_set_s_difficulty_or_on_the_order_of_data_sets():
    imagenet, accuracy = study()
    odds = accuracy / (1 - accuracy)
    odds["set 1"] *= 7
    harder = (odds / (1 + odds))[accuracy.columns[::-1]]
    kept = ["r", "r_low", "r_high", "r_p", "rho", "rho_p", "slope"]
    pd.testing.assert_frame_equal(
        correlation(imagenet, harder, resamples=100)[kept],
        correlation(imagenet, accuracy, resamples=100)[kept],
    )


def test_the_p_value_of_rho_counts_all_orders_of_few_networks():
    """A perfect order of four: 2 of 24 orders are as far from none, and never certainty."""
    imagenet, accuracy = study(4, noise=0)
    row = correlation(imagenet, accuracy, resamples=10).loc["all"]
    assert row["rho"] == 1
    assert row["rho_p"] == pytest.approx(2 / 24)
    imagenet, accuracy = study(6, noise=0.5)
    row = correlation(imagenet, accuracy, resamples=10).loc["all"]
    x, y = longhand_points(imagenet, accuracy)
    seen = abs(stats.spearmanr(x, y).statistic)
    orders = [
        abs(longhand_r(order, list(stats.rankdata(y)))) >= seen - 1e-12
        for order in itertools.permutations(range(6))
    ]
    assert row["rho_p"] == pytest.approx(np.mean(orders))


@pytest.mark.parametrize("networks", [1, 2])
def test_two_networks_always_lie_on_a_line_and_say_nothing(networks):
    imagenet, accuracy = study(networks)
    row = correlation(imagenet, accuracy, resamples=10).loc["all"]
    assert row["networks"] == networks
    assert row.drop(["networks", "data_sets"]).isna().all()
    band = regression_band(imagenet, accuracy, resamples=10)
    assert band[["line", "low", "high"]].isna().all(axis=None)


def test_equal_networks_have_no_correlation():
    imagenet, accuracy = study(5)
    assert math.isnan(correlation(imagenet * 0 + 0.7, accuracy).loc["all", "r"])
    assert math.isnan(correlation(imagenet, accuracy * 0 + 0.7).loc["all", "rho"])


def test_three_networks_have_an_interval_though_some_resamples_have_none():
    imagenet, accuracy = study(3)
    row = correlation(imagenet, accuracy, resamples=200).loc["all"]
    assert -1 <= row["r_low"] <= row["r_high"] <= 1


class TestMistakes:
    def test_a_network_without_imagenet_accuracy(self):
        imagenet, accuracy = study()
        with pytest.raises(SpecError, match="net 3 has no ImageNet accuracy: give it"):
            correlation(imagenet.drop("net 3"), accuracy)
        with pytest.raises(SpecError, match="net 3 and 1 more have no ImageNet accuracy"):
            correlation(imagenet.drop(["net 3", "net 5"]), accuracy)

    def test_a_network_with_two(self):
        imagenet, accuracy = study()
        with pytest.raises(SpecError, match="net 0 has two ImageNet accuracies"):
            correlation(pd.concat([imagenet, imagenet[:1]]), accuracy)

    def test_percentages(self):
        imagenet, accuracy = study()
        with pytest.raises(SpecError, match="divide percentages by 100"):
            correlation(100 * imagenet, accuracy)

    def test_groups_of_unknown_data_sets_or_of_none(self):
        imagenet, accuracy = study()
        with pytest.raises(UnknownNameError, match="did you mean 'set 1'"):
            correlation(imagenet, accuracy, {"small": ["sett 1"]})
        with pytest.raises(SpecError, match="the group 'small' has no data set"):
            correlation(imagenet, accuracy, {"small": []})
        with pytest.raises(SpecError, match="is the group of every data set"):
            correlation(imagenet, accuracy, {"all": ["set 1"]})


def test_the_line_is_least_squares_and_its_band_that_of_resampled_lines():
    imagenet, accuracy = study(12)
    at = [0.6, 0.75, 0.85]
    band = regression_band(imagenet, accuracy, at=at, resamples=4000)
    x, y = map(np.array, longhand_points(imagenet, accuracy))
    fit = stats.linregress(x, y)
    places = np.array([log_odds(p) for p in at])
    assert band["imagenet"].tolist() == pytest.approx(places)
    assert band["line"].tolist() == pytest.approx(fit.intercept + fit.slope * places)
    rng = np.random.default_rng(3)
    lines = []
    for _ in range(1500):
        drawn = rng.choice(12, 12)
        again = stats.linregress(x[drawn], y[drawn])
        lines.append(again.intercept + again.slope * places)
    low, high = np.quantile(lines, [0.025, 0.975], axis=0)
    assert band["low"].tolist() == pytest.approx(low, abs=0.03)
    assert band["high"].tolist() == pytest.approx(high, abs=0.03)
    row = correlation(imagenet, accuracy, resamples=10).loc["all"]
    assert [row["slope"], row["intercept"]] == pytest.approx([fit.slope, fit.intercept])


def test_the_band_reaches_from_the_least_to_the_greatest_and_holds_the_line():
    imagenet, accuracy = study(9)
    band = regression_band(imagenet, accuracy, resamples=500)
    assert len(band) == 100
    assert band["imagenet"].iloc[[0, -1]].tolist() == pytest.approx(
        [log_odds(imagenet.min()), log_odds(imagenet.max())]
    )
    assert ((band["low"] <= band["line"]) & (band["line"] <= band["high"])).all()
