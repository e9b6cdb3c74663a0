"""Oxford 102 Flowers: which part is the large one, and counting from 1."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from oxford_trees import FLOWER_LABELS, flowers102
from peers import ours, theirs
from scipy.io import loadmat, savemat

from penultimate.data import Dataset, load_dataset
from penultimate.data.official.flowers102 import load
from penultimate.errors import DataError
from penultimate.spec import Task


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return flowers102(tmp_path_factory.mktemp("flowers"))


@pytest.fixture(scope="module")
def data(root) -> Dataset:
    return load_dataset(Task(source=f"flowers102:{root}"))


def test_torchvision_reads_the_same(root, data, monkeypatch):
    flowers = pytest.importorskip("torchvision.datasets.flowers102")
    # The lists are ours, so their MD5 is not that of the published ones.
    monkeypatch.setattr(flowers, "check_integrity", lambda file, md5: True)
    parts = {part: flowers.Flowers102(root.parent, part) for part in ("train", "val", "test")}
    numbered = [f"{i:03d}" for i in range(1, 103)]  # torchvision has names, from elsewhere
    assert ours(data) == theirs(parts, numbered)


def test_the_test_part_is_the_large_one(data):
    assert Counter(data.parts.tolist()) == {"train": 10, "val": 10, "test": 40}
    assert data.split_source == "official"
    assert data.measure == "mean-per-class"


def test_images_and_classes_are_counted_from_one(data):
    assert data.classes == ("001", "002", "003", "004", "005")
    first = data.ids.index("jpg/image_00001.jpg")
    assert data.classes[data.labels[first]] == f"{FLOWER_LABELS[0]:03d}"
    last = data.ids.index("jpg/image_00060.jpg")
    assert data.classes[data.labels[last]] == f"{FLOWER_LABELS[-1]:03d}"


def test_sorted_names_are_in_the_order_of_the_numbers(tmp_path):
    numbers = np.arange(1, 103)
    savemat(tmp_path / "imagelabels.mat", {"labels": numbers[None, ::-1]})
    parts = {"trnid": numbers[:50], "valid": numbers[50:60], "tstid": numbers[60:]}
    savemat(tmp_path / "setid.mat", parts)
    labels = sorted({entry.label for entry in load(tmp_path).entries})
    assert [int(label) for label in labels] == list(range(1, 103))


@pytest.mark.parametrize(
    ("file", "variable", "value", "message"),
    [
        ("setid.mat", "tstid", None, "setid.mat cannot be used: it has no variable 'tstid'"),
        ("imagelabels.mat", "labels", None, "imagelabels.mat cannot be used: it has no variable"),
        ("setid.mat", "valid", [[1, 61]], "its 'valid' has 61, beyond all labels"),
        ("setid.mat", "trnid", [[0, 1]], "its 'trnid' is not whole numbers from 1"),
        ("setid.mat", "trnid", [[1.5]], "its 'trnid' is not whole numbers from 1"),
        ("imagelabels.mat", "labels", "rose", "its 'labels' is not whole numbers from 1"),
    ],
)
def test_a_damaged_list_is_named(tmp_path, file, variable, value, message):
    root = flowers102(tmp_path)
    held = {k: v for k, v in loadmat(root / file).items() if not k.startswith("__")}
    held.pop(variable)
    savemat(root / file, held if value is None else {**held, variable: value})
    with pytest.raises(DataError, match=message) as error:
        load(root)
    assert str(root / file) in str(error.value)


@pytest.mark.parametrize("file", ["imagelabels.mat", "setid.mat"])
def test_a_missing_or_foreign_list_is_named(tmp_path, file):
    root = flowers102(tmp_path)
    (root / file).write_text("404 not found")
    with pytest.raises(DataError, match=f"{file} cannot be used: it is not a MATLAB file"):
        load(root)
    (root / file).unlink()
    with pytest.raises(DataError, match=f"{file} cannot be used: no such file"):
        load(root)


def test_a_part_of_one_image_is_read(tmp_path):
    """MATLAB has no lists, only matrices: one number alone loses its dimensions."""
    root = flowers102(tmp_path)
    held = {k: v for k, v in loadmat(root / "setid.mat").items() if not k.startswith("__")}
    savemat(root / "setid.mat", {**held, "valid": held["valid"][:, :1]})
    assert Counter(entry.part for entry in load(root).entries)["val"] == 1
