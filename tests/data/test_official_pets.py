"""Oxford-IIIT Pets: which of three numbers is the class, and files that are not what they say."""

from __future__ import annotations

import warnings
from collections import Counter

import numpy as np
import pytest
from oxford_trees import PETS, pets
from peers import ours, theirs
from pictures import picture
from PIL import Image

from penultimate.data import Dataset, load_dataset
from penultimate.data.official.pets import load
from penultimate.errors import DataError
from penultimate.spec import Task


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return pets(tmp_path_factory.mktemp("pets"))


@pytest.fixture(scope="module")
def data(root) -> Dataset:
    return load_dataset(Task(source=f"pets:{root}"))


def test_torchvision_reads_the_same(root, data):
    datasets = pytest.importorskip("torchvision.datasets")
    trainval, test = (datasets.OxfordIIITPet(root.parent, part) for part in ("trainval", "test"))
    names = [name for name, *_ in PETS]
    # torchvision writes 'American Bulldog', and numbers classes from 0
    assert trainval.classes[1] == "American Bulldog"
    sparse = {number - 1: name for name, number, *_ in PETS}
    classes = [sparse.get(i, "") for i in range(37)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # it leaves files open
        expected = theirs({"train": trainval, "test": test}, classes)
    assert ours(data) == expected
    assert sorted(names) == list(data.classes)


def test_breeds_of_cats_and_of_dogs_are_not_joined(data):
    assert len(data.classes) == len(PETS)
    assert len({breed for *_, breed in PETS}) < len(PETS)  # the tree would show it
    assert set(Counter(data.labels.tolist()).values()) == {9}


def test_validation_is_held_out_of_trainval(data):
    sizes = Counter(data.parts.tolist())
    assert sizes["test"] == 12
    assert sizes["train"] + sizes["val"] == 24
    assert sizes["val"] == 4  # one of six in each class
    assert data.split_source == "official; val is 20 % of train, seed 0, stratified"
    assert data.measure == "mean-per-class"


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP"])
def test_files_of_another_kind_than_they_are_called_are_read(tmp_path, kind):
    root = pets(tmp_path)
    file = root / "images" / "boxer_101.jpg"
    image = picture(77)
    image = image.quantize(32) if kind == "GIF" else image
    image.save(file, format=kind)
    data = load_dataset(Task(source=f"pets:{root}"))
    read = data.image(data.ids.index("images/boxer_101.jpg"))
    assert np.array_equal(np.asarray(read), np.asarray(image.convert("RGB")))
    with Image.open(file) as stored:
        assert stored.format == kind
    assert data.skipped == ()


def test_a_damaged_file_is_skipped_counted_and_named(tmp_path):
    root = pets(tmp_path)
    file = root / "images" / "boxer_100.jpg"
    file.write_bytes(file.read_bytes()[:300])
    data = load_dataset(Task(source=f"pets:{root}"))
    assert [skipped.id for skipped in data.skipped] == ["images/boxer_100.jpg"]
    assert len(data) == 35


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("boxer_7 9 2", "is not NAME CLASS SPECIES BREED"),
        ("boxer 9 2 2", "is not NAME CLASS SPECIES BREED"),
        ("boxer_7 9 3 2", "is not NAME CLASS SPECIES BREED"),
        ("boxer_7 nine 2 2", "is not NAME CLASS SPECIES BREED"),
        ("boxer_7 2 2 9", "gives 'boxer' a second number"),
    ],
)
def test_a_damaged_line_is_named(tmp_path, line, message):
    root = pets(tmp_path)
    file = root / "annotations" / "test.txt"
    file.write_text(f"{file.read_text()}{line}\n")
    with pytest.raises(DataError, match=message) as error:
        load(root)
    assert f"{file} cannot be used: its line {line!r}" in str(error.value)


def test_a_missing_list_is_named(tmp_path):
    root = pets(tmp_path)
    (root / "annotations" / "trainval.txt").unlink()
    with pytest.raises(DataError, match=r"trainval\.txt cannot be used: no such file"):
        load(root)


def test_lines_of_explanation_are_no_images(tmp_path):
    root = pets(tmp_path)
    file = root / "annotations" / "test.txt"
    listed = file.read_text().replace(" ", "  ")
    file.write_text(f"#Image CLASS-ID SPECIES BREED ID\n{listed}")
    assert len(load(root).entries) == 36
