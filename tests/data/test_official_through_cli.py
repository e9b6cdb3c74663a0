"""Every published data set through the command line, from a small tree in its official layout."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import official_trees as trees
import oxford_trees
import pytest
from caltech_trees import caltech101
from imagenet_trees import imagenet_kaggle
from voc_trees import voc2007

from penultimate.data import OFFICIAL

TREES: dict[str, Callable[[Path], Path]] = {
    "food101": trees.food101,
    "cifar10": trees.cifar10,
    "cifar100": trees.cifar100,
    "birdsnap": trees.birdsnap,
    "sun397": trees.sun397,
    "cars": trees.cars,
    "aircraft": oxford_trees.aircraft,
    "voc2007": voc2007,
    "dtd": oxford_trees.dtd,
    "pets": oxford_trees.pets,
    "caltech101": caltech101,
    "flowers102": oxford_trees.flowers102,
    "imagenet": lambda holder: imagenet_kaggle(holder / "imagenet"),
}
"""What builds each; it gives the data set's own folder."""


def test_every_published_data_set_has_a_tree():
    assert set(TREES) == set(OFFICIAL)


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
    """``penultimate run`` on data with a small random network: exit status, output, errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        from penultimate.cli import main

        asked = ["--store", str(tmp_path / "store"), "--backbone", "test_vit@random"]
        asked += ["--image-size", "32", "--json", *arguments]
        monkeypatch.setattr(sys, "argv", ["penultimate", "run", *asked])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        return code, *capfd.readouterr()

    return run


@pytest.mark.slow
@pytest.mark.parametrize("name", TREES)
def test_run_gives_a_result(name, tmp_path, run):
    root = TREES[name](tmp_path)
    code, out, err = run("--data", f"{name}:{root}")
    assert code == 0, err
    (row,) = json.loads(out)
    assert row["task"] == name
    assert row["measure"] == OFFICIAL[name].measure
    assert 0 <= row["score"] <= 1
    assert min(row["n_train"], row["n_val"], row["n_test"]) > 0
    assert f"not the published sizes of {name}" in err, "the tree is small, and that is said"


@pytest.mark.slow
def test_missing_images_are_refused_or_counted_in_the_result(tmp_path, run):
    root = trees.birdsnap(tmp_path)
    next((root / "download" / "images" / "Clarks_Nutcracker").iterdir()).unlink()
    code, out, err = run("--data", f"birdsnap:{root}")
    assert (code, out) == (1, "")
    assert err.startswith(f"error: birdsnap at {root} lacks 1 of 24 images (for example ")
    code, out, err = run("--data", f"birdsnap:{root}", "--allow-missing")
    assert (code, json.loads(out)[0]["n_skipped"]) == (0, 1)
    assert "birdsnap: 1 of 24 images are missing (1 of " in err


@pytest.mark.slow
def test_a_bare_name_is_looked_for_where_downloads_go(tmp_path, run, monkeypatch):
    monkeypatch.setenv("PENULTIMATE_DATA", str(tmp_path / "downloads"))
    monkeypatch.chdir(tmp_path)
    code, _, err = run("--data", "food101")
    assert code == 1
    assert "error: food101 is not on this disk" in err
    assert "'penultimate tasks download food101'" in err
    trees.food101(tmp_path / "downloads" / "food101")
    code, out, _ = run("--data", "food101")
    assert (code, json.loads(out)[0]["task"]) == (0, "food101")


@pytest.mark.slow
def test_a_folder_of_that_name_is_the_data_set_only_if_it_holds_it(tmp_path, run, monkeypatch):
    """As class folders, a Food-101 would have the classes images/apple_pie and on, and no split."""
    monkeypatch.setenv("PENULTIMATE_DATA", str(tmp_path / "downloads"))
    monkeypatch.chdir(tmp_path)
    trees.food101(tmp_path / "food101")
    trees.food101(tmp_path / "mine", train=6)
    (tmp_path / "mine" / "food-101" / "images").rename(tmp_path / "cars")
    code, out, err = run("--data", "food101", "--data", "cars")
    assert code == 0, err
    n_test = {row["task"]: row["n_test"] for row in json.loads(out)}
    assert n_test == {"food101": 6, "cars": 5}, "its own, and a fifth of 24 images"
    assert "food101: these are not the published sizes" in err
    assert "cars: these are not" not in err
