"""A list of image files with labels: what a folder or a table says, before anything is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from penultimate.data.dataset import Skipped
from penultimate.errors import DataError, nearest


@dataclass(frozen=True)
class Entry:
    """One image file that a source names.

    ``part`` and ``group`` are empty, and ``sha256`` too, where the source does not say. Where an
    image can have several labels, ``labels`` has them all (perhaps none), ``uncertain`` those of
    which the source is not certain, and ``label`` is empty.
    """

    id: str
    path: Path
    label: str
    part: str = ""
    group: str = ""
    sha256: str = ""
    labels: tuple[str, ...] | None = None
    uncertain: tuple[str, ...] = ()

    @property
    def named(self) -> tuple[str, ...]:
        """The certain labels, be it one or several."""
        return (self.label,) if self.labels is None else self.labels


@dataclass(frozen=True)
class Listing:
    """What a source lists.

    ``split_source`` is empty where it has no split of its own, and ``classes`` where it has no
    list of classes of its own: they are then those found, sorted. Either all entries have
    ``labels`` or none has.
    """

    entries: tuple[Entry, ...]
    split_source: str = ""
    skipped: tuple[Skipped, ...] = ()
    notices: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


PART_NAMES = {
    "train": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
}
"""How folders and tables may call the parts, in lower case."""

UNUSED = "unused"
"""In the split column of a table: an image that is deliberately in no part."""


def part_named(name: str, where: str, *, unused: bool = False) -> str:
    """The part that a user's word means; empty for an empty word.

    Parameters
    ----------
    where : begins the message.
    unused : whether an image may be in no part, by the word ``unused``.

    Raises
    ------
    DataError : it means none.
    """
    name = name.strip()
    if not name:
        return ""
    if unused and name.lower() == UNUSED:
        return UNUSED
    part = PART_NAMES.get(name.lower())
    if part is None:
        close = nearest(name.lower(), PART_NAMES, 1)
        hint = f"did you mean {close[0]!r}?" if close else "it should be train, val or test"
        raise DataError(f"{where} has the unknown split {name!r}; {hint}")
    return part
