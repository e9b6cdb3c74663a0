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

from penultimate.data import OFFICIAL

TREES: dict[str, Callable[[Path], Path]] = {
    "food101": trees.food101,
    "cifar10": trees.cifar10,
    "cifar100": trees.cifar100,
    "birdsnap": trees.birdsnap,
    "sun397": trees.sun397,
    "cars": trees.cars,
    "aircraft": oxford_trees.aircraft,
    "dtd": oxford_trees.dtd,
    "pets": oxford_trees.pets,
    "caltech101": caltech101,
    "flowers102": oxford_trees.flowers102,
    "imagenet": lambda holder: imagenet_kaggle(holder / "imagenet"),
}
"""What builds each; it gives the data set's own folder."""


def test_every_published_data_set_has_a_tree():
    assert set(TREES) == set(OFFICIAL)


@pytest.mark.slow
@pytest.mark.parametrize("name", TREES)
def test_run_gives_a_result(name, tmp_path, monkeypatch, capfd):
    from penultimate.cli import main

    root = TREES[name](tmp_path)
    arguments = [
        *("run", "--data", f"{name}:{root}", "--store", str(tmp_path / "store")),
        *("--backbone", "test_vit@random", "--image-size", "32", "--json"),
    ]
    monkeypatch.setattr(sys, "argv", ["penultimate", *arguments])
    try:
        main()
    except SystemExit as end:
        assert not end.code, capfd.readouterr().err
    caught = capfd.readouterr()
    (row,) = json.loads(caught.out)
    assert row["task"] == name
    assert row["measure"] == OFFICIAL[name].measure
    assert 0 <= row["score"] <= 1
    assert min(row["n_train"], row["n_val"], row["n_test"]) > 0
    assert f"not the published sizes of {name}" in caught.err, "the tree is small, and that is said"
