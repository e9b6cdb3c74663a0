"""DTD: the first of ten splits."""

from __future__ import annotations

import pytest
from oxford_trees import dtd
from peers import ours, theirs

from penultimate.data import Dataset, load_dataset
from penultimate.data.official.dtd import load
from penultimate.errors import DataError
from penultimate.spec import Task


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return dtd(tmp_path_factory.mktemp("textures") / "dtd")  # nested as torchvision has it


@pytest.fixture(scope="module")
def data(root) -> Dataset:
    return load_dataset(Task(source=f"dtd:{root}"))


def of_torchvision(root, partition: int):
    datasets = pytest.importorskip("torchvision.datasets")
    parts = ("train", "val", "test")
    return theirs({p: datasets.DTD(root.parent.parent, p, partition) for p in parts})


def test_torchvision_reads_the_same(root, data):
    assert ours(data) == of_torchvision(root, partition=1)
    assert data.split_source == "official split 1"


def test_the_tree_can_tell_the_first_split_from_another(root, data):
    assert ours(data) != of_torchvision(root, partition=2)


@pytest.mark.parametrize("above", [0, 1, 2])
def test_is_found_where_torchvision_puts_it(root, data, above):
    place = [root, *root.parents][above]
    assert load_dataset(Task(source=f"dtd:{place}")).fingerprint == data.fingerprint


def test_the_class_is_the_folder_and_not_further_attributes(data):
    assert data.classes == ("banded", "polka-dotted", "zigzagged")
    for id_, label in zip(data.ids, data.labels, strict=True):
        assert id_.split("/")[1] == data.classes[label]
    assert len(data) == 27


@pytest.mark.parametrize("line", ["banded_0002.jpg", "/banded_0002.jpg", "banded/"])
def test_a_damaged_line_is_named(tmp_path, line):
    root = dtd(tmp_path)
    file = root / "labels" / "val1.txt"
    file.write_text(f"{file.read_text()}{line}\n")
    with pytest.raises(DataError, match=f"val1.txt cannot be used: its line '{line}' is not CLASS"):
        load(root)


def test_a_missing_list_is_named(tmp_path):
    root = dtd(tmp_path)
    (root / "labels" / "train1.txt").unlink()
    with pytest.raises(DataError, match=r"train1\.txt cannot be used: no such file"):
        load(root)
