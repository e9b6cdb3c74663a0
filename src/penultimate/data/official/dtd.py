"""DTD, the Describable Textures Dataset (Cimpoi, Maji, Kokkinos, Mohamed, Vedaldi, 2014)."""

from __future__ import annotations

from pathlib import Path

from penultimate.data.listing import Entry, Listing
from penultimate.data.official.card import Archive, Official
from penultimate.data.official.lists import read_lines, wrong_line

SPLIT = 1  # of ten


def load(root: Path) -> Listing:
    """Images as ``labels/PART1.txt`` list them: the first of ten official splits.

    Raises
    ------
    DataError : a list is missing or not as published.
    """
    entries = []
    for part in ("train", "val", "test"):
        file = root / "labels" / f"{part}{SPLIT}.txt"
        for line in read_lines(file):
            label, _, name = line.partition("/")
            if not label or not name:
                raise wrong_line(file, line, "is not CLASS/IMAGE")
            id_ = f"images/{label}/{name}"
            entries.append(Entry(id_, root / id_, label, part))
    return Listing(tuple(entries), f"official split {SPLIT}")


CARD = Official(
    name="dtd",
    title="Describable Textures (DTD)",
    classes=47,
    train=1_880,
    val=1_880,
    test=1_880,
    measure="top-1",
    split="official train, validation and test, the first of ten splits",
    licence="for research; the pictures were collected from the web and belong to their makers",
    homepage="https://www.robots.ox.ac.uk/~vgg/data/dtd/",
    how_to_get="download dtd-r1.0.1.tar.gz from its homepage and unpack it",
    folder="dtd",
    marker="labels",
    layout="""\
dtd/
  images/banded/banded_0002.jpg
  labels/train1.txt    CLASS/IMAGE, one a line
  labels/val1.txt
  labels/test1.txt
""",
    pitfalls=(
        "There are ten official splits of the same images: the first is used, as the paper does, "
        "and not their mean.",
        "Further attributes of an image stand in labels_joint_anno.txt: its class is the one it "
        "was collected for, the name of its folder.",
    ),
    load=load,
    archives=(
        Archive(
            "dtd-r1.0.1.tar.gz",
            "https://www.robots.ox.ac.uk/~vgg/data/dtd/download/dtd-r1.0.1.tar.gz",
            "fff73e5086ae6bdbea199a49dfb8a4c1",
        ),
    ),
    also=(("dtd/dtd", "labels"),),  # as torchvision unpacks it
)
