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


def written(path) -> dict[str, dict[str, str]]:
    return {row["path"]: row for row in csv.DictReader(io.StringIO(path.read_text()))}


def test_keeps_so_many_of_each_class_and_the_test_part(penultimate, photos, place) -> None:
    assert penultimate("splits", photos, "-o", "all.csv").code == 0
    for n, draw in ((4, 0), (6, 0), (4, 1)):
        name = f"{n}-{draw}.csv"
        done = penultimate("splits", photos, "--per-class", n, "--draw", draw, "-o", name)
        assert done.code == 0, done.err
        assert f"unused; {n} a class, draw {draw}, of: seed 0" in done.err
    whole = written(place / "all.csv")
    few, more, other = (written(place / f"{name}.csv") for name in ("4-0", "6-0", "4-1"))

    def of(rows, *parts):
        return {path for path, row in rows.items() if row["split"] in parts}

    assert of(few, "test") == of(other, "test") == of(whole, "test")
    labels = {row["label"] for row in whole.values()}
    for rows, n in ((few, 4), (more, 6), (other, 4)):
        kept = [rows[path]["label"] for path in of(rows, "train", "val")]
        assert {label: kept.count(label) for label in labels} == dict.fromkeys(labels, n)
        assert of(rows, "val")
    assert of(few, "train", "val") < of(more, "train", "val")
    assert of(few, "train", "val") != of(other, "train", "val")


def test_a_run_learns_from_the_subset_alone(penultimate, photos, place) -> None:
    assert penultimate("splits", photos, "--per-class", 4, "-o", "few.csv").code == 0
    given = penultimate(
        *("run", "--data", photos, "--splits", "few.csv", "--backbone", "test_resnet@random"),
        *("--image-size", 24, "--json"),
    )
    assert given.code == 0, given.err
    (run,) = json.loads(given.out)
    rows = written(place / "few.csv")
    assert run["n_train"] + run["n_val"] == sum(
        r["split"] in ("train", "val") for r in rows.values()
    )
    unused = sum(row["split"] == "unused" for row in rows.values())
    assert f"{unused} images unused, as " in given.err
    # The same table among the images is the same split again.
    (photos / "few.csv").write_text((place / "few.csv").read_text())
    again = penultimate(
        *("run", "--data", photos / "few.csv", "--backbone", "test_resnet@random"),
        *("--image-size", 24, "--json"),
    )
    assert [run["run"] for run in json.loads(again.out)] == [run["run"]]


def test_what_cannot_be_drawn_is_said(penultimate, photos, place) -> None:
    assert "--draw is of --per-class" in penultimate("splits", photos, "--draw", 1).err
    assert "at least 2" in penultimate("splits", photos, "--per-class", 1).sentence
    done = penultimate("splits", photos, "--per-class", 500, "-o", "s.csv")
    assert "classes with fewer than 500 images" in done.err
