"""Where a published data set lies on this disk."""

from __future__ import annotations

import os
from pathlib import Path

from penultimate.data.official.card import Official
from penultimate.errors import DataError

VARIABLE = "PENULTIMATE_DATA"


def data_folder() -> Path:
    """Where data sets are looked for that are named without a place, and downloaded to.

    ``$PENULTIMATE_DATA``, or ``~/.cache/penultimate/data``.
    """
    named = os.environ.get(VARIABLE)
    return Path(named or "~/.cache/penultimate/data").expanduser()


def find_root(card: Official, place: str = "") -> Path:
    """The data set's own folder: the one that has its marker.

    Parameters
    ----------
    place : that folder or the one that holds it; empty for ``data_folder()``.

    Raises
    ------
    DataError : it is not there; the message says what was looked for, where, and the remedy.
    """
    given = Path(place).expanduser() if place else data_folder()
    if place and not given.is_dir():
        what = "is a file and not a folder" if given.exists() else "does not exist"
        raise DataError(f"the folder {given} {what}: check the path after '{card.name}:'")
    root = find(card, place)
    if root is not None:
        return root
    packed = next((file for file in _archives(card, place) if file.is_file()), None)
    if packed:
        raise DataError(
            f"{card.name} is there as {packed} and not unpacked: 'penultimate tasks download "
            f"{card.name} --to {packed.parent}' unpacks it"
        )
    looked = ", ".join(str(folder / marker) for folder, marker in _candidates(card, place))
    if place:
        raise DataError(f"there is no {card.name} in {given} (looked for {looked}): {remedy(card)}")
    raise DataError(
        f"{card.name} is not on this disk (looked for {looked}): {remedy(card)}, or write "
        f"{card.name}:DIR for where it is"
    )


def find(card: Official, place: str = "") -> Path | None:
    """As ``find_root``, None where it is not there."""
    for folder, marker in _candidates(card, place):
        if (folder / marker).exists():
            return folder
    return None


def looked_for(card: Official, place: str = "") -> list[Path]:
    """What ``find`` looks for, in its order."""
    return [folder / marker for folder, marker in _candidates(card, place)]


def remedy(card: Official) -> str:
    """How to get the data set, as a clause without a full stop."""
    if any(archive.url for archive in card.archives):
        return f"'penultimate tasks download {card.name}' fetches it"
    return card.how_to_get.rstrip(".")


def _holders(card: Official, place: str) -> tuple[Path, ...]:
    """Folders that may hold it: the given one, or where downloads go, its name below or not."""
    if place:
        return (Path(place).expanduser(),)
    return (data_folder() / card.name, data_folder())


def _candidates(card: Official, place: str) -> list[tuple[Path, str]]:
    """Folders that may be its own, and the marker each would have."""
    forms = ((card.folder, card.marker), *card.also)
    holders = _holders(card, place)
    own = holders[:1]  # but what lies loose where downloads go could be another data set's
    pairs = [(folder, marker) for folder in own for _, marker in forms]
    pairs += [(holder / folder, marker) for holder in holders for folder, marker in forms]
    return list(dict.fromkeys(pairs))


def _archives(card: Official, place: str) -> list[Path]:
    """Where its archives would lie as they were downloaded."""
    files = [archive.file for archive in card.archives]
    packed = [file for file in files if file.endswith((".tgz", ".tar.gz", ".tar", ".zip"))]
    return [holder / file for holder in _holders(card, place) for file in packed]
