"""SUN397 (Xiao et al., 2010): the first of its ten official partitions."""

from __future__ import annotations

from pathlib import Path

from penultimate.data.listing import Entry, Listing
from penultimate.data.official.card import Archive, Official
from penultimate.data.official.lists import read_lines, wrong_line
from penultimate.errors import DataError

LISTS = {"train": "Training_01.txt", "test": "Testing_01.txt"}


def load(root: Path) -> Listing:
    """Images as ``Training_01.txt`` and ``Testing_01.txt`` list them.

    Raises
    ------
    DataError : a list is missing or not as published.
    """
    lists = _folder_of_lists(root)
    known = set(read_lines(root / "ClassName.txt"))
    entries = []
    for part, name in LISTS.items():
        for path in read_lines(lists / name):
            folder = path.rpartition("/")[0]
            if folder not in known or folder.count("/") < 2:
                raise wrong_line(
                    lists / name, path, f"is in no class that {root / 'ClassName.txt'} names"
                )
            id_ = path.removeprefix("/")
            entries.append(Entry(id_, root / id_, class_name(folder), part))
    return Listing(tuple(entries), "official partition 1 of 10")


def class_name(folder: str) -> str:
    """``/a/athletic_field/outdoor`` is the class ``athletic_field/outdoor``."""
    return folder.split("/", 2)[2]


def _folder_of_lists(root: Path) -> Path:
    """Partitions.zip has no folder of its own: the lists lie wherever it was unpacked."""
    folders = (root, root / "Partitions", root.parent / "Partitions", root.parent)
    for folder in folders:
        if (folder / LISTS["train"]).is_file():
            return folder
    raise DataError(
        f"sun397 at {root} lacks {LISTS['train']}, which says what is train: get Partitions.zip "
        f"from {CARD.homepage} and unpack it in {root}"
    )


CARD = Official(
    name="sun397",
    title="SUN397",
    classes=397,
    train=19_850,
    val=0,
    test=19_850,
    measure="top-1",
    split="official, the first of ten partitions, 50 images a class in train and in test; "
    "validation is held out of train",
    licence="pictures from the internet, of many owners: research only",
    homepage="https://vision.princeton.edu/projects/2010/SUN/",
    how_to_get="get SUN397.tar.gz and Partitions.zip (its homepage has both, its links come and "
    "go), unpack the first, and the second in the folder SUN397",
    folder="SUN397",
    marker="ClassName.txt",
    layout="""\
SUN397/
  ClassName.txt             /a/abbey, one a line
  a/abbey/sun_ID.jpg
  a/athletic_field/outdoor/sun_ID.jpg
  Training_01.txt           /a/abbey/sun_ID.jpg, one a line; here or in Partitions/
  Testing_01.txt
""",
    pitfalls=(
        "There are ten official partitions and 108,754 images; a score is on the 39,700 of the "
        "first partition, as in the paper. torchvision's loader has no split and gives them all.",
        "Some classes are folders in folders (athletic_field/outdoor and athletic_field/indoor): "
        "the class is the whole path below the letter, not the last folder.",
        "The lists are in an archive of their own, Partitions.zip, and begin each path with '/'.",
    ),
    load=load,
    archives=(
        Archive("SUN397.tar.gz", md5="8ca2778205c41d23104230ba66911c7a"),
        Archive("Partitions.zip"),
    ),
)
