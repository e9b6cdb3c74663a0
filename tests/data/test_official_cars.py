"""Stanford Cars from its MATLAB files, in either of its official forms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from official_trees import CAR_NAMES, cars
from peers import ours, theirs
from scipy.io import savemat

from penultimate.data import Dataset, load_dataset
from penultimate.errors import DataError
from penultimate.spec import Task

LABELS = "cars_test_annos_withlabels.mat"


def load(root: Path) -> Dataset:
    return load_dataset(Task(source=f"cars:{root}"))


def test_images_labels_and_parts_are_those_that_torchvision_reads(tmp_path):
    from torchvision.datasets import StanfordCars

    root = cars(tmp_path)
    parts = {part: StanfordCars(tmp_path, split=part) for part in ("train", "test")}
    assert ours(load(root)) == theirs(parts)


def test_the_labels_of_test_may_lie_in_the_devkit(tmp_path):
    root = cars(tmp_path)
    before = load(root)
    (root / LABELS).rename(root / "devkit" / LABELS)
    assert load(root).fingerprint == before.fingerprint


def test_without_the_labels_of_test_it_says_which_file_has_them(tmp_path):
    root = cars(tmp_path)
    (root / LABELS).unlink()
    with pytest.raises(DataError, match=rf"lacks {LABELS}: .*cars_test_annos\.mat has no labels"):
        load(root)


def test_classes_are_counted_from_one_and_may_have_a_slash(tmp_path):
    data = load(cars(tmp_path))
    assert data.classes == CAR_NAMES
    for i, name in enumerate(CAR_NAMES, 1):
        row = data.ids.index(f"cars_train/0000{i}.jpg")
        assert data.classes[data.labels[row]] == name


def test_equal_names_in_train_and_test_are_two_images(tmp_path):
    data = load(cars(tmp_path))
    assert {"cars_train/00001.jpg", "cars_test/00001.jpg"} <= set(data.ids)


def test_the_form_published_later_has_the_same_images_labels_and_parts(tmp_path):
    one, other = load(cars(tmp_path / "a")), load(cars(tmp_path / "b", combined=True))
    parts = [(str(part).replace("val", "train"), label) for part, _, label in ours(other)]
    assert sorted(parts) == sorted((part, label) for part, _, label in ours(one))
    assert ours(one) == ours(other)
    assert other.ids[0] == "car_ims/000001.jpg"


def annotated(file: Path, label: object) -> None:
    fields = [("fname", object), ("class", object)]
    savemat(file, {"annotations": np.array([("00001.jpg", label)], fields)})


@pytest.mark.parametrize("label", [0, 4, "two", 1.5])
def test_a_class_that_is_none_is_refused(tmp_path, label):
    root = cars(tmp_path)
    annotated(root / LABELS, label)
    with pytest.raises(DataError, match=r"which is not from 1 to 3; get"):
        load(root)


def test_a_single_annotation_is_a_list_of_one(tmp_path):
    root = cars(tmp_path)
    annotated(root / LABELS, 2)
    assert len(load(root).indices("test")) == 1


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda file: file.write_bytes(b"no MATLAB"), "not a MATLAB file that can be read"),
        (lambda file: file.write_bytes(b""), "not a MATLAB file that can be read"),
        (lambda file: savemat(file, {"other": 1}), "no variable 'annotations'"),
        (lambda file: savemat(file, {"annotations": 1}), "no field 'fname'"),
        (lambda file: file.unlink(), "no such file"),
    ],
    ids=["text", "empty", "other", "number", "gone"],
)
def test_annotations_that_are_not_as_published_are_refused(tmp_path, write, said):
    root = cars(tmp_path)
    write(root / "devkit" / "cars_train_annos.mat")
    with pytest.raises(DataError) as error:
        load(root)
    assert "cars_train_annos.mat cannot be used" in str(error.value)
    assert said in str(error.value)
