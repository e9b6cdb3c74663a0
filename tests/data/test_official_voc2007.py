"""PASCAL VOC 2007: several classes an image, difficult ones masked, the test part apart."""

from __future__ import annotations

import shutil
import tarfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from official_trees import write
from voc_trees import PARTS, voc2007

from penultimate.data import OFFICIAL, Dataset, load_dataset
from penultimate.data.official.get import get
from penultimate.data.official.voc2007 import CLASSES, load
from penultimate.errors import DataError
from penultimate.spec import Task

Row = tuple[str, bytes, frozenset[str], frozenset[str]]  # part, pixels, certain, difficult


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    return voc2007(tmp_path_factory.mktemp("voc"))


@pytest.fixture(scope="module")
def data(root) -> Dataset:
    return load_dataset(Task(source=f"voc2007:{root}"))


def named(data: Dataset, row: np.ndarray, value: int) -> frozenset[str]:
    return frozenset(data.classes[k] for k in np.flatnonzero(row == value))


def test_torchvision_reads_the_same_pictures_parts_and_objects(root, data):
    """The lists against the XML: 1 has an object that is not difficult, 0 only difficult ones."""
    datasets = pytest.importorskip("torchvision.datasets")
    ours: list[Row] = [
        (
            str(data.parts[i]),
            np.asarray(data.image(i)).tobytes(),
            named(data, data.labels[i], 1),
            named(data, data.labels[i], -1),
        )
        for i in range(len(data))
    ]
    theirs: list[Row] = []
    for part in ("train", "val", "test"):
        for image, found in datasets.VOCDetection(root.parents[1], "2007", part):
            objects = found["annotation"]["object"]
            every = frozenset(o["name"] for o in objects)
            easy = frozenset(o["name"] for o in objects if o["difficult"] == "0")
            theirs.append((part, np.asarray(image).tobytes(), easy, every - easy))
    key = lambda row: row[:2]  # noqa: E731
    assert sorted(ours, key=key) == sorted(theirs, key=key)


def test_the_twenty_classes_are_there_in_their_order_also_without_an_image(data):
    assert data.classes == CLASSES
    assert len(CLASSES) == len(set(CLASSES)) == 20
    assert data.measure == "mean-average-precision"
    assert any(notice.startswith("11 classes without an image: 'bird'") for notice in data.notices)
    assert any("only in test, where they can only be missed: 'sofa'" in n for n in data.notices)


def test_all_three_parts_are_official(data):
    assert Counter(data.parts.tolist()) == {"train": 10, "val": 6, "test": 6}
    assert data.split_source == "official"


def test_trainval_is_not_read(tmp_path, data):
    root = voc2007(tmp_path)
    for file in (root / "ImageSets" / "Main").glob("*trainval.txt"):
        file.unlink()
    assert load_dataset(Task(source=f"voc2007:{root}")).fingerprint == data.fingerprint


@pytest.mark.parametrize(("setting", "value"), [("masked", -1), ("negative", 0), ("positive", 1)])
def test_difficult_pairs_are_masked_unless_asked_otherwise(root, setting, value):
    data = load_dataset(Task.model_validate({"source": f"voc2007:{root}", "difficult": setting}))
    difficult = [
        (f"JPEGImages/{name}.jpg", label)
        for images in PARTS.values()
        for name, objects in images.items()
        for label in {label for label, _ in objects}
        if all(hard for other, hard in objects if other == label)
    ]
    assert len(difficult) == 7
    for id_, label in difficult:
        assert data.labels[data.ids.index(id_), CLASSES.index(label)] == value
    pairs = "7 uncertain (difficult) pairs of image and class"
    assert any(notice.startswith(pairs) for notice in data.notices)
    sure = data.labels[data.ids.index("JPEGImages/000023.jpg"), CLASSES.index("person")]
    assert sure == 1, "one that is difficult beside one that is not"


@pytest.mark.parametrize("place", ["", "VOCdevkit", "VOCdevkit/VOC2007"])
def test_it_is_found_from_each_folder_above(root, place, data):
    task = Task(source=f"voc2007:{root.parents[1] / place}")
    assert load_dataset(task).fingerprint == data.fingerprint


