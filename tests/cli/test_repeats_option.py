"""``run --repeats`` from end to end, on features that need no network."""

from __future__ import annotations

import json

import pytest

from penultimate.stats import compare_repeats


@pytest.fixture
def noisy(tmp_path_factory):
    """120 examples of three classes that overlap, and the same seen with more noise."""
    import numpy as np

    random = np.random.default_rng(1)
    labels = np.repeat(np.arange(3), 40)
    folders = []
    for name, noise in (("sharp", 1.0), ("blurred", 1.6)):
        folder = tmp_path_factory.mktemp("noisy") / name
        folder.mkdir()
        matrix = 1.5 * np.eye(6)[labels] + random.normal(0, noise, (120, 6))
        np.save(folder / "features.npy", matrix.astype(np.float32))
        np.save(folder / "labels.npy", np.array(list("abc"))[labels])
        folders.append(folder)
    return folders


@pytest.mark.slow
def test_from_features_to_the_answer(penultimate, noisy, place):
    import pandas as pd

    arguments = ["run", "--data", f"features:{noisy[0]}", "--set", "l2_points=5"]
    arguments += [word for folder in noisy for word in ("--backbone", f"features:{folder}")]
    done = penultimate(*arguments, "--repeats", 8, "--json")
    assert done.code == 0, done.err
    rows = pd.DataFrame(json.loads(done.out))
    assert len(rows) == 16
    assert sorted(set(rows["repeat"])) == list(range(8))
    assert rows["test_drawn"].all()
    assert "16 computed, 0 already" in done.err
    again = penultimate(*arguments, "--repeats", 8)
    assert "0 computed, 16 already" in again.err
    assert "sharp" in again.out
    assert "(mean of 8 splits)" in again.out

    ranked = penultimate("results", "penultimate-store", "--ranked", "--json")
    table = pd.DataFrame(json.loads(ranked.out)).set_index("backbone")
    scores = rows.pivot(index="repeat", columns="backbone", values="score")
    expected = compare_repeats(
        scores,
        n_train=float((rows["n_train"] + rows["n_val"]).mean()),
        n_test=float(rows["n_test"].mean()),
    )
    for ours, theirs in (("score", "score"), ("ci_low", "low"), ("ci_high", "high")):
        assert table[ours].to_dict() == pytest.approx(expected[theirs].to_dict())
    assert table["probability_best"].to_dict() == pytest.approx(
        expected["probability_best"].to_dict()
    )
    assert table["repeats"].tolist() == [8, 8]
    csv = penultimate("results", "penultimate-store", "--ranked", "--csv")
    assert len(csv.out.splitlines()) == 3
    assert "probability_best" in csv.out.splitlines()[0]


def test_a_plain_run_says_what_repeats_would_add(penultimate, noisy, place):
    arguments = ("run", "--backbone", f"features:{noisy[0]}", "--set", "l2_points=3")
    assert "The split of sharp was drawn at random: penultimate run --repeats 20" in " ".join(
        penultimate(*arguments).out.split()
    )


def test_the_split_of_a_repeat_can_be_written_again(penultimate, photos, place):
    import pandas as pd

    from penultimate.store import ResultStore

    arguments = ("--backbone", "test_vit@random", "--set", "l2_points=2", "--repeats", 3)
    done = penultimate("run", "--data", photos, *arguments, "--seed", 7)
    assert done.code == 0, done.err
    store = ResultStore("penultimate-store")
    third = next(result for result in store.results() if result.spec.repeat == 2)
    written = penultimate("splits", photos, "--seed", 7, "--repeat", 2, "-o", "again.csv")
    assert "seed 7, repeat 2, 60/20/20, stratified" in written.err
    kept = pd.read_csv(store.artefact(third, "split"))
    pd.testing.assert_frame_equal(pd.read_csv("again.csv"), kept)
    given = ("folder:given", "--repeat", 1)
    for part, names in (("train", range(8)), ("test", range(8, 12))):
        for label in ("crow", "jay [b]"):
            (place / "given" / part / label).mkdir(parents=True)
            for number in names:
                picture = photos / label / f"{number}.png"
                (place / "given" / part / label / picture.name).write_bytes(picture.read_bytes())
    assert "comes with a test part of its own" in penultimate("splits", *given, "--quiet").sentence


def test_wrong_numbers_are_refused(penultimate, noisy, place):
    done = penultimate("run", "--backbone", f"features:{noisy[0]}", "--repeats", 0)
    assert done.code != 0
    assert "--repeats" in done.err
    assert "Traceback" not in done.err
    assert "--ranked" in penultimate("results", ".", "--ranked").err
