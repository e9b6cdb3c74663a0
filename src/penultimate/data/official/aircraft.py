"""FGVC-Aircraft (Maji, Kannala, Rahtu, Blaschko, Vedaldi, 2013)."""

from __future__ import annotations

from pathlib import Path

from penultimate.data.listing import Entry, Listing
from penultimate.data.official.card import Archive, Official
from penultimate.data.official.lists import read_lines, wrong_line


def load(root: Path) -> Listing:
    """Images with their variant, as ``data/images_variant_PART.txt`` list them.

    Raises
    ------
    DataError : a list is missing or not as published.
    """
    variants = set(read_lines(root / "data" / "variants.txt"))
    entries = []
    for part in ("train", "val", "test"):
        file = root / "data" / f"images_variant_{part}.txt"
        for line in read_lines(file):
            name, _, variant = line.partition(" ")  # a variant may have spaces and slashes
            if variant not in variants:
                raise wrong_line(file, line, "is not an image and a variant")
            id_ = f"data/images/{name}.jpg"
            entries.append(Entry(id_, root / id_, variant, part))
    return Listing(tuple(entries), "official")


CARD = Official(
    name="aircraft",
    title="FGVC Aircraft",
    classes=100,
    train=3_334,
    val=3_333,
    test=3_333,
    measure="mean-per-class",
    split="official train, validation and test, of release 2013b",
    licence="for non-commercial research only; the photographs belong to those who took them",
    homepage="https://www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft/",
    how_to_get="download fgvc-aircraft-2013b.tar.gz from its homepage and unpack it",
    folder="fgvc-aircraft-2013b",
    marker="data/variants.txt",
    layout="""\
fgvc-aircraft-2013b/
  data/images/1025794.jpg
  data/images_variant_train.txt    NAME VARIANT, one a line
  data/images_variant_val.txt
  data/images_variant_test.txt
  data/variants.txt                the 100 variants
""",
    pitfalls=(
        "Labels come at three levels, 100 variants, 70 families and 30 manufacturers: the classes "
        "are the variants.",
        "Names of variants hold spaces and slashes, such as 'F/A-18' and 'Boeing 717': the label "
        "is the whole rest of the line.",
        "Each photograph ends in a banner of 20 pixels with the name of who took it, which the "
        "data set's makers ask to cut off. The paper does not say that it did, torchvision and "
        "TensorFlow Datasets do not: it is left in, so that scores compare.",
        "The list called trainval is train and val together: it is not read, and those two are.",
    ),
    load=load,
    archives=(
        Archive(
            "fgvc-aircraft-2013b.tar.gz",
            "https://www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft/archives/fgvc-aircraft-2013b.tar.gz",
            "d4acdd33327262359767eeaa97a4f732",
        ),
    ),
)
