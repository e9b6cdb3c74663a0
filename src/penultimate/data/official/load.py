"""Reading a published data set: its lists, and whether what they list is on this disk."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from penultimate.data.dataset import PARTS, Skipped
from penultimate.data.examples import Examples
from penultimate.data.listing import Entry, Listing
from penultimate.data.official.card import Official
from penultimate.data.official.find import find_root, remedy
from penultimate.errors import DataError

GO_ON = (
    "go on without them and have them counted with --allow-missing (allow_missing = true in a "
    "study file)"
)


@dataclass(frozen=True)
class Loaded:
    """What of a published data set is on this disk.

    Parameters
    ----------
    root : its own folder.
    found : the images that are there, or the examples where they are not kept as images.
    missing : images that the lists name and the disk lacks; empty unless they were allowed.
    """

    root: Path
    found: Listing | Examples
    missing: tuple[Skipped, ...] = ()


def load_official(card: Official, place: str = "", *, allow_missing: bool = False) -> Loaded:
    """Read the lists of a published data set and look whether each image is there.

    Parameters
    ----------
    place : its own folder or the one that holds it; empty for where downloads go.
    allow_missing : leave out and count the images that are not there, instead of refusing.

    Raises
    ------
    DataError : the data set is not there, its lists are not as published, or images are missing.
    """
    root = find_root(card, place)
    found = card.load(root)
    notices = check_sizes(card, found)
    if not card.listed and not allow_missing:
        _refuse_short(card, root, found)
    if isinstance(found, Examples):
        return Loaded(root, replace(found, notices=(*found.notices, *notices)))
    _refuse_unlike_a_list(card, root, found.entries)
    missing = find_missing(found.entries)
    if missing:
        _refuse_missing(card, root, found.entries, missing, allow_missing)
        notices += (_about_missing(found.entries, missing),)
        gone = {entry.id for entry in missing}
        found = replace(found, entries=tuple(e for e in found.entries if e.id not in gone))
    return Loaded(
        root,
        replace(found, notices=(*found.notices, *notices)),
        tuple(Skipped(entry.id, "the file is missing") for entry in missing),
    )


def check_sizes(card: Official, found: Listing | Examples) -> tuple[str, ...]:
    """Sentences on how the lists differ from the published sizes; none where they do not."""
    parts, classes = _parts_and_classes(found)
    wrong = [
        f"{parts[part]:,} instead of {published:,} {part} images"
        for part in PARTS
        for published in [getattr(card, part)]
        if parts[part] != published
    ]
    if len(classes) != card.classes:
        wrong.append(f"{len(classes):,} instead of {card.classes:,} classes")
    if not wrong:
        return ()
    return (f"these are not the published sizes of {card.name}: {', '.join(wrong)}",)


def find_missing(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The entries whose file is not there; each folder is read once, not each file looked at."""
    by_folder: dict[Path, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_folder[entry.path.parent].append(entry)
    missing = []
    for folder, inside in by_folder.items():
        try:
            names = set(os.listdir(folder))  # noqa: PTH208 - names, a hundred thousand of them
        except OSError:
            names = set()
        # A file system that takes a name in other case has the file all the same.
        missing += [e for e in inside if e.path.name not in names and not e.path.exists()]
    return tuple(sorted(missing, key=lambda entry: entry.id))


def _parts_and_classes(found: Listing | Examples) -> tuple[Counter[str], set[str]]:
    if isinstance(found, Examples):
        sets = found.label_sets or ((label,) for label in found.labels)
        return Counter(found.parts or ()), {label for each in sets for label in each}
    return (
        Counter(entry.part for entry in found.entries),
        {label for entry in found.entries for label in entry.named},
    )


def _refuse_unlike_a_list(card: Official, root: Path, entries: tuple[Entry, ...]) -> None:
    """Names in a list are a stranger's words: each is below the data set's folder, and once."""
    if not entries:
        raise DataError(f"the lists of {card.name} in {root} name no image: {remedy(card)}")
    top = os.path.normpath(root.absolute()) + os.sep
    for entry in entries:
        path = os.path.normpath(entry.path.absolute())
        if not path.startswith(top) or "\0" in path:
            raise DataError(
                f"the lists of {card.name} in {root} name {entry.id!r}, which is outside that "
                "folder: these are not the published lists, get them anew"
            )
    id_, times = Counter(entry.id for entry in entries).most_common(1)[0]
    if times > 1:
        raise DataError(
            f"the lists of {card.name} in {root} name {id_!r} {times} times: these are not the "
            "published lists, get them anew"
        )


def _refuse_short(card: Official, root: Path, found: Listing | Examples) -> None:
    """Without lists: all classes are there and images are not, so that it is no smaller set."""
    parts, classes = _parts_and_classes(found)
    published = card.train + card.val + card.test
    if len(classes) == card.classes and parts.total() < published:
        raise DataError(
            f"{card.name} at {root} lacks {published - parts.total():,} of {published:,} images: "
            f"{remedy(card)}, or {GO_ON}"
        )


def _refuse_missing(
    card: Official,
    root: Path,
    entries: tuple[Entry, ...],
    missing: tuple[Entry, ...],
    allowed: bool,
) -> None:
    example = missing[0].path.relative_to(root).as_posix()
    if len(missing) == len(entries):
        raise DataError(
            f"{card.name} at {root} has none of its {len(entries):,} images (for example "
            f"{example}): {remedy(card)}"
        )
    if not allowed:
        raise DataError(
            f"{card.name} at {root} lacks {len(missing):,} of {len(entries):,} images (for "
            f"example {example}): {remedy(card)}, or {GO_ON}"
        )


def _about_missing(entries: tuple[Entry, ...], missing: tuple[Entry, ...]) -> str:
    parts = Counter(entry.part for entry in missing)
    each = ", ".join(f"{parts[part]:,} of {part}" for part in PARTS if parts[part])
    return (
        f"{len(missing):,} of {len(entries):,} images are missing ({each}) and left out as "
        "allowed: scores compare only with those on the same images"
    )