def test_without_the_test_archive_it_says_which_to_unpack(tmp_path):
    root = voc2007(tmp_path)
    for file in (root / "ImageSets" / "Main").glob("*test.txt"):
        file.unlink()
    with pytest.raises(
        DataError, match=r"train and val but not .* unpack VOCtest_06-Nov-2007\.tar"
    ):
        load_dataset(Task(source=f"voc2007:{tmp_path}"))


def test_the_lists_of_2012_are_refused(tmp_path):
    root = voc2007(tmp_path)
    root.rename(root.with_name("VOC2012"))
    file = write(root.with_name("VOC2012") / "ImageSets" / "Main" / "train.txt", "2008_000008")
    with pytest.raises(DataError, match=r"'2008_000008' is not the six digits .* of 2007"):
        load_dataset(Task(source=f"voc2007:{file.parents[2]}"))
    with pytest.raises(DataError, match="there is no voc2007 in"):
        load_dataset(Task(source=f"voc2007:{tmp_path}"))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["000012 2"], "its line '000012 2' is not a new image and 1, 0 or -1"),
        (["000012"], "its line '000012' is not"),
        (["000012  1", "000012 -1"], "its line '000012 -1' is not a new image"),
        (["000012  1"], "it and the list of the whole part do not both have '000017'"),
    ],
)
def test_a_damaged_list_is_named(tmp_path, lines, message):
    root = voc2007(tmp_path)
    file = write(root / "ImageSets" / "Main" / "cat_train.txt", *lines)
    with pytest.raises(DataError) as error:
        load(root)
    assert message in str(error.value)
    assert str(file) in str(error.value)


def test_a_missing_list_of_a_class_is_named(tmp_path):
    root = voc2007(tmp_path)
    (root / "ImageSets" / "Main" / "sheep_val.txt").unlink()
    with pytest.raises(DataError, match=r"sheep_val\.txt cannot be used: no such file"):
        load(root)


def test_a_missing_image_is_counted(tmp_path):
    root = voc2007(tmp_path)
    (root / "JPEGImages" / "000012.jpg").unlink()
    with pytest.raises(DataError, match=r"voc2007 at .* lacks 1 of 22 images"):
        load_dataset(Task(source=f"voc2007:{root}"))
    data = load_dataset(Task(source=f"voc2007:{root}", allow_missing=True))
    assert len(data) == 21


def test_annotations_are_not_needed(tmp_path, data):
    root = voc2007(tmp_path)
    shutil.rmtree(root / "Annotations")
    assert load_dataset(Task(source=f"voc2007:{root}")).fingerprint == data.fingerprint


def test_the_published_sizes():
    card = OFFICIAL["voc2007"]
    assert (card.train, card.val, card.test, card.classes) == (2501, 2510, 4952, 20)
    assert card.train + card.val == 5011


def test_its_two_archives_unpack_into_one_folder(tmp_path, data):
    made, place = voc2007(tmp_path / "made"), tmp_path / "place"
    place.mkdir()
    archives = {archive.file: [] for archive in OFFICIAL["voc2007"].archives}
    for file in sorted(made.rglob("*.*")):
        of_test = file.stem in PARTS["test"] or file.stem.endswith("test")
        archives[f"VOC{'test' if of_test else 'trainval'}_06-Nov-2007.tar"].append(file)
    for name, files in archives.items():
        with tarfile.open(place / name, "w") as tar:
            for file in files:
                tar.add(file, file.relative_to(made.parents[1]))
    assert min(map(len, archives.values())) > 20
    any_content = tuple(replace(archive, md5="") for archive in OFFICIAL["voc2007"].archives)
    card = replace(OFFICIAL["voc2007"], archives=any_content, train=10, val=6, test=6)
    assert get(card, place) == place / "VOCdevkit" / "VOC2007"
    assert load_dataset(Task(source=f"voc2007:{place}")).fingerprint == data.fingerprint
