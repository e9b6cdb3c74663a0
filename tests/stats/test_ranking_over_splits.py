"""Ranking of networks that were scored over several splits."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from penultimate.stats import (
    compare_pair,
    compare_repeats,
    corrected_difference,
    corrected_interval,
    corrected_t_test,
    exact_mcnemar,
    latest,
    rank,
)
from penultimate.stats.repeated import CORRECTED

TRAIN, VAL, TEST = 120, 40, 40


def runs(scores: dict[str, list[float]], *, seed: int = 0, **columns) -> pd.DataFrame:
    """A row a run, repeats counted from 0: ``scores`` by backbone."""
    rows = [
        {
            "run": f"{name}/{seed}/{repeat}",
            "repeat_of": f"{name}/{seed}/0",
            "backbone": name,
            "task": "photos",
            "method": "linear-probe",
            "measure": "top-1",
            "score": score,
            "ci_low": score - 0.1,
            "ci_high": score + 0.1,
            "n_train": TRAIN,
            "n_val": VAL,
            "n_test": TEST,
            "seed": seed,
            "repeat": repeat,
            "images_per_second": 10.0,
            "l2": 1.0,
            "converged": True,
            "created": "2026-01-01",
            "data": f"split {seed} {repeat}",
        }
        for name, values in scores.items()
        for repeat, score in enumerate(values)
    ]
    return pd.DataFrame(rows).assign(**columns)


def unread(run: str) -> pd.DataFrame:
    raise AssertionError(f"the predictions of {run} are not needed")


def predicted(frame: pd.DataFrame):
    """Each run right on its first images."""

    def predictions(run: str) -> pd.DataFrame:
        right = np.arange(TEST) < round(frame.set_index("run")["score"][run] * TEST)
        return pd.DataFrame(
            {
                "example_id": [f"{i:03}" for i in range(TEST)],
                "label": np.arange(TEST) % 4,
                "predicted": np.where(right, np.arange(TEST) % 4, 9),
            }
        )

    return predictions


def drawn(means: dict[str, float], repeats: int = 20, seed: int = 0) -> dict[str, list[float]]:
    """Scores over splits that are hard or easy for all."""
    random = np.random.default_rng(seed)
    split = random.normal(0, 0.03, repeats)
    return {
        name: list(np.clip(mean + split + random.normal(0, 0.02, repeats), 0, 1))
        for name, mean in means.items()
    }


def test_a_row_is_what_the_statistics_of_repeats_say():
    """Against ``compare_repeats``, which knows nothing of frames of runs."""
    scores = drawn({"a": 0.80, "b": 0.83, "c": 0.70})
    ranking = rank(runs(scores), unread).set_index("backbone")
    expected = compare_repeats(pd.DataFrame(scores), n_train=TRAIN + VAL, n_test=TEST)
    assert list(ranking.index) == list(expected.index) == ["b", "a", "c"]
    for ours, theirs in [
        ("score", "score"),
        ("ci_low", "low"),
        ("ci_high", "high"),
        ("p_value", "p_value"),
        ("probability_best", "probability_best"),
    ]:
        np.testing.assert_allclose(ranking[ours], expected[theirs], rtol=1e-12, err_msg=ours)
    assert ranking["tied_with_best"].tolist() == expected["tied_with_best"].tolist()
    assert ranking["comparison"].tolist() == ["best", CORRECTED, CORRECTED]
    assert ranking["repeats"].tolist() == [20, 20, 20]
    assert ranking["seeds"].tolist() == [1, 1, 1]
    assert ranking["run"]["a"] == "a/0/0"  # the first split's
    assert ranking["l2"].isna().all()  # chosen anew on each split
    np.testing.assert_allclose(ranking["score_sd"]["a"], np.std(scores["a"], ddof=1))


def test_seeds_and_repeats_are_splits_together():
    one, other = drawn({"a": 0.8, "b": 0.83}, 5), drawn({"a": 0.8, "b": 0.83}, 5, seed=1)
    frame = pd.concat([runs(one), runs(other, seed=1)])
    ranking = rank(frame, unread).set_index("backbone")
    both = {name: one[name] + other[name] for name in one}
    sizes = {"n_train": TRAIN + VAL, "n_test": TEST}
    low, high = corrected_interval(both["b"], **sizes)
    assert ranking.loc["b", ["ci_low", "ci_high"]].tolist() == pytest.approx([low, high])
    assert ranking["p_value"]["a"] == pytest.approx(corrected_t_test(both["b"], both["a"], **sizes))
    assert ranking["seeds"].tolist() == [2, 2]
    assert ranking["repeats"].tolist() == [5, 5]
    by_seed = rank(frame, unread, by_seed=True)
    assert len(by_seed) == 4
    assert by_seed["repeats"].tolist() == [5] * 4


def test_the_order_of_rows_does_not_matter():
    frame = runs(drawn({"a": 0.8, "b": 0.83, "c": 0.82}))
    shuffled = frame.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(rank(frame, unread), rank(shuffled, unread))


def test_with_one_split_in_common_the_test_is_that_split_s():
    scores = drawn({"a": 0.9, "b": 0.6})
    frame = runs(scores | {"b": scores["b"][:1]})
    ranking = rank(frame, predicted(frame)).set_index("backbone")
    right = {n: np.arange(TEST) < round(scores[n][0] * TEST) for n in "ab"}
    assert ranking["p_value"]["b"] == exact_mcnemar(right["a"], right["b"])
    assert ranking["comparison"]["b"] == "exact McNemar test"
    assert ranking["repeats"].tolist() == [20, 1]
    assert ranking["probability_best"].isna().all()  # of one alone there is nothing to say


def test_probabilities_are_of_those_that_are_repeated():
    scores = drawn({"a": 0.9, "b": 0.6, "c": 0.89})
    frame = runs(scores | {"b": scores["b"][:1]})
    ranking = rank(frame, predicted(frame)).set_index("backbone")
    assert math.isnan(ranking["probability_best"]["b"])
    assert ranking["probability_best"][["a", "c"]].sum() == pytest.approx(1)


def test_splits_that_not_both_have_are_left_out_of_the_test():
    scores = drawn({"a": 0.9, "b": 0.85})
    frame = runs(scores)
    frame = frame[~((frame["backbone"] == "b") & (frame["repeat"].isin([0, 7])))]
    ranking = rank(frame, unread).set_index("backbone")
    keep = [r for r in range(20) if r not in (0, 7)]
    p = corrected_t_test(
        [scores["a"][r] for r in keep], [scores["b"][r] for r in keep], n_train=160, n_test=40
    )
    assert ranking["p_value"]["b"] == pytest.approx(p)
    assert ranking["repeats"].tolist() == [20, 18]


def test_other_data_under_the_same_seeds_and_repeats_are_not_paired():
    frame = runs(drawn({"a": 0.9, "b": 0.85}))
    frame.loc[frame["backbone"] == "b", "data"] += " of other photographs"
    ranking = rank(frame, unread).set_index("backbone")
    assert ranking["comparison"]["b"] == "other test examples"
    assert ranking["probability_best"].isna().all()


def test_a_score_that_is_not_defined_has_no_mean_no_test_and_no_probability():
    scores = drawn({"a": 0.9, "b": 0.85, "c": 0.8})
    scores["b"][4] = math.nan
    ranking = rank(runs(scores), unread).set_index("backbone")
    assert ranking.loc["b", ["score", "ci_low", "p_value", "probability_best"]].isna().all()
    assert ranking["comparison"]["b"] == "no score"
    assert ranking["probability_best"][["a", "c"]].sum() == pytest.approx(1)


def test_where_no_split_differs_the_interval_still_has_a_width():
    ranking = rank(runs({"a": [1.0] * 20, "b": [0.9] * 20}), unread).set_index("backbone")
    assert ranking["ci_low"]["a"] == pytest.approx(0.981, abs=0.001)  # Wilson's, of 200 images
    assert ranking["ci_high"]["a"] == 1
    assert ranking["ci_low"]["b"] < 0.9 < ranking["ci_high"]["b"]


def test_the_latest_repeats_are_those_of_the_latest_run():
    """Photographs changed: the repeats on the old ones are not averaged with the new run."""
    old = runs({"a": [0.5] * 5, "b": [0.6] * 5})
    new = runs({"a": [0.9]}, created="2026-02-01").assign(run="new", repeat_of="new")
    kept = latest(pd.concat([old, new]))
    assert kept[kept["backbone"] == "a"]["run"].tolist() == ["new"]
    assert len(kept[kept["backbone"] == "b"]) == 5
    later = runs({"b": [0.7] * 3}, created="2026-02-01")  # more repeats of the same first run
    later["run"] += " again"
    kept = latest(pd.concat([old, later]))
    assert kept[kept["backbone"] == "b"]["score"].tolist() == [0.6, 0.6, 0.7, 0.7, 0.7]


def test_a_pair_is_compared_over_the_splits_that_both_have():
    scores = drawn({"a": 0.9, "b": 0.86}, 12)
    frame = runs(scores)
    a, b = (frame[frame["backbone"] == name] for name in "ab")
    row = compare_pair(a, b[b["repeat"] < 9], unread).iloc[0]
    mine, theirs = np.array(scores["a"][:9]), np.array(scores["b"][:9])
    sizes = {"n_train": TRAIN + VAL, "n_test": TEST}
    assert row["p_value"] == pytest.approx(corrected_t_test(mine, theirs, **sizes))
    low, high = corrected_difference(mine, theirs, **sizes)
    assert (row["low"], row["high"]) == pytest.approx((low, high))
    assert row["difference"] == pytest.approx((mine - theirs).mean())
    assert (row["repeats"], row["seeds"]) == (9, 1)
    assert pd.isna(row["only_a"])


def test_a_pair_of_which_one_was_run_once_is_compared_there():
    frame = runs(drawn({"a": 0.9, "b": 0.86}, 12))
    a, b = (frame[frame["backbone"] == name] for name in "ab")
    row = compare_pair(a, b[b["repeat"] == 0], predicted(frame)).iloc[0]
    assert row["comparison"] == "exact McNemar test"
    assert row["score_a"] == a["score"].iloc[0]
    assert row["repeats"] == 1


def test_the_interval_of_a_difference_holds_zero_where_the_test_does_not_tell_them_apart():
    random = np.random.default_rng(0)
    sizes = {"n_train": TRAIN + VAL, "n_test": TEST}
    told = 0
    for gap in np.linspace(0, 0.06, 40):
        a = np.clip(0.8 + random.normal(0, 0.03, 10), 0, 1)
        b = np.clip(a - gap + random.normal(0, 0.02, 10), 0, 1)
        low, high = corrected_difference(a, b, **sizes)
        p = corrected_t_test(a, b, **sizes)
        assert (low <= 0 <= high) == (p >= 0.05)
        told += p < 0.05
    assert 5 < told < 35
