"""``penultimate splits`` and ``run --splits``, as a person uses them."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

from penultimate.data import load_dataset
from penultimate.spec import Task


def test_writes_the_split_that_a_run_makes(penultimate, photos, place) -> None:
    done = penultimate("splits", photos, "--seed", 4, "-o", "split.csv")
    assert (done.code, done.out) == (0, "")
    assert "wrote split.csv: 21 train, 8 val, 7 test; seed 4, 60/20/20" in done.err
    assert "note: 1 left out that cannot be read, for example crow/broken [x].png" in done.err
    expected = load_dataset(Task(source=f"folder:{photos}"), seed=4).split_csv()
    assert (place / "split.csv").read_text(encoding="utf-8") == expected


def test_prints_where_no_file_is_named_and_nothing_else(penultimate, photos, place) -> None:
    done = penultimate("splits", photos, "--quiet")
    assert done.err == ""
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert {row["split"] for row in rows} == {"train", "val", "test"}
    assert len(rows) == 36


@pytest.mark.parametrize("fraction", [0.25, 0.5])
def test_takes_the_share_that_is_held_out(penultimate, place, fraction) -> None:
    from PIL import Image

    for name, n in (("train/a", 8), ("train/b", 8), ("test/a", 2), ("test/b", 2)):
        (place / "own" / name).mkdir(parents=True)
        for i in range(n):
            noise = np.random.default_rng([len(name), ord(name[-1]), i]).integers(0, 255, (16, 16))
            Image.fromarray(noise.astype(np.uint8)).save(place / "own" / name / f"{i}.png")
    done = penultimate("splits", "own", "--validation-fraction", fraction, "-o", "s.csv")
    assert done.code == 0, done.err
    rows = list(csv.DictReader(io.StringIO((place / "s.csv").read_text())))
    held_out = sum(row["split"] == "val" for row in rows)
    assert held_out == fraction * sum(row["path"].startswith("train/") for row in rows)


def test_a_run_divides_by_it_again(penultimate, features, place) -> None:
    source = f"features:{features}"
    assert penultimate("splits", source, "--seed", 4, "-o", "split.csv").code == 0
    given = penultimate("run", "--backbone", source, "--splits", "split.csv", "--json")
    assert given.code == 0, given.err
    (run,) = json.loads(given.out)
    (kept,) = (place / "penultimate-store").glob("runs/*/result.json")
    assert json.loads(kept.read_text())["split_source"] == "file split.csv"
    assert run["n_test"] == 24
    (stored,) = (place / "penultimate-store" / "splits").iterdir()
    assert stored.read_text(encoding="utf-8") == (place / "split.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("splits", "nowhere"), "there is no folder, table or task 'nowhere'"),
        (("splits", "glyphs", "--validation-fraction", "0.5"), "does not apply to glyphs"),
        (
            ("run", "--data", "glyphs", "--backbone", "x", "--splits", "no.csv"),
            "the split file",
        ),
        (
            ("run", "--data", "glyphs", "--data", "digits", "--backbone", "x", "--splits", "s.csv"),
            "--splits divides one set of images",
        ),
    ],
)
def test_a_mistake_is_one_sentence(penultimate, place, arguments, said) -> None:
    assert said in penultimate(*arguments).sentence
