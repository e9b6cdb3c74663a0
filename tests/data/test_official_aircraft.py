"""FGVC-Aircraft: labels with spaces and slashes, at the level of variants."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from official_trees import write
from oxford_trees import VARIANTS, aircraft
from peers import ours, theirs

from penultimate.data import Dataset, load_dataset
from penultimate.data.official.aircraft import load
from penultimate.errors import DataError
from penultimate.spec import Task


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return aircraft(tmp_path_factory.mktemp("aircraft"))


@pytest.fixture(scope="module")
def data(root) -> Dataset:
    return load_dataset(Task(source=f"aircraft:{root}"))


def test_torchvision_reads_the_same(root, data):
    datasets = pytest.importorskip("torchvision.datasets")
    parts = {part: datasets.FGVCAircraft(root.parent, part) for part in ("train", "val", "test")}
    assert ours(data) == theirs(parts)
    assert list(data.classes) == parts["train"].classes


def test_classes_are_variants_however_they_are_written(data):
    assert data.classes == tuple(sorted(VARIANTS))
    assert "F/A-18" in data.classes
    assert data.measure == "mean-per-class"


def test_all_three_parts_are_official(data):
    assert Counter(data.parts.tolist()) == {"train": 15, "val": 10, "test": 10}
    assert data.split_source == "official"


def test_pictures_keep_their_banner(data):
    """20 pixels at the bottom: a choice that the card tells."""
    assert data.image(0).size == (48, 40)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0000001", "its line '0000001' is not an image and a variant"),
        ("0000001 Boeing", "its line '0000001 Boeing' is not an image and a variant"),
        ("F/A-18", "its line 'F/A-18' is not"),
    ],
)
def test_a_damaged_line_is_named(tmp_path, line, message):
    root = aircraft(tmp_path)
    file = root / "data" / "images_variant_val.txt"
    file.write_text(f"{file.read_text()}{line}\n")
    with pytest.raises(DataError, match=message) as error:
        load(root)
    assert str(file) in str(error.value)


def test_a_missing_list_is_named(tmp_path):
    root = aircraft(tmp_path)
    (root / "data" / "images_variant_test.txt").unlink()
    with pytest.raises(DataError, match=r"images_variant_test\.txt cannot be used: no such file"):
        load(root)


NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z")) | st.just(" "), min_size=1
)


@given(variants=st.lists(NAMES.map(str.strip).filter(bool), min_size=1, max_size=5, unique=True))
def test_a_variant_may_be_called_anything_in_one_line(tmp_path_factory, variants):
    root = tmp_path_factory.mktemp("named")
    write(root / "data" / "variants.txt", *variants)
    for k, part in enumerate(("train", "val", "test")):
        lines = [f"{k}{i:06d} {variant}" for i, variant in enumerate(variants)]
        write(root / "data" / f"images_variant_{part}.txt", *lines)
    assert [entry.label for entry in load(root).entries] == variants * 3
