"""Caltech-101: thirty of each class drawn once for all, the background counted."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from caltech_trees import SIZES, caltech101
from hypothesis import given
from hypothesis import strategies as st

from penultimate.data import Dataset, load_dataset
from penultimate.data.decode import read_image
from penultimate.data.listing import Listing
from penultimate.data.official import load_official
from penultimate.data.official.caltech101 import CARD, TRAIN, draw, load
from penultimate.errors import DataError
from penultimate.spec import Task


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    return caltech101(tmp_path_factory.mktemp("caltech"))


@pytest.fixture(scope="module")
def data(root) -> Dataset:
    return load_dataset(Task(source=f"caltech101:{root}"))


def parts(listing: Listing) -> dict[str, str]:
    return {entry.id: entry.part for entry in listing.entries}


def test_torchvision_reads_the_same_but_for_the_background(tmp_path):
    caltech = pytest.importorskip("torchvision.datasets").Caltech101
    root = caltech101(tmp_path, "caltech101")
    theirs = caltech(tmp_path)
    ours = [e for e in load(root).entries if e.label != "BACKGROUND_Google"]
    assert sorted((pixels(read_image(e.path)), e.label) for e in ours) == sorted(
        (pixels(image), theirs.categories[label]) for image, label in theirs
    )
    assert len(theirs) == sum(SIZES.values()) - SIZES["BACKGROUND_Google"]


def pixels(image) -> bytes:
    return np.asarray(image.convert("RGB")).tobytes()


def test_the_background_counts_as_a_class(data):
    assert data.classes == tuple(sorted(SIZES))
    assert Counter(data.classes[label] for label in data.labels) == SIZES
    assert data.measure == "mean-per-class"


def test_thirty_of_each_class_are_train_and_all_others_test(root):
    listing = load(root)
    sizes = Counter((entry.label, entry.part) for entry in listing.entries)
    assert sizes == {
        (label, part): n
        for label, size in SIZES.items()
        for part, n in (("train", TRAIN), ("test", size - TRAIN))
    }
    assert len({entry.id for entry in listing.entries}) == sum(SIZES.values())


def test_the_split_is_independent_of_the_order_of_directories(root, monkeypatch):
    expected = parts(load(root))
    real = os.scandir

    class Shuffled:
        def __init__(self, path):
            with real(path) as found:
                self.found = list(found)
            np.random.default_rng(len(self.found)).shuffle(self.found)

        def __enter__(self):
            return iter(self.found)

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(os, "scandir", Shuffled)
    assert parts(load(root)) == expected


def test_the_split_is_the_published_one_whatever_the_seed_of_the_run(root, data):
    other = load_dataset(Task(source=f"caltech101:{root}"), seed=1)
    assert (other.parts == "test").tolist() == (data.parts == "test").tolist()
    assert other.parts.tolist() != data.parts.tolist()  # what is held out of train is the run's
    assert data.split_source == (
        "drawn, seed 0, 30 of each class for train; val is 20 % of train, seed 0, stratified"
    )


def test_the_split_is_this_one(root):
    """Kept for good: another would make old results incomparable with new ones."""
    train = [id_ for id_, part in sorted(parts(load(root)).items()) if part == "train"]
    assert hashlib.sha256("\n".join(train).encode()).hexdigest() == PUBLISHED


PUBLISHED = "afa82836e091f20a92a68eb4a9d4faf42177190d856010260a848ac438d339ec"


def test_the_draw_is_as_the_documentation_says():
    names = [f"image_{i:04d}.jpg" for i in range(1, 41)]
    ranked = sorted(names, key=lambda n: hashlib.sha256(f"0/crab/{n}".encode()).hexdigest())
    assert draw("crab", names) == set(ranked[:30])


@given(size=st.integers(32, 200), gone=st.data())
def test_an_image_less_changes_the_place_of_one_other_at_most(size, gone):
    names = [f"image_{i:04d}.jpg" for i in range(1, size + 1)]
    lost = gone.draw(st.sampled_from(names))
    before = draw("ant", names)
    after = draw("ant", [name for name in names if name != lost])
    assert len(before) == len(after) == 30
    assert len(after - before) == (lost in before)


def test_drawing_is_not_by_number():
    """The first thirty would be the first that a search engine found."""
    names = [f"image_{i:04d}.jpg" for i in range(1, 61)]
    assert 5 < len(draw("ant", names) & set(names[:30])) < 25
    assert draw("ant", names) != draw("bass", names)


@pytest.mark.parametrize("place", ["", "101_ObjectCategories", ".."])
def test_is_the_same_from_each_place_a_user_may_name(root, data, place):
    again = load_dataset(Task(source=f"caltech101:{root / place}"))
    assert again.fingerprint == data.fingerprint


def test_what_is_no_image_is_said(data):
    assert (
        "1 file not called like an image of Caltech-101 ignored: 'BACKGROUND_Google/tmp'"
        in data.notices
    )


def test_an_image_missing_between_others_is_missed(tmp_path):
    root = caltech101(tmp_path)
    before = parts(load(root))
    (root / "101_ObjectCategories" / "Faces" / "image_0007.jpg").unlink()
    assert parts(load(root)) == before
    with pytest.raises(DataError, match=r"lacks 1 of 139 images .for example .*image_0007\.jpg"):
        load_dataset(Task(source=f"caltech101:{root}"))


def test_the_last_image_of_a_class_is_missed_too(root):
    """No list names it: all classes are there, and the published number of images is not."""
    images = sum(SIZES.values())
    whole = replace(CARD, classes=4, train=120, test=images - 120)
    assert load_official(whole, str(root)).missing == ()
    short = replace(whole, test=images - 120 + 2)
    with pytest.raises(DataError, match=r"lacks 2 of 141 images: .*, or go on .* --allow-missing"):
        load_official(short, str(root))
    allowed = load_official(short, str(root), allow_missing=True)
    assert "19 instead of 21 test images" in " ".join(allowed.found.notices)
    assert len(load_official(replace(short, classes=5), str(root)).found.entries) == images


def test_a_class_too_small_is_said(tmp_path):
    root = caltech101(tmp_path)
    for i in range(8, 41):
        (root / "101_ObjectCategories" / "accordion" / f"image_{i:04d}.jpg").unlink()
    listing = load(root)
    assert "fewer than 31 images in 'accordion'" in " ".join(listing.notices)
    sizes = Counter(e.part for e in listing.entries if e.label == "accordion")
    assert sizes == {"train": 6, "test": 1}


def test_a_folder_without_images_is_refused(tmp_path):
    (tmp_path / "101_ObjectCategories" / "ant").mkdir(parents=True)
    with pytest.raises(DataError, match=r"has no class folders with images called image_0001\.jpg"):
        load(tmp_path)
