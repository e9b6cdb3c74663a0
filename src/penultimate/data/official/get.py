"""Getting a published data set: its archives fetched, checked and unpacked."""

from __future__ import annotations

from pathlib import Path

from penultimate.data.download import check, fetch
from penultimate.data.official.card import Archive, Official
from penultimate.data.official.describe import lacking
from penultimate.data.official.find import data_folder, find, find_root
from penultimate.data.official.load import load_official
from penultimate.data.unpack import is_archive, top_of, unpack
from penultimate.errors import DataError
from penultimate.progress import SILENT, Progress


def get(card: Official, to: Path | None = None, progress: Progress = SILENT) -> Path:
    """Have a data set on this disk, whole; returns its own folder.

    Archives that lie in the folder are unpacked and not fetched. Where all images are there
    already, nothing is done.

    Parameters
    ----------
    to : the folder that will hold it; the one of its name where data sets are kept by default.

    Raises
    ------
    DataError : there is no source to fetch it from, an archive is not the published one, or images
        are missing after all; the message says how to get it.
    StoreError : the disk is full.
    """
    holder = (to or data_folder() / card.name).expanduser()
    place = str(to) if to else ""
    if is_complete(card, place):
        return find_root(card, place)
    files = {
        archive: _here(card, archive, holder, keep=to is not None) for archive in card.archives
    }
    own = _own(card, holder)
    if not any(file or archive.url for archive, file in files.items()):
        raise DataError(_by_hand(card, holder))
    for archive, file in files.items():
        if file is not None:
            check(file, archive.md5, str(file))
        elif archive.url:
            target = (holder if is_archive(archive.file) else own) / archive.file
            fetch(archive.url, target, archive.md5, progress)
            files[archive] = target
    for archive, file in files.items():
        if file is not None and is_archive(archive.file):
            _unpack(card, archive, file, holder, own, progress)
    if not is_complete(card, str(holder)):
        absent = ", ".join(archive.file for archive, file in files.items() if file is None)
        lacking = f", as {absent} cannot be fetched" if absent else ""
        raise DataError(
            f"{card.name} in {holder} is not complete{lacking} ('penultimate tasks show "
            f"{card.name}:{holder}' says what is missing): {card.how_to_get.rstrip('.')}"
        )
    return find_root(card, str(holder))


def is_complete(card: Official, place: str = "") -> bool:
    """Whether the data set is on this disk with all its images."""
    if find(card, place) is None:
        return False
    try:
        return lacking(card, load_official(card, place, allow_missing=True)) == 0
    except DataError:  # its lists are not whole
        return False


def _here(card: Official, archive: Archive, holder: Path, *, keep: bool) -> Path | None:
    """Where the file of an archive lies already."""
    places = [holder, holder / card.folder, *([] if keep else [data_folder()])]
    found = (place / archive.file for place in places)
    return next((file for file in found if file.is_file()), None)


def _own(card: Official, holder: Path) -> Path:
    """The data set's own folder: the given one where a part of it lies there loose."""
    loose = (archive.file for archive in card.archives if not is_archive(archive.file))
    return holder if any((holder / file).is_file() for file in loose) else holder / card.folder


def _unpack(
    card: Official, archive: Archive, file: Path, holder: Path, own: Path, progress: Progress
) -> None:
    """Unpack an archive to where its members belong: beside its own folder or into it."""
    folders = {Path(folder).parts[0] for folder, _ in ((card.folder, ""), *card.also)}
    inside = holder if top_of(file) in folders else own
    unpack(file, holder / archive.into if archive.into else inside, progress)


def _by_hand(card: Official, holder: Path) -> str:
    files = [archive.file for archive in card.archives]
    then = f"; put {', '.join(files)} into {holder} and the same command unpacks" if files else ""
    return (
        f"{card.name} has no source that can be fetched from: {card.how_to_get.rstrip('.')}{then}"
    )
