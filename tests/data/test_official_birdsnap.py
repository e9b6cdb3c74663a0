"""Birdsnap from its official lists; torchvision has no loader to compare with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from official_trees import birdsnap, write
from PIL import Image

from penultimate.data import Dataset, load_dataset
from penultimate.errors import DataError
from penultimate.spec import Task


def load(root: Path, **settings) -> Dataset:
    return load_dataset(Task(source=f"birdsnap:{root}", **settings))


def test_images_labels_and_parts_are_those_that_the_lists_name(tmp_path):
    root = birdsnap(tmp_path)
    data = load(root)
    assert data.classes == ("Acadian Flycatcher", "Black-and-white Warbler", "Clark's Nutcracker")
    folders = ("Acadian_Flycatcher", "Black_and_white_Warbler", "Clarks_Nutcracker")
    header, *test = (root / "test_images.txt").read_text().splitlines()
    assert header == "path" and len(test) == 6
    assert [data.ids[i] for i in data.indices("test")] == sorted(test)
    assert len(data) == 24
    for i, id_ in enumerate(data.ids):
        assert id_.startswith(folders[data.labels[i]])
        with Image.open(root / "download" / "images" / id_) as stored:
            np.testing.assert_array_equal(data.image(i), stored)


def test_the_images_may_lie_in_either_folder_and_keep_their_names(tmp_path):
    one, other = birdsnap(tmp_path / "one"), birdsnap(tmp_path / "other", "images")
    assert load(one).fingerprint == load(other).fingerprint


def test_dead_images_are_counted_refused_and_allowed(tmp_path):
    root = birdsnap(tmp_path)
    dead = sorted((root / "download" / "images" / "Acadian_Flycatcher").iterdir())[:3]
    for file in dead:
        file.unlink()
    with pytest.raises(DataError) as error:
        load(root)
    assert "lacks 3 of 24 images (for example download/images/Acadian" in str(error.value)
    assert "get_birdsnap.py" in str(error.value)
    assert "--allow-missing" in str(error.value)
    data = load(root, allow_missing=True)
    assert len(data) == 21
    assert [s.id for s in data.skipped] == [f"Acadian_Flycatcher/{file.name}" for file in dead]


def test_lists_without_a_single_image_are_no_data_set(tmp_path):
    root = birdsnap(tmp_path)
    (root / "download").rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match=r"has none of its 24 images .* get_birdsnap\.py"):
        load(root, allow_missing=True)


@pytest.mark.parametrize(
    ("file", "lines", "said"),
    [
        ("test_images.txt", ["path", "Nobody/1.jpg"], "'Nobody/1.jpg', which images.txt has not"),
        ("test_images.txt", ["Nobody/1.jpg"], "its first line names no column 'path'"),
        ("images.txt", ["path\tspecies_id", "a/1.jpg\t7"], "the species '7'"),
        ("images.txt", ["path\tspecies_id", "a/1.jpg"], "has 1 cells only"),
        ("species.txt", [""], "no column 'id'"),
    ],
)
def test_lists_that_are_not_as_published_are_refused(tmp_path, file, lines, said):
    root = birdsnap(tmp_path)
    write(root / file, *lines)
    with pytest.raises(DataError) as error:
        load(root)
    assert f"{root / file} cannot be used" in str(error.value)
    assert said in str(error.value)
