"""PASCAL VOC 2007 classification (Everingham, Van Gool, Williams, Winn, Zisserman, 2007)."""

from __future__ import annotations

import re
from pathlib import Path

from penultimate.data.listing import Entry, Listing
from penultimate.data.official.card import Archive, Official
from penultimate.data.official.lists import read_lines, unreadable
from penultimate.errors import DataError

CLASSES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa"),
    *("train", "tvmonitor"),
)
SERVER = "https://thor.robots.ox.ac.uk/pascal/VOC/voc2007/"
TEST_ARCHIVE = "VOCtest_06-Nov-2007.tar"
PRESENT, DIFFICULT = "1", "0"


def load(root: Path) -> Listing:
    """Images with their classes, as ``ImageSets/Main/CLASS_PART.txt`` list them.

    Raises
    ------
    DataError : a list is missing or not as published.
    """
    lists = root / "ImageSets" / "Main"
    if not (lists / "test.txt").exists():
        raise DataError(
            f"{root} has the lists of train and val but not that of test, {lists / 'test.txt'}: "
            f"unpack {TEST_ARCHIVE} in the same place, its files go beside the others"
        )
    entries = []
    for part in ("train", "val", "test"):
        names = _names(lists / f"{part}.txt")
        marks = {label: _marks(lists / f"{label}_{part}.txt", names) for label in CLASSES}
        for name in names:
            id_ = f"JPEGImages/{name}.jpg"
            entries.append(
                Entry(
                    id=id_,
                    path=root / id_,
                    label="",
                    part=part,
                    labels=tuple(k for k in CLASSES if marks[k][name] == PRESENT),
                    uncertain=tuple(k for k in CLASSES if marks[k][name] == DIFFICULT),
                )
            )
    return Listing(tuple(entries), "official", classes=CLASSES)


def _names(file: Path) -> list[str]:
    """The images of a part: six digits each, which those of later years are not."""
    names = [line.strip() for line in read_lines(file)]
    for name in names:
        if not re.fullmatch(r"[0-9]{6}", name):
            raise unreadable(file, f"its line {name!r} is not the six digits of an image of 2007")
    return names


def _marks(file: Path, names: list[str]) -> dict[str, str]:
    """What a class's list says of each image of a part: 1, 0 (difficult) or -1."""
    marks: dict[str, str] = {}
    for line in read_lines(file):
        name, _, mark = line.strip().partition(" ")
        if mark.strip() not in (PRESENT, DIFFICULT, "-1") or name in marks:
            raise unreadable(file, f"its line {line!r} is not a new image and 1, 0 or -1")
        marks[name] = mark.strip()
    if marks.keys() != set(names):
        odd = min(marks.keys() ^ set(names))
        raise unreadable(file, f"it and the list of the whole part do not both have {odd!r}")
    return marks


CARD = Official(
    name="voc2007",
    title="PASCAL VOC 2007",
    classes=20,
    train=2_501,
    val=2_510,
    test=4_952,
    measure="mean-average-precision",
    split="official train, validation and test",
    licence="the photographs are from flickr and under its terms of use: for research",
    homepage="http://host.robots.ox.ac.uk/pascal/VOC/voc2007/",
    how_to_get="download VOCtrainval_06-Nov-2007.tar and VOCtest_06-Nov-2007.tar from its homepage "
    "and unpack both in one place",
    folder="VOCdevkit/VOC2007",
    marker="ImageSets/Main/train.txt",
    layout="""\
VOCdevkit/VOC2007/
  JPEGImages/000012.jpg
  ImageSets/Main/train.txt              NAME, one a line
  ImageSets/Main/val.txt
  ImageSets/Main/test.txt
  ImageSets/Main/aeroplane_train.txt    NAME and 1, 0 or -1; so for each class and part
""",
    pitfalls=(
        "An image can have several classes: each is learned and scored by itself, and the measure "
        "is the mean over classes of the 11-point interpolated average precision.",
        'A class is marked 0, "difficult", in an image whose objects of it are all hard to '
        "recognise; with one that is not it is marked 1. Such pairs are masked, in the loss and "
        'in the score. Published results differ: difficult = "negative" or "positive" on the '
        "task counts them so.",
        "The labels of classification are those of ImageSets/Main. The XML files of Annotations, "
        "which mark each object, are not read.",
        "The test images and their labels come in an archive of their own, which unpacks into the "
        "same folders: without it there is a data set that lacks only the test part.",
        "The lists called trainval are train and val together: they are not read, and those two "
        "are.",
        "VOC2012 lies beside it in the same VOCdevkit, with lists of the same names: its images "
        "are called otherwise, and are refused.",
    ),
    load=load,
    archives=(
        Archive(
            "VOCtrainval_06-Nov-2007.tar",
            f"{SERVER}VOCtrainval_06-Nov-2007.tar",
            "c52e279531787c972589f7e41ab4ae64",
        ),
        Archive(TEST_ARCHIVE, f"{SERVER}{TEST_ARCHIVE}", "b6e924de25625d8de591ea690078ad9f"),
    ),
    also=(("VOC2007", "ImageSets/Main/train.txt"),),  # users name VOCdevkit, too
)
