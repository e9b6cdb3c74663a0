"""Two networks on the tasks that both have: the ranking's own p-values, beside differences."""

import math

import numpy as np
import pandas as pd
import pytest

from penultimate.errors import StoreError
from penultimate.stats import compare_pair, difference_interval, exact_mcnemar, rank

N = 80


def run(task, who, seed, right, measure="top-1", created="2026-01-01"):
    return {
        "run": f"{task}/{who}/{seed}",
        "backbone": who,
        "task": task,
        "method": "linear-probe",
        "measure": measure,
        "score": len(right) / N,
        "ci_low": len(right) / N - 0.05,
        "ci_high": min(1.0, len(right) / N + 0.05),
        "n_test": N,
        "seed": seed,
        "images_per_second": 10.0,
        "l2": 1.0,
        "converged": True,
        "created": created,
        "right": right,
    }


def reader(*frames, ids=None):
    known = {row["run"]: row for frame in frames for _, row in frame.iterrows()}

    def predictions(digest):
        right = np.isin(np.arange(N), list(known[digest]["right"]))
        labels = np.arange(N) % 4
        return pd.DataFrame(
            {
                "example_id": [f"{(ids or {}).get(digest, 'i')}{k:03}" for k in range(N)],
                "label": labels,
                "predicted": np.where(right, labels, (labels + 1) % 4),
            }
        ).sample(frac=1, random_state=len(digest))

    return predictions


def frames(*cells, measure="top-1"):
    """Frames of a and of b from ``(task, seed, right of a, right of b)``."""
    sides = ([], [])
    for task, seed, *rights in cells:
        for side, who, right in zip(sides, ("one", "two"), rights, strict=True):
            if right is not None:
                side.append(run(task, who, seed, right, measure))
    return tuple(pd.DataFrame(side) for side in sides)


def test_every_number_of_a_row():
    a, b = frames(("pets", 0, range(60), range(10, 58)))
    (row,) = compare_pair(a, b, reader(a, b)).to_dict("records")
    assert (row["score_a"], row["score_b"]) == (0.75, 0.6)
    assert row["difference"] == pytest.approx(0.15)
    assert (row["only_a"], row["only_b"]) == (12, 0)
    right = [np.arange(N) < 60, (np.arange(N) >= 10) & (np.arange(N) < 58)]
    assert row["p_value"] == exact_mcnemar(*right)
    expected = difference_interval("top-1", np.arange(N) % 4, *right)
    assert (row["low"], row["high"], row["interval"]) == expected
    assert (row["low_a"], row["high_a"]) == (0.7, 0.8)
    assert (row["better"], row["comparison"]) == ("a", "exact McNemar test")


def test_sides_change_places_without_changing_the_answer():
    a, b = frames(("pets", 0, range(60), range(10, 58)), ("cars", 0, range(40), range(1, 41)))
    there, back = compare_pair(a, b, reader(a, b)), compare_pair(b, a, reader(a, b))
    assert there["p_value"].tolist() == back["p_value"].tolist()
    assert there["difference"].tolist() == (-back["difference"]).tolist()
    assert there["only_a"].tolist() == back["only_b"].tolist()
    assert there["better"].tolist() == ["level", "a"]
    assert back["better"].tolist() == ["level", "b"]


def test_p_values_are_those_of_the_ranking_over_seeds():
    cells = [("pets", 0, range(60), range(10, 58)), ("pets", 1, range(50), range(2, 49))]
    a, b = frames(*cells)
    (row,) = compare_pair(a, b, reader(a, b)).to_dict("records")
    ranked = rank(pd.concat([a, b]), reader(a, b))
    assert row["p_value"] == ranked["p_value"][1]
    assert row["seeds"] == 2
    assert row["score_a"] == pytest.approx((60 + 50) / 2 / N)
    assert (row["only_a"], row["only_b"]) == (12 + 3, 0)
    ends = [compare_pair(*frames(cell), reader(*frames(cell)))["low"][0] for cell in cells]
    assert row["low"] == pytest.approx(np.mean(ends))


def test_only_seeds_that_both_have_count():
    a, b = frames(("pets", 0, range(60), range(50)), ("pets", 1, range(5), None))
    (row,) = compare_pair(a, b, reader(a, b)).to_dict("records")
    assert (row["score_a"], row["seeds"]) == (0.75, 1)


def test_tasks_of_one_side_are_no_rows():
    a, b = frames(("pets", 0, range(60), range(50)), ("cars", 0, range(5), None))
    assert compare_pair(a, b, reader(a, b))["task"].tolist() == ["pets"]
    a, b = frames(("pets", 0, range(60), None), ("cars", 0, None, range(5)))
    assert compare_pair(a, b, reader(a, b)).empty


@pytest.mark.parametrize("reason", ["other examples", "other seeds", "missing", "no score"])
def test_what_cannot_be_tested_says_so(reason):
    a, b = frames(("pets", 0, range(60), range(50)))
    read = reader(a, b, ids={"pets/two/0": "j"} if reason == "other examples" else None)
    if reason == "other seeds":
        b["seed"] = 1
    if reason == "missing":

        def read(digest):
            raise StoreError(f"{digest} is gone")

    if reason == "no score":
        b["score"] = math.nan
    (row,) = compare_pair(a, b, read).to_dict("records")
    assert row["better"] == ""
    assert math.isnan(row["p_value"])
    assert math.isnan(row["low"])
    assert pd.isna(row["only_a"])
    says = {"missing": "predictions are missing", "no score": "no score"}
    assert row["comparison"] == says.get(reason, "other test examples")


def test_several_labels_are_judged_by_their_decisions():
    rng = np.random.default_rng(0)
    labels = (rng.random((60, 3)) < 0.4).astype(int)
    good = np.where(labels == 1, 2.0, -2.0) + rng.normal(0, 1.0, labels.shape)
    bad = good + rng.normal(0, 3.0, labels.shape)
    scores = {"pets/one/0": good, "pets/two/0": bad}

    def read(digest):
        columns = {f"label:{c}": labels[:, i] for i, c in enumerate("xyz")}
        columns |= {f"log_odds:{c}": scores[digest][:, i] for i, c in enumerate("xyz")}
        return pd.DataFrame({"example_id": [f"{i:02}" for i in range(60)], **columns})

    a, b = frames(("pets", 0, range(70), range(60)), measure="mean-average-precision")
    (row,) = compare_pair(a, b, read).to_dict("records")
    right = {k: (((v > 0) == (labels == 1)).sum(axis=1)) for k, v in scores.items()}
    assert row["only_a"] == (right["pets/one/0"] > right["pets/two/0"]).sum()
    assert row["only_b"] == (right["pets/one/0"] < right["pets/two/0"]).sum()
    assert row["comparison"] == "exchange of images' decisions"
    assert row["better"] == "a"
    assert 0 < row["low"] < row["high"]
