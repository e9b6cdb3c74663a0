"""WebDataset shards: which there are, and which part of a split each is."""

from __future__ import annotations

import glob
import os
import re
from itertools import product
from pathlib import Path

from penultimate.data.listing import PART_NAMES
from penultimate.data.notices import listed
from penultimate.data.walk import count
from penultimate.errors import DataError

MOST = 1_000_000  # names that one pattern may stand for
BRACES = re.compile(r"\{([^{}]*)\}")
RANGE = re.compile(r"(\d+)\.\.(\d+)")
PACKED = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")


def find_shards(place: str) -> tuple[Path, dict[Path, str]]:
    """The folder of all shards, and each shard, sorted, with the name of its split.

    ``place`` is a folder with ``.tar`` files in it or in its subfolders, or a pattern with braces
    (``train-{000..099}.tar``, ``{train,test}-*.tar``) and wildcards. The name of a shard's split
    is that word of its file's or its folder's name that means a part of a split; empty where
    there is none.

    Raises
    ------
    DataError : there are none, some that the braces name are not there, or they are compressed.
    """
    if re.match(r"pipe:|[a-z0-9+]+://", place):
        raise DataError(
            f"wds:{place} is not on this disk: WebDataset shards are read from files, as in "
            "wds:DIR or wds:DIR/train-{000..099}.tar"
        )
    path = Path(place).expanduser()
    files = sorted(path.rglob("*.tar")) if path.is_dir() else _matching(str(path))
    if not files:
        packed = [str(f) for end in PACKED for f in path.rglob(f"*{end}")] if path.is_dir() else []
        raise DataError(
            f"the shards of wds:{place} are compressed ({listed(packed[:1])}): unpack them to .tar"
            if packed
            else f"no shards found for wds:{place}: it should be a folder of .tar files, or a "
            "pattern that .tar files match"
        )
    for file in files:
        if file.name.endswith(PACKED):
            raise DataError(f"the shard {file} is compressed: unpack it to .tar")
    root = Path(os.path.commonpath([str(file.parent) for file in files]))
    splits = {file: _split(file, root) for file in files}
    named = {name for name in splits.values() if name}
    if named and not all(splits.values()):
        odd = next(file for file, name in splits.items() if not name)
        raise DataError(
            f"the shards of wds:{place} are of the splits {listed(sorted(named))}, but {odd.name} "
            "does not say which it is of: rename it, or narrow the pattern"
        )
    return root, splits


def expand_braces(pattern: str) -> list[str]:
    """All names that ``{a,b}`` and ``{00..12}`` in a pattern stand for, in order.

    Raises
    ------
    DataError : there are more than a million.
    """
    pieces = BRACES.split(pattern)  # text, braces, text, braces, ..., text
    choices = [_choices(piece) if i % 2 else [piece] for i, piece in enumerate(pieces)]
    number = 1
    for choice in choices:
        number *= len(choice)
    if number > MOST:
        raise DataError(f"the pattern {pattern} stands for {number:,} names: narrow its braces")
    return ["".join(parts) for parts in product(*choices)]


def _choices(inside: str) -> list[str]:
    ends = RANGE.fullmatch(inside)
    if ends is None:
        return inside.split(",") if "," in inside else ["{" + inside + "}"]
    first, last = (int(end) for end in ends.groups())
    if last - first >= MOST:
        raise DataError(f"{{{inside}}} stands for {last - first + 1:,} names: narrow the pattern")
    width = max((len(end) for end in ends.groups() if end.startswith("0")), default=0)
    return [f"{number:0{width}}" for number in range(first, last + 1)]


def _matching(pattern: str) -> list[Path]:
    """The files that a pattern names; those that braces name without a wildcard must be there."""
    files: set[str] = set()
    missing = []
    names = expand_braces(pattern)
    for name in names:
        found = [name] if Path(name).is_file() else glob.glob(name)  # noqa: PTH207 - any path
        files.update(found)
        if not found:
            missing.append(name)
    if missing and len(missing) < len(names):
        raise DataError(
            f"{len(missing):,} of {count(len(names), 'shard')} that {pattern} names are not there: "
            f"{listed(missing)}; get them, or narrow the pattern"
        )
    return sorted(Path(file) for file in files)


def _split(file: Path, root: Path) -> str:
    """The word for a split in a shard's name, else in its folder's; empty where there is none."""
    for name in (file.name, *(part.name for part in [file.parent] if part != root)):
        words = {word for word in re.findall("[a-z]+", name.lower()) if word in PART_NAMES}
        if len({PART_NAMES[word] for word in words}) > 1:
            raise DataError(
                f"the shard {file} is of {' and '.join(sorted(words))} by its name: a shard is of "
                "one split, rename it"
            )
        if words:
            return PART_NAMES[words.pop()]
    return ""
