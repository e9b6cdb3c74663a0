"""Oxford-IIIT Pets (Parkhi, Vedaldi, Zisserman, Jawahar, 2012)."""

from __future__ import annotations

import re
from pathlib import Path

from penultimate.data.listing import Entry, Listing
from penultimate.data.official.card import Archive, Official
from penultimate.data.official.lists import read_lines, wrong_line

LINE = re.compile(r"((.+)_\d+)\s+(\d+)\s+[12]\s+\d+")
"""Image, class, the class's number from 1 to 37, 1 for a cat or 2 for a dog, breed among these."""


def load(root: Path) -> Listing:
    """Images as ``annotations/trainval.txt`` and ``annotations/test.txt`` list them.

    Raises
    ------
    DataError : a list is missing or not as published.
    """
    entries = []
    number_of: dict[str, str] = {}
    for part, file_name in (("train", "trainval.txt"), ("test", "test.txt")):
        file = root / "annotations" / file_name
        for line in read_lines(file):
            if line.startswith("#"):
                continue
            found = LINE.fullmatch(line)
            if found is None:
                raise wrong_line(file, line, "is not NAME CLASS SPECIES BREED")
            name, label, number = found.groups()
            if number_of.setdefault(label, number) != number:
                raise wrong_line(file, line, f"gives {label!r} a second number")
            id_ = f"images/{name}.jpg"
            entries.append(Entry(id_, root / id_, label, part))
    return Listing(tuple(entries), "official")


CARD = Official(
    name="pets",
    title="Oxford-IIIT Pets",
    classes=37,
    train=3_680,
    val=0,
    test=3_669,
    measure="mean-per-class",
    split="official trainval and test; validation is held out of trainval",
    licence="CC BY-SA 4.0; the photographs belong to those who took them",
    homepage="https://www.robots.ox.ac.uk/~vgg/data/pets/",
    how_to_get="download images.tar.gz and annotations.tar.gz from its homepage and unpack both "
    "into one folder",
    folder="oxford-iiit-pet",
    marker="annotations",
    layout="""\
oxford-iiit-pet/
  images/Abyssinian_100.jpg
  annotations/trainval.txt    NAME CLASS SPECIES BREED, one a line
  annotations/test.txt
""",
    pitfalls=(
        "The paper prints 3,369 test images; there are 3,669.",
        "A line holds three numbers. The class is the first; the last counts breeds anew for cats "
        "and for dogs, so that it would join two classes in one.",
        "The list called trainval is train here, and validation is held out of it.",
        "Some files called .jpg are PNG, GIF or BMP pictures, some with palettes or transparency: "
        "each is read as what it is.",
        "A few files are damaged: what can no longer be decoded is skipped, counted and named.",
    ),
    load=load,
    archives=(
        Archive(
            "images.tar.gz",
            "https://www.robots.ox.ac.uk/~vgg/data/pets/data/images.tar.gz",
            "5c4f3ee8e5d25df40f4fd59a7f44e54c",
        ),
        Archive(
            "annotations.tar.gz",
            "https://www.robots.ox.ac.uk/~vgg/data/pets/data/annotations.tar.gz",
            "95a8c909bbe2e81eed6a22bccdf3f68f",
        ),
    ),
)
