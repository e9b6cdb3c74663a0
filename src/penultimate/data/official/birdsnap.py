"""Birdsnap (Berg et al., 2014), version 1.1: lists, and images that each user has to fetch."""

from __future__ import annotations

from pathlib import Path

from penultimate.data.listing import Entry, Listing
from penultimate.data.official.card import Archive, Official
from penultimate.data.official.lists import read_lines, unreadable, wrong_line

FOLDERS = ("download/images", "images")  # where the script of the data set puts them, or is told to


def load(root: Path) -> Listing:
    """Images as ``images.txt`` lists them; those of ``test_images.txt`` are test, the rest train.

    Raises
    ------
    DataError : a list is missing or not as published.
    """
    species = {row["id"]: row["common"] for row in _table(root / "species.txt", "id", "common")}
    test_file = root / "test_images.txt"
    test = {row["path"] for row in _table(test_file, "path")}
    folder = next((name for name in FOLDERS if (root / name).is_dir()), FOLDERS[0])
    entries = []
    for row in _table(root / "images.txt", "path", "species_id"):
        path, number = row["path"], row["species_id"]
        if number not in species:
            raise unreadable(
                root / "images.txt", f"it has the species {number!r}, which species.txt has not"
            )
        # Named as in the list, so that the name is the same wherever the images were put.
        part = "test" if path in test else "train"
        entries.append(Entry(path, root / folder / path, species[number], part))
    unknown = sorted(test - {entry.id for entry in entries})
    if unknown:
        raise unreadable(test_file, f"it has {unknown[0]!r}, which images.txt has not")
    return Listing(tuple(entries), "official")


def _table(file: Path, *columns: str) -> list[dict[str, str]]:
    """The rows of a file of cells between tabs, by the names in its first line."""
    lines = read_lines(file)
    names = [name.strip() for name in lines[0].split("\t")] if lines else []
    for column in columns:
        if column not in names:
            raise unreadable(file, f"its first line names no column {column!r}")
    places = [(column, names.index(column)) for column in columns]
    rows = []
    for line in lines[1:]:
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) <= max(place for _, place in places):
            raise wrong_line(file, line, f"has {len(cells)} cells only")
        rows.append({column: cells[place] for column, place in places})
    return rows


CARD = Official(
    name="birdsnap",
    title="Birdsnap",
    classes=500,
    train=47_386,
    val=0,
    test=2_443,
    measure="top-1",
    split="official train and test; validation is held out of train",
    licence="pictures of Flickr's users, each under its own terms; only their addresses are handed "
    "out, for research",
    homepage="http://thomasberg.org/",
    how_to_get="download http://thomasberg.org/datasets/birdsnap/1.1/birdsnap.tgz, unpack it, and "
    "fetch with its get_birdsnap.py (Python 2) those images that are still on the internet",
    folder="birdsnap",
    marker="test_images.txt",
    layout="""\
birdsnap/
  images.txt                url, md5, path, species_id, ... between tabs, with a header
  species.txt               id, common, scientific, dir
  test_images.txt           path
  download/images/PATH      as get_birdsnap.py leaves them, or images/PATH
""",
    pitfalls=(
        "Only the addresses of the images are published, and more of them are dead each year. "
        "Missing images are counted and refused; with --allow-missing they are left out, and the "
        "result records how many. Scores then compare only with scores on the same images.",
        "Each list begins with a header, also test_images.txt, which has one column.",
        "torchvision has no loader of it.",
    ),
    load=load,
    archives=(Archive("birdsnap.tgz"),),
)
