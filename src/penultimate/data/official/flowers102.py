"""Oxford 102 Flowers (Nilsback, Zisserman, 2008)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from penultimate.data.listing import Entry, Listing
from penultimate.data.official.card import Archive, Official
from penultimate.data.official.lists import read_mat, unreadable

VARIABLES = {"train": "trnid", "val": "valid", "test": "tstid"}


def load(root: Path) -> Listing:
    """Images as ``setid.mat`` divides and ``imagelabels.mat`` labels them.

    A class is called by its number with three digits: the published files have no names.

    Raises
    ------
    DataError : a list is missing or not as published.
    """
    file = root / "imagelabels.mat"
    labels = _numbers(file, "labels", *read_mat(file, "labels"))
    file = root / "setid.mat"
    entries = []
    for (part, variable), values in zip(
        VARIABLES.items(), read_mat(file, *VARIABLES.values()), strict=True
    ):
        for number in _numbers(file, variable, values):
            if number > len(labels):
                raise unreadable(file, f"its {variable!r} has {number}, beyond all labels")
            id_ = f"jpg/image_{number:05d}.jpg"
            entries.append(Entry(id_, root / id_, f"{labels[number - 1]:03d}", part))
    return Listing(tuple(entries), "official")


def _numbers(file: Path, variable: str, values: Any) -> list[int]:
    """A variable as whole numbers from 1."""
    flat = np.ravel(values)
    if flat.dtype.kind not in "iuf" or not bool(np.all((flat >= 1) & (flat % 1 == 0))):
        raise unreadable(file, f"its {variable!r} is not whole numbers from 1")
    return [int(value) for value in flat]


CARD = Official(
    name="flowers102",
    title="Oxford 102 Flowers",
    classes=102,
    train=1_020,
    val=1_020,
    test=6_149,
    measure="mean-per-class",
    split="official train, validation and test",
    licence="none given; for research, the photographs were collected from the web and belong to "
    "their makers",
    homepage="https://www.robots.ox.ac.uk/~vgg/data/flowers/102/",
    how_to_get="download 102flowers.tgz, imagelabels.mat and setid.mat from its homepage and "
    "unpack the first beside the others",
    folder="flowers-102",
    marker="setid.mat",
    layout="""\
flowers-102/
  jpg/image_00001.jpg
  imagelabels.mat    labels: the class of each image, from 1
  setid.mat          trnid, valid, tstid: the images of each part, from 1
""",
    pitfalls=(
        "The test part is the large one, with 6,149 images, and train is as small as validation, "
        "with 1,020: some train on 'tstid', and their scores do not compare.",
        "Images and classes are counted from 1.",
        "The published files do not name the classes: they are called 001 to 102 here.",
    ),
    load=load,
    archives=(
        Archive(
            "102flowers.tgz",
            "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/102flowers.tgz",
            "52808999861908f626f3c1f4e79d11fa",
        ),
        Archive(
            "imagelabels.mat",
            "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/imagelabels.mat",
            "e0620be6f572b9609742df49c70aed4d",
        ),
        Archive(
            "setid.mat",
            "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/setid.mat",
            "a5357ecc9cb78c4bef273ce3793fc85c",
        ),
    ),
)
