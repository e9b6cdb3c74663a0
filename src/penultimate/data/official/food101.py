"""Food-101 (Bossard, Guillaumin, Van Gool, 2014)."""

from __future__ import annotations

import json
from pathlib import Path

from penultimate.data.listing import Entry, Listing
from penultimate.data.official.card import Archive, Official
from penultimate.data.official.lists import read_lines, read_text, unreadable, wrong_line


def load(root: Path) -> Listing:
    """Images as ``meta/train.txt`` and ``meta/test.txt`` (or ``.json``) list them.

    Raises
    ------
    DataError : a list is missing or not as published.
    """
    entries = []
    for part in ("train", "test"):
        file, names = _names(root / "meta", part)
        for name in names:
            label, slash, image = name.partition("/")
            if not (label and slash and image):
                raise wrong_line(file, name, "is not CLASS/IMAGE")
            id_ = f"images/{name}.jpg"
            entries.append(Entry(id_, root / id_, label, part))
    return Listing(tuple(entries), "official")


def _names(meta: Path, part: str) -> tuple[Path, list[str]]:
    text, as_json = meta / f"{part}.txt", meta / f"{part}.json"
    if text.exists() or not as_json.exists():
        return text, read_lines(text)
    try:
        by_class = json.loads(read_text(as_json))
        return as_json, [str(name) for names in by_class.values() for name in names]
    except (ValueError, AttributeError, TypeError) as error:
        raise unreadable(as_json, "it is not an object of lists by class") from error


CARD = Official(
    name="food101",
    title="Food-101",
    classes=101,
    train=75_750,
    val=0,
    test=25_250,
    measure="top-1",
    split="official train and test; validation is held out of train",
    licence="pictures of foodspotting.com, not the authors' own: research under fair use only",
    homepage="https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101/",
    how_to_get="download food-101.tar.gz from its homepage and unpack it",
    folder="food-101",
    marker="meta",
    layout="""\
food-101/
  images/CLASS/ID.jpg
  meta/train.txt    CLASS/ID, one a line (or train.json)
  meta/test.txt     the same of the test images (or test.json)
""",
    pitfalls=(
        "What TensorFlow Datasets calls its 'validation' split is the official test part. Here it "
        "is test, and validation is held out of train.",
        "The training images were left uncleaned on purpose, some labels are wrong: they are left "
        "as published.",
    ),
    load=load,
    archives=(
        Archive(
            "food-101.tar.gz",
            "http://data.vision.ee.ethz.ch/cvl/food-101.tar.gz",
            "85eeb15f3717b99a5da872d97d918f87",
        ),
    ),
)
