"""Caltech-101 (Fei-Fei, Fergus, Perona, 2004)."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from penultimate.data.listing import Entry, Listing
from penultimate.data.notices import listed
from penultimate.data.official.card import Archive, Official
from penultimate.data.walk import count
from penultimate.errors import DataError

CATEGORIES = "101_ObjectCategories"
BACKGROUND = "BACKGROUND_Google"
TRAIN = 30  # images a class
SEED = 0  # of the published split; not the run's

IMAGE = re.compile(r"image_(\d{4})\.jpg")


def load(root: Path) -> Listing:
    """The images of each class folder, 30 of them train and the others test.

    The images are numbered, so that one that is missing between others is listed too.

    Raises
    ------
    DataError : there are no class folders, or no images in them.
    """
    nested = root / CATEGORIES
    folder = nested if nested.is_dir() else root
    entries = []
    others, small = [], []
    for label in _class_folders(folder):
        last, strange = _images(folder / label)
        others += [f"{label}/{name}" for name in strange]
        names = [f"image_{i:04d}.jpg" for i in range(1, last + 1)]
        train = draw(label, names)
        if len(names) <= TRAIN:
            small.append(label)
        for name in names:
            part = "train" if name in train else "test"
            entries.append(
                Entry(f"{CATEGORIES}/{label}/{name}", folder / label / name, label, part)
            )
    if not entries:
        raise DataError(f"{folder} has no class folders with images called image_0001.jpg in them")
    return Listing(
        tuple(entries),
        f"drawn, seed {SEED}, {TRAIN} of each class for train",
        notices=_notices(others, small),
    )


def draw(label: str, names: list[str]) -> set[str]:
    """The 30 images of a class that are train; of fewer than 31, all but one.

    They are those with the smallest SHA-256 of ``seed/label/name``. That anyone can compute
    again, with any tool, and an image more or less changes the place of one other at most.
    """

    def rank(name: str) -> str:
        return hashlib.sha256(f"{SEED}/{label}/{name}".encode()).hexdigest()

    return set(sorted(names, key=rank)[: min(TRAIN, len(names) - 1)])


def _class_folders(folder: Path) -> list[str]:
    with os.scandir(folder) as found:
        return sorted(f.name for f in found if f.is_dir() and not f.name.startswith("."))


def _images(folder: Path) -> tuple[int, list[str]]:
    """The highest number of an image, and what else lies there."""
    last, others = 0, []
    with os.scandir(folder) as found:
        for file in found:
            image = IMAGE.fullmatch(file.name)
            if image:
                last = max(last, int(image[1]))
            elif not file.name.startswith("."):
                others.append(file.name)
    return last, others


def _notices(others: list[str], small: list[str]) -> tuple[str, ...]:
    said = []
    if others:
        n = count(len(others), "file")
        said.append(f"{n} not called like an image of Caltech-101 ignored: {listed(others)}")
    if small:
        said.append(
            f"fewer than {TRAIN + 1} images in {listed(small)}, which the published set has "
            "of each class: all but one are train"
        )
    return tuple(said)


CARD = Official(
    name="caltech101",
    title="Caltech-101",
    classes=102,
    train=3_060,
    val=0,
    test=6_084,
    measure="mean-per-class",
    split="drawn once for all with a seed of its own: 30 images of each class for train, all "
    "others for test; validation is held out of train",
    licence="CC BY 4.0",
    homepage="https://data.caltech.edu/records/mzrjq-6wc02",
    how_to_get="download caltech-101.zip from its homepage, unpack it, and unpack the archive "
    "101_ObjectCategories.tar.gz in it",
    folder="caltech-101",
    marker=CATEGORIES,
    layout="""\
caltech-101/
  101_ObjectCategories/accordion/image_0001.jpg
  101_ObjectCategories/BACKGROUND_Google/image_0001.jpg
""",
    pitfalls=(
        "There is no official split. The same 30 images of each class are train in every run, "
        "whatever its seed, drawn without replacement and by name, so that the order in which a "
        "disk lists them is of no account: those with the smallest SHA-256 of '0/CLASS/IMAGE', "
        "for example of '0/accordion/image_0001.jpg'.",
        "BACKGROUND_Google counts as a class, the 102nd, as in the paper; torchvision leaves it "
        "out.",
        "A file called tmp lies among the background's images: it is no image, and left out.",
        "Classes differ in size from 31 to 800 images: the measure is the mean over classes.",
    ),
    load=load,
    archives=(
        Archive(
            "caltech-101.zip",
            "https://data.caltech.edu/records/mzrjq-6wc02/files/caltech-101.zip",
            "3138e1922a9193bfa496528edbbc45d0",
        ),
    ),
    drawn=True,
    listed=False,
    also=(
        ("caltech101", CATEGORIES),  # as torchvision unpacks it
        (CATEGORIES, BACKGROUND),  # as the older archive does, or the inner one alone
    ),
)
