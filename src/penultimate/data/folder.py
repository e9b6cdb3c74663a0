"""``folder:DIR``: class folders, or split folders that hold class folders."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from penultimate.data.dataset import Skipped
from penultimate.data.listing import PART_NAMES, Entry, Listing
from penultimate.data.walk import Walk, count, walk
from penultimate.errors import DataError


def list_folder(root: Path) -> Listing:
    """The images of a folder, their classes, and their split if the folders are a split.

    An image's class is the path of its folder, relative to ``root`` or to the split folder, with
    ``/``; so nested folders are classes of their own. The folders are a split where the only
    subfolders with images are named train, val (valid, validation) and test in any case, and at
    least train and test are there.

    Raises
    ------
    DataError : the folder is not there, has no images, or its split cannot be understood.
    """
    if not root.exists():
        raise DataError(f"the folder {root} does not exist: check the path after 'folder:'")
    if not root.is_dir():
        raise DataError(
            f"{root} is a file and not a folder: give the folder that holds the class folders, "
            "or write csv:FILE for a table of path,label"
        )
    found = walk(root)
    tops = {id_.partition("/")[0] for id_ in found.files if "/" in id_}
    tops.update(id_ for id_ in found.again if id_.lower() in PART_NAMES)  # such as val -> test
    split = _split_folders(root, tops)
    return _by_part(root, split) if split else _by_class(root, found)


def _split_folders(root: Path, tops: set[str]) -> dict[str, str]:
    """Part -> folder where the folders are a split; empty where they are classes."""
    named = [top for top in sorted(tops) if top.lower() in PART_NAMES]
    parts = Counter(PART_NAMES[top.lower()] for top in named)
    if "train" not in parts or len(parts) < 2:
        return {}
    others = sorted(tops - set(named))
    if others:
        if "test" not in parts:
            return {}
        raise DataError(
            f"{root} has the split folders {', '.join(named)} and, beside them, images in "
            f"{others[0]!r}: move it elsewhere, or say which images are meant with csv:FILE"
        )
    twice = [part for part, n in parts.items() if n > 1]
    if twice:
        folders = [top for top in named if PART_NAMES[top.lower()] == twice[0]]
        raise DataError(f"{root} has two folders for {twice[0]}, {' and '.join(folders)}: keep one")
    if "test" not in parts:
        raise DataError(
            f"{root} has the folders {' and '.join(named)} but no test folder, and nothing may "
            "be scored on what it was trained or selected on: add a test folder, or put the "
            "class folders directly into one folder to have them divided"
        )
    return {PART_NAMES[top.lower()]: top for top in named}


def _by_class(root: Path, found: Walk) -> Listing:
    entries, loose = _classed(found)
    _refuse_empty(root, entries, loose)
    return Listing(
        entries=tuple(Entry(id_, path, label) for id_, path, label in entries),
        skipped=found.skipped,
        notices=(*found.notices, *_about_loose(loose, "the folder itself")),
    )


def _by_part(root: Path, split: dict[str, str]) -> Listing:
    """Each part is walked by itself, so that a link from one to another is followed."""
    entries: list[Entry] = []
    skipped: list[Skipped] = []
    notices: list[str] = []
    for part, folder in sorted(split.items()):
        found = walk(root / folder)
        classed, loose = _classed(found)
        _refuse_empty(root / folder, classed, loose)
        entries += [Entry(f"{folder}/{id_}", path, label, part) for id_, path, label in classed]
        skipped += [Skipped(f"{folder}/{s.id}", s.reason) for s in found.skipped]
        notices += [f"in {folder}: {notice}" for notice in found.notices]
        notices += _about_loose(loose, f"the folder {folder} itself")
    return Listing(tuple(entries), "folders", tuple(skipped), tuple(notices))


def _classed(found: Walk) -> tuple[list[tuple[str, Path, str]], list[str]]:
    """Images with their class, and those that lie in no class folder."""
    classed, loose = [], []
    for id_, path in found.files.items():
        label = id_.rpartition("/")[0]
        if label:
            classed.append((id_, path, label))
        else:
            loose.append(id_)
    return classed, loose


def _refuse_empty(root: Path, classed: list[tuple[str, Path, str]], loose: list[str]) -> None:
    if classed:
        return
    if loose:
        raise DataError(
            f"{root} has {count(len(loose), 'image')} but no class folders: put the images of "
            "each class into a folder of its own, or name their labels with csv:FILE"
        )
    raise DataError(
        f"no images found in {root}: it should hold one folder for each class, with images "
        "(.jpg, .png, .webp, ...) in it"
    )


def _about_loose(loose: list[str], place: str) -> list[str]:
    if not loose:
        return []
    return [
        f"{count(len(loose), 'image')} in {place} and in no class folder ignored, for example "
        f"{sorted(loose)[0]!r}"
    ]
