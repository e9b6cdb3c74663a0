"""Settings over networks: Wilcoxon against full enumeration, and the counts of pairs."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from penultimate.errors import SpecError
from penultimate.stats import compare_settings, count_pairs, holm


def frames(networks=9, sets=2, gain=0.3, seed=0):
    rng = np.random.default_rng(seed)
    base = rng.normal(1, 0.5, (networks, sets))
    index = [f"m{i}" for i in range(networks)]
    columns = [f"d{i}" for i in range(sets)]
    return [
        pd.DataFrame(1 / (1 + np.exp(-x)), index=index, columns=columns)
        for x in (base + rng.normal(gain, 0.4, base.shape), base)
    ]


def signed_rank(differences):
    """Both tails of the sum of positive ranks, over all signs one by one."""
    size = np.abs(differences)
    ranks = [sum(other <= own for other in size) for own in size]
    middle = sum(ranks) / 2
    seen = abs(sum(r for r, d in zip(ranks, differences, strict=True) if d > 0) - middle)
    signs = itertools.product([0, 1], repeat=len(ranks))
    return np.mean([abs(np.dot(s, ranks) - middle) >= seen - 1e-9 for s in signs])


def test_wilcoxon_is_the_full_enumeration_on_log_odds():
    a, b = frames()
    found = compare_settings(a, b)
    for name in a:
        x, y = (np.log(f[name] / (1 - f[name])).to_numpy() for f in (a, b))
        assert found.loc[name, "p_value"] == pytest.approx(signed_rank(x - y))
        assert found.loc[name, "mean_difference"] == pytest.approx((x - y).mean())
        assert found.loc[name, "above"] == sum(x > y)
        assert found.loc[name, "networks"] == 9
    assert found["p_holm"].tolist() == pytest.approx(holm(found["p_value"]))


def test_the_scale_is_log_odds_and_not_accuracy():
    """Small gains near 100 % outweigh larger losses at 50 %: the ranks are of log odds."""
    a = pd.DataFrame({"d": [0.999, 0.998, 0.54, 0.53, 0.52]})
    b = pd.DataFrame({"d": [0.98, 0.981, 0.60, 0.60, 0.60]})
    on_accuracy = signed_rank((a - b)["d"].to_numpy())
    p = compare_settings(a, b).loc["d", "p_value"]
    assert p == pytest.approx(signed_rank(np.log(a / (1 - a) / (b / (1 - b)))["d"].to_numpy()))
    assert p != on_accuracy


def test_the_other_way_round_is_the_same_evidence():
    a, b = frames(12)
    there, back = compare_settings(a, b), compare_settings(b, a)
    assert there["p_value"].tolist() == pytest.approx(back["p_value"].tolist())
    assert there["mean_difference"].tolist() == pytest.approx((-back["mean_difference"]).tolist())
    assert there["above"].tolist() == back["below"].tolist()


def test_equal_settings_are_no_evidence_and_one_network_none_at_all():
    a, b = frames()
    same = compare_settings(a, a)
    assert (same["p_value"] == 1).all()
    assert (same["equal"] == 9).all()
    assert compare_settings(a[:1], b[:1])["p_value"].isna().all()


def test_pairs_are_counted():
    a, b = frames(gain=0.5)
    b.iloc[0, 0] = a.iloc[0, 0]
    count = count_pairs(a, b)
    above = sum(x > y for x, y in zip(a.to_numpy().flat, b.to_numpy().flat, strict=True))
    assert (count.above, count.equal, count.pairs) == (above, 1, 18)
    assert count.above + count.below + count.equal == count.pairs
    assert str(count) == f"above in {above} of 18 pairs"


def test_only_what_both_have_counts_and_it_is_matched_by_name():
    a, b = frames(sets=3)
    a.iloc[2, 0] = math.nan
    other = b[b.columns[::-1]].iloc[::-1].drop(index="m0").drop(columns="d2").assign(new=0.5)
    assert count_pairs(a, other).pairs == 8 * 2 - 1
    found = compare_settings(a, other)
    assert list(found.index) == ["d0", "d1"]
    assert found["networks"].tolist() == [7, 8]
    kept = [f"m{i}" for i in range(1, 9)]
    assert (
        found.loc["d1", "p_value"]
        == compare_settings(a.loc[kept], b.loc[kept]).loc["d1", "p_value"]
    )


def test_the_size_of_a_test_set_goes_by_its_name():
    a = pd.DataFrame({"d": [1.0, 0.9, 0.8], "e": [0.5, 0.5, 0.5]})
    b = pd.DataFrame({"d": [0.9, 0.8, 0.7], "e": [0.4, 0.6, 0.5]})
    with pytest.raises(SpecError, match="give n"):
        compare_settings(a, b)
    found = compare_settings(a, b, n=pd.Series({"e": 5, "d": 20}))
    differences = [math.log(20.5 / 0.5 / 9), math.log(9 / 4), math.log(4 / (7 / 3))]
    assert found.loc["d", "mean_difference"] == pytest.approx(np.mean(differences))


def test_nothing_in_common_is_an_error():
    a, b = frames()
    with pytest.raises(SpecError, match="no network in common"):
        count_pairs(a, b.rename(index="x{}".format))
    with pytest.raises(SpecError, match="no data set in common"):
        compare_settings(a, b.rename(columns="x{}".format))
    with pytest.raises(SpecError, match="a network is there twice"):
        compare_settings(pd.concat([a, a[:1]]), b)
