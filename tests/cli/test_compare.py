"""``penultimate compare``: the answer first, then the numbers, and what cannot be compared."""

from __future__ import annotations

import json
import math
import shutil

import pytest

from builders import FakeStudy, FakeTask
from penultimate.stats import compare_pair, corrected_t_test, paired_t_test
from penultimate.store import ResultStore

TASKS = {
    "digits": FakeTask(hardness=-0.6),
    "pets": FakeTask(measure="mean-per-class", hardness=0.2),
    "cars": FakeTask(hardness=0.5),
}
NETS = {"strong@package": 1.4, "nearly [strong]": 1.4, "weak@random": -0.3}


@pytest.fixture
def store(place) -> ResultStore:
    return FakeStudy(NETS, TASKS).commit(ResultStore(place / "store"))


@pytest.fixture
def settings(place) -> ResultStore:
    study = FakeStudy(
        {"strong@package": 0.6, "weak@random": 0.0},
        {"digits": FakeTask(n_test=900)},
        methods=("linear-probe", "fine-tune", "from-scratch"),
        gains={"fine-tune": 0.5, "from-scratch": -0.5},
    )
    return study.commit(ResultStore(place / "store"))


def test_the_answer_comes_first_and_the_numbers_hold_it(penultimate, store) -> None:
    outcome = penultimate("compare", "store", "strong@package", "weak@random")
    assert outcome.code == 0
    said = " ".join(outcome.out.split())
    assert said.startswith("Take strong@package: it is better than weak@random on every task")
    assert "Over 3 tasks: A better on 3, B on 0, not told apart on 0" in said
    assert "exact McNemar test and exchange of predictions" in said
    assert "paired bootstrap within classes" in said
    assert "Intervals and p-values count only the luck" in said
    assert max(map(len, outcome.out.splitlines())) <= 100


def test_two_that_cannot_be_told_apart_are_told_so_and_the_cheaper_is_named(
    penultimate, store
) -> None:
    (found,) = json.loads(
        penultimate("compare", "store", "strong@package", "nearly [strong]", "--json").out
    )
    assert found["answer"].startswith("Nothing shows that either is better on any of 3 tasks")
    assert found["over_tasks"]["p_value"] > 0.05
    assert found["cost"]["images_per_second_a"] < found["cost"]["images_per_second_b"]
    # 38 and 39 images a second are no difference to choose by; 5.4 and 6.4 million parameters are.
    assert found["answer"].endswith("take strong@package, which has 1.2 times fewer parameters.")


def test_json_has_the_statistics_of_the_pair(penultimate, store) -> None:
    (found,) = json.loads(
        penultimate("compare", "store", "strong@package", "weak@random", "--json").out
    )
    frame = store.frame()
    one, other = (frame[frame["backbone"] == n] for n in ("strong@package", "weak@random"))

    def predictions(digest):
        return store.predictions(store.get(digest))

    expected = compare_pair(one, other, predictions)
    for row, (_, values) in zip(found["tasks"], expected.iterrows(), strict=True):
        for name, value in values.items():
            assert row[name] == pytest.approx(value, nan_ok=True), name
    scores = [expected[f"score_{side}"] for side in "ab"]
    over = found["over_tasks"]
    assert over["p_value"] == pytest.approx(paired_t_test(*scores, n=expected["n_test"]))
    assert over["low"] < over["log_odds"] < over["high"]
    assert over["mean_a"] == pytest.approx(scores[0].mean())
    assert (found["a"]["backbone"], found["a"]["method"]) == ("strong@package", "linear-probe")


def test_a_table_fits_eighty_columns_and_shows_names_as_they_are(
    penultimate, store, monkeypatch
) -> None:
    monkeypatch.setattr("penultimate.cli.output.READABLE", 80)
    outcome = penultimate("compare", "store", "nearly [strong]", "weak@random")
    assert max(map(len, outcome.out.splitlines())) <= 80
    assert "A  nearly [strong], linear-probe" in outcome.out
    assert "…" not in outcome.out
    assert "\x1b" not in outcome.out


