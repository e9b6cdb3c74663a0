"""Ranking of hand-written frames."""

import math

import numpy as np
import pandas as pd
import pytest

from penultimate.errors import StoreError
from penultimate.stats import exact_mcnemar, latest, rank, standing

N = 100


def runs(*cells, measure="top-1"):
    """A frame as the store gives it, of ``(task, backbone, seed, right)``; run names them all."""
    return pd.DataFrame(
        [
            {
                "run": f"{task}/{backbone}/{seed}",
                "backbone": backbone,
                "task": task,
                "method": "linear-probe",
                "measure": measure,
                "score": right / N,
                "ci_low": right / N - 0.05,
                "ci_high": right / N + 0.05,
                "n_test": N,
                "seed": seed,
                "images_per_second": math.nan,
                "l2": 1.0,
                "converged": True,
                "created": "2026-01-01",
            }
            for task, backbone, seed, right in cells
        ]
    )


def predicted(frame, first_right=None, ids=None):
    """Predictions of each run; right on examples ``first .. first + right - 1``, wrapping."""
    shift = first_right or {}

    def predictions(run):
        row = frame.set_index("run").loc[run]
        start = shift.get(run, 0)
        right = np.zeros(N, dtype=bool)
        right[(start + np.arange(round(row["score"] * N))) % N] = True
        labels = np.arange(N) % 4
        names = (ids or {}).get(run, "image")
        return pd.DataFrame(
            {
                "example_id": [f"{names}-{i:03}" for i in range(N)],
                "label": labels,
                "predicted": np.where(right, labels, (labels + 1) % 4),
            }
        ).sample(frac=1, random_state=len(run))  # the order of rows must not matter

    return predictions


def test_ranks_and_exact_p_values():
    frame = runs(("t", "a", 0, 80), ("t", "b", 0, 90), ("t", "c", 0, 88))
    ranking = rank(frame, predicted(frame))
    assert ranking["backbone"].tolist() == ["b", "c", "a"]
    assert ranking["rank"].tolist() == [1, 2, 3]
    right = {n: np.arange(N) < n for n in (90, 88, 80)}
    assert math.isnan(ranking["p_value"][0])
    assert ranking["p_value"][1] == exact_mcnemar(right[90], right[88]) == 0.5
    assert ranking["p_value"][2] == exact_mcnemar(right[90], right[80]) == 2 / 1024
    assert ranking["tied_with_best"].tolist() == [True, True, False]
    assert ranking["comparison"].tolist() == ["best", "exact McNemar test", "exact McNemar test"]


def test_groups_are_task_method_measure_and_seed():
    frame = pd.concat(
        [
            runs(("t", "a", 0, 80), ("t", "b", 0, 90), ("t", "a", 1, 95), ("t", "b", 1, 60)),
            runs(("u", "a", 0, 50)),
            runs(("t", "c", 0, 99), measure="mean-per-class"),
        ],
        ignore_index=True,
    )
    ranking = rank(frame, predicted(frame), by_seed=True)
    best = ranking[ranking["rank"] == 1]
    assert best["run"].tolist() == ["t/c/0", "t/b/0", "t/a/1", "u/a/0"]
    assert len(ranking) == 6


def test_equal_scores_share_a_rank_and_are_still_tested():
    frame = runs(("t", "a", 0, 50), ("t", "b", 0, 50), ("t", "c", 0, 10))
    ranking = rank(frame, predicted(frame, first_right={"t/b/0": 50}))
    assert ranking["rank"].tolist() == [1, 1, 3]
    assert ranking["p_value"][1] == 1.0


def test_mean_per_class_is_tested_by_exchange():
    frame = runs(("t", "a", 0, 80), ("t", "b", 0, 90), measure="mean-per-class")
    ranking = rank(frame, predicted(frame))
    assert ranking["comparison"][1] == "exchange of predictions"
    assert ranking["p_value"][1] == pytest.approx(2 / 1024, abs=6e-4)


def test_another_split_or_missing_predictions_give_no_p_and_say_so():
    frame = runs(("t", "a", 0, 80), ("t", "b", 0, 90), ("t", "c", 0, 70))
    table = predicted(frame, ids={"t/a/0": "other"})

    def predictions(run):
        if run == "t/c/0":
            raise StoreError("gone")
        return table(run)

    ranking = rank(frame, predictions)
    assert ranking["p_value"].isna().all()
    assert ranking["comparison"].tolist() == [
        "best",
        "other test examples",
        "predictions are missing",
    ]
    assert ranking["tied_with_best"].isna().tolist() == [False, True, True]


def test_undefined_scores_have_no_rank():
    frame = runs(("t", "a", 0, 80), ("t", "b", 0, math.nan))
    ranking = rank(frame, predicted(frame))
    assert ranking["rank"].isna().tolist() == [False, True]
    assert ranking["comparison"].tolist() == ["best", "no score"]
    nothing = rank(frame[1:], predicted(frame))
    assert nothing["comparison"].tolist() == ["no score"]


