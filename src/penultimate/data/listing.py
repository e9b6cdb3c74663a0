"""A list of image files with labels: what a folder or a table says, before anything is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from penultimate.data.dataset import Skipped


@dataclass(frozen=True)
class Entry:
    """One image file that a source names.

    ``part`` and ``group`` are empty, and ``sha256`` too, where the source does not say.
    """

    id: str
    path: Path
    label: str
    part: str = ""
    group: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class Listing:
    """What a source lists. ``split_source`` is empty where it has no split of its own."""

    entries: tuple[Entry, ...]
    split_source: str = ""
    skipped: tuple[Skipped, ...] = ()
    notices: tuple[str, ...] = ()


PART_NAMES = {
    "train": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
}
"""How folders and tables may call the parts, in lower case."""