def test_each_method_that_both_have_is_an_answer(penultimate, settings) -> None:
    found = json.loads(
        penultimate("compare", "store", "strong@package", "weak@random", "--json").out
    )
    assert [pair["a"]["method"] for pair in found] == ["linear-probe", "fine-tune", "from-scratch"]
    assert [pair["b"]["method"] for pair in found] == ["linear-probe", "fine-tune", "from-scratch"]
    assert found[1]["answer"].startswith("With fine-tune: take strong@package")
    (one,) = json.loads(
        penultimate(
            *("compare", "store", "strong@package", "weak@random", "--method", "fine-tune"),
            "--json",
        ).out
    )
    assert one["tasks"] == found[1]["tasks"]


def test_one_backbone_s_methods_are_compared_with_each_other(penultimate, settings) -> None:
    found = json.loads(penultimate("compare", "store", "strong@package", "--json").out)
    assert [(p["a"]["method"], p["b"]["method"]) for p in found] == [
        ("linear-probe", "fine-tune"),
        ("linear-probe", "from-scratch"),
        ("fine-tune", "from-scratch"),
    ]
    assert found[0]["answer"].startswith("strong@package: take fine-tune: on digits linear-probe")
    asked = ("--method", "from-scratch", "--method", "fine-tune")
    (one,) = json.loads(penultimate("compare", "store", "strong@package", *asked, "--json").out)
    assert one["tasks"][0]["score_a"] == found[2]["tasks"][0]["score_b"]
    assert one["tasks"][0]["p_value"] == found[2]["tasks"][0]["p_value"]
    assert one["cost"]["one_method"] is False


def test_two_methods_of_two_backbones(penultimate, settings) -> None:
    asked = ("--method", "linear-probe", "--method", "fine-tune", "--json")
    outcome = penultimate("compare", "store", "strong@package", "weak@random", *asked)
    (found,) = json.loads(outcome.out)
    assert (found["a"]["method"], found["b"]["method"]) == ("linear-probe", "fine-tune")
    assert "strong@package (linear-probe)" in found["answer"]
    assert "weak@random (fine-tune)" in found["answer"]


def test_runs_are_named_by_their_digests(penultimate, store) -> None:
    frame = store.frame()
    digits = frame[frame["task"] == "digits"].set_index("backbone")["run"]
    a, b = digits["strong@package"], digits["weak@random"]
    (found,) = json.loads(penultimate("compare", "store", a[:10], b, "--json").out)
    assert [row["task"] for row in found["tasks"]] == ["digits"]
    assert found["a"]["run"] == a[:12]
    (named,) = json.loads(penultimate("compare", "store", a[:10], "weak@random", "--json").out)
    assert named["tasks"] == found["tasks"]
    assert named["only_b"] == ["cars", "pets"]
    pets = frame[frame["task"] == "pets"]["run"].iloc[0]
    sentence = penultimate("compare", "store", a[:10], pets[:10]).sentence
    assert "were run on no task in common" in sentence


def test_an_older_run_can_be_set_against_its_successor(penultimate, store) -> None:
    before = store.frame()["run"]
    FakeStudy(NETS, TASKS, created="2026-06-01T00:00:00+00:00").commit(store)
    new = store.frame()
    (newer,) = new[
        ~new["run"].isin(before) & (new["backbone"] == "weak@random") & (new["task"] == "cars")
    ]["run"]
    (older,) = new[
        new["run"].isin(before) & (new["backbone"] == "weak@random") & (new["task"] == "cars")
    ]["run"]
    (found,) = json.loads(penultimate("compare", "store", older, newer, "--json").out)
    assert found["tasks"][0]["difference"] == 0
    assert f"weak@random (run {older[:12]})" in found["answer"]
    # A backbone's name stands for its latest runs.
    (named,) = json.loads(penultimate("compare", "store", "weak@random", older, "--json").out)
    assert named["tasks"][0]["seeds"] == 1