def test_seeds_are_averaged_and_the_most_cautious_p_counts():
    frame = runs(("t", "a", 0, 90), ("t", "a", 1, 90), ("t", "b", 0, 80), ("t", "b", 1, 89))
    ranking = rank(frame, predicted(frame))
    assert ranking["score"].tolist() == pytest.approx([0.9, 0.845])
    assert ranking["ci_low"].tolist() == pytest.approx([0.85, 0.795])
    assert ranking["seeds"].tolist() == [2, 2]
    assert ranking["score_sd"].tolist() == pytest.approx([0.0, 0.09 / math.sqrt(2)])
    assert ranking["p_value"][1] == 1.0  # one disagreement under seed 1
    assert ranking["l2"].isna().all()


def test_nothing_in_nothing_out():
    frame = runs(("t", "a", 0, 80))
    ranking = rank(frame.head(0), predicted(frame))
    assert ranking.empty
    assert list(ranking.columns) == list(rank(frame, predicted(frame)).columns)


def test_latest_keeps_the_newest_of_each_cell():
    frame = pd.concat([runs(("t", "a", 0, 80), ("t", "b", 0, 70))] * 2, ignore_index=True)
    frame["created"] = ["2026-01-03", "2026-01-01", "2026-01-02", "2026-01-02"]
    frame["run"] = list("wxyz")
    assert latest(frame)["run"].tolist() == ["w", "z"]


def test_standing_goes_by_mean_log_odds_and_complete_rows_come_first():
    frame = runs(
        ("t", "a", 0, 98),
        ("u", "a", 0, 60),
        ("t", "b", 0, 90),
        ("u", "b", 0, 62),
        ("t", "c", 0, 99),
    )
    table = standing(rank(frame, predicted(frame)))
    assert table["backbone"].tolist() == ["a", "b", "c"]
    assert table["complete"].tolist() == [True, True, False]
    assert table["first"].tolist() == [0, 1, 1]
    assert table["level"].tolist() == [2, 1, 1]
    expected = [np.mean([math.log(98 / 2), math.log(60 / 40)])]
    assert table["mean_log_odds"].tolist()[:1] == pytest.approx(expected)


def several(decisions, mask=()):
    """Predictions of 40 images in two classes; ``decisions`` of run to wrong ones per image."""

    def predictions(run):
        labels = np.stack([np.arange(40) % 2, np.arange(40) % 3 == 0], axis=1).astype(np.int8)
        log_odds = np.where(labels == 1, 1.0, -1.0)
        for image in decisions[run]:
            log_odds[image] *= -1
        labels[list(mask)] = -1
        return pd.DataFrame(
            {
                "example_id": [f"{i:02}" for i in range(40)],
                "label:x": labels[:, 0],
                "label:y": labels[:, 1],
                "log_odds:x": log_odds[:, 0],
                "log_odds:y": log_odds[:, 1],
            }
        ).sample(frac=1, random_state=len(run))

    return predictions


def test_several_labels_are_compared_by_exchanging_images():
    frame = runs(("t", "a", 0, 80), ("t", "b", 0, 70), measure="mean-average-precision")
    wrong = {"t/a/0": range(2), "t/b/0": range(10)}
    ranking = rank(frame, several(wrong))
    assert ranking["comparison"].tolist() == ["best", "exchange of images' decisions"]
    assert ranking["p_value"][1] == pytest.approx(2 / 2**8, abs=0.002), "eight images differ"
    assert ranking["tied_with_best"].tolist() == [True, False]
    masked = rank(frame, several(wrong, mask=range(2, 8)))
    assert masked["p_value"][1] == pytest.approx(2 / 2**2, abs=0.01), "only two that count"
    assert masked["tied_with_best"].tolist() == [True, True]


def test_more_right_decisions_than_the_best_s_are_no_proof_of_being_behind():
    frame = runs(("t", "a", 0, 80), ("t", "b", 0, 70), measure="mean-average-precision")
    ranking = rank(frame, several({"t/a/0": range(10), "t/b/0": range(2)}))
    assert ranking["comparison"][1] == "more of its decisions p > 0.5 are right"
    assert ranking["tied_with_best"].isna().tolist() == [False, True]
    assert math.isnan(ranking["p_value"][1])


def test_other_masks_are_other_examples():
    frame = runs(("t", "a", 0, 80), ("t", "b", 0, 70), measure="mean-average-precision")
    same = several({"t/a/0": range(2), "t/b/0": range(10)})
    other = several({"t/a/0": range(2), "t/b/0": range(10)}, mask=[5])
    ranking = rank(frame, lambda run: other(run) if "/b/" in run else same(run))
    assert ranking["comparison"][1] == "other test examples"
    ranking = rank(frame, lambda run: same(run).drop(columns=["label:y"] if "/b/" in run else []))
    assert ranking["comparison"][1] == "other test examples"