def test_several_seeds_are_taken_together(penultimate, place) -> None:
    store = ResultStore(place / "store")
    FakeStudy({"one": 1.0, "two": 0.8}, {"digits": FakeTask()}, seeds=(0, 1, 2)).commit(store)
    (found,) = json.loads(penultimate("compare", "store", "one", "two", "--json").out)
    assert found["tasks"][0]["seeds"] == 3
    scores = store.frame().groupby("backbone")["score"].mean()
    assert found["tasks"][0]["difference"] == pytest.approx(scores["one"] - scores["two"])
    shown = penultimate("compare", "store", "one", "two").out
    assert "(mean of 3 seeds)" in shown


def test_over_splits_the_corrected_test_decides(penultimate, place) -> None:
    store = ResultStore(place / "store")
    FakeStudy({"one": 1.0, "two": 0.4}, {"digits": FakeTask()}, repeats=6).commit(store)
    (found,) = json.loads(penultimate("compare", "store", "one", "two", "--json").out)
    (row,) = found["tasks"]
    assert (row["repeats"], row["only_a"]) == (6, None)
    scores = store.frame().pivot(index="repeat", columns="backbone", values="score")
    sizes = store.frame()[["n_train", "n_val", "n_test"]].iloc[0]
    fitted = {"n_train": sizes["n_train"] + sizes["n_val"], "n_test": sizes["n_test"]}
    assert row["p_value"] == pytest.approx(corrected_t_test(scores["one"], scores["two"], **fitted))
    assert row["low"] < row["difference"] < row["high"]
    assert found["answer"].startswith("Take one: on digits one reaches ")
    shown = penultimate("compare", "store", "one", "two").out
    assert "(mean of 6 splits)" in shown
    assert "corrected t-test over splits" in shown


def test_tasks_of_one_side_are_named_as_left_out(penultimate, store) -> None:
    FakeStudy({"strong@package": 1.4}, {"birds [b]": FakeTask()}).commit(store)
    outcome = penultimate("compare", "store", "strong@package", "weak@random")
    said = " ".join(outcome.out.split())
    assert "Left out, since strong@package alone was run on it: birds [b]." in said


def test_other_images_give_no_answer_and_say_so(penultimate, store) -> None:
    study = FakeStudy({"other": 1.0}, {"digits": FakeTask(n_test=200)})
    study.commit(store)
    (found,) = json.loads(penultimate("compare", "store", "other", "weak@random", "--json").out)
    assert found["answer"].startswith("There is no answer (other test examples): on digits other")
    assert found["tasks"][0]["p_value"] is None
    assert found["over_tasks"]["p_value"] is None
    assert math.isfinite(found["tasks"][0]["difference"])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("strong@pakage", "weak@random"), "did you mean 'strong@package'"),
        (("nothing", "weak@random"), "store has strong@package, nearly [strong] and weak@random"),
        (("strong@package", "ffffffff"), "there is no backbone or run 'ffffffff'"),
        (("strong@package",), "was run with linear-probe alone"),
        (("strong@package", "strong@package"), "name a second backbone"),
        (
            ("strong@package", "weak@random", "--method", "fine-tun"),
            "strong@package was run with linear-probe",
        ),
        (("strong@package", "--method", "linear-probe"), "cannot be compared with itself"),
        (("strong@package", "weak@random", *(3 * ("--method", "linear-probe"))), "given 3 times"),
    ],
)
def test_a_mistake_is_one_sentence(penultimate, store, arguments, says) -> None:
    assert says in penultimate("compare", "store", *arguments).sentence


def test_beginnings_of_several_digests_are_refused(penultimate, store) -> None:
    run = store.frame()["run"].iloc[0]
    twin = run[:6] + "0" * 58
    shutil.copytree(store.root / "runs" / run, store.root / "runs" / twin)
    path = store.root / "runs" / twin / "result.json"
    path.write_text(path.read_text().replace(run, twin))
    sentence = penultimate("compare", "store", run[:6], "weak@random").sentence
    assert f"2 runs in store begin with {run[:6]}: write more of the digest" in sentence
    assert run[:12] in sentence
    assert twin[:12] in sentence


def test_an_empty_store_and_none_are_one_sentence(penultimate, place) -> None:
    assert "no results store at nowhere" in penultimate("compare", "nowhere", "a", "b").sentence
    ResultStore(place / "store")
    assert "no finished run to compare" in penultimate("compare", "store", "a", "b").sentence
