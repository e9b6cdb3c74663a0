"""Unpacking archives: nothing is written outside of the folder, and half is never taken for all."""

from __future__ import annotations

import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from penultimate.data.tar_member import UnsafeMemberError, safe_member
from penultimate.errors import DataError
from penultimate.io import naming_full_disk
from penultimate.progress import SILENT, Progress, Step

TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
ZIP = (".zip",)
MEGA = 2**20


def is_archive(name: str) -> bool:
    """Whether a file of this name is unpacked, and not kept as it is."""
    return name.lower().endswith((*TAR, *ZIP))


def top_of(archive: Path) -> str:
    """The first part of the first member's path: the folder that everything is in, or a file.

    Raises
    ------
    DataError : the archive is damaged or empty.
    """
    for name in _names(archive):
        parts = PurePosixPath(name).parts
        if parts:
            return parts[0]
    raise DataError(f"the archive {archive} is empty: remove it and get it anew")


def unpack(archive: Path, folder: Path, progress: Progress = SILENT) -> None:
    """Unpack an archive into a folder, and the archives in it, which are removed then.

    An inner archive without a folder of its own is unpacked into one of its name, as ImageNet's
    training classes are.

    Raises
    ------
    DataError : the archive is damaged, or would write outside of the folder.
    StoreError : the disk is full.
    """
    with naming_full_disk(folder):
        folder.mkdir(parents=True, exist_ok=True)
    total = -(-archive.stat().st_size // MEGA)
    inner = []
    with progress.step(f"unpacking {archive.name}", total, "MB") as step:
        inner += [folder / name for name in _extract(archive, folder, step) if is_archive(name)]
    for path in inner:
        stem = path.name.partition(".")[0]
        flat = PurePosixPath(top_of(path)).suffix != ""
        unpack(path, path.parent / stem if flat else path.parent, progress)
        path.unlink()


def _extract(archive: Path, folder: Path, step: Step) -> Iterator[str]:
    """Unpack, giving the names of files as they are there."""
    try:
        with archive.open("rb") as file, naming_full_disk(folder):
            members = _from_zip if archive.name.lower().endswith(ZIP) else _from_tar
            done = 0
            for name in members(archive, file, folder):
                yield name
                step.advance(max(0, file.tell() // MEGA - done))
                done = max(done, file.tell() // MEGA)
    except _DAMAGED as error:
        raise _damaged(archive, error) from error


_DAMAGED = (
    *(tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError),
    *(RuntimeError, NotImplementedError),  # a zip archive that is encrypted, or compressed oddly
)


def _from_tar(archive: Path, file: BinaryIO, folder: Path) -> Iterator[str]:
    with tarfile.open(fileobj=file, mode="r:*") as tar:
        tar.extraction_filter = lambda member, _: member  # it has been through one
        for member in tar:
            try:
                safe = safe_member(member, folder)
            except UnsafeMemberError as error:
                raise _evil(archive, member.name) from error
            if safe.islnk():  # a link is not made where one is: an earlier call may have made it
                (folder / safe.name).unlink(missing_ok=True)
            tar.extract(safe, folder)
            if member.isreg():
                yield member.name.lstrip("/\\")  # as it was written


def _from_zip(archive: Path, file: BinaryIO, folder: Path) -> Iterator[str]:
    with zipfile.ZipFile(file) as packed:
        for member in packed.infolist():
            name = PurePosixPath(member.filename.replace("\\", "/"))
            link = stat.S_ISLNK(member.external_attr >> 16)
            if name.is_absolute() or ".." in name.parts or ":" in name.parts[0] or link:
                raise _evil(archive, member.filename)
            packed.extract(member, folder)
            if not member.is_dir():
                yield member.filename


def _names(archive: Path) -> Iterator[str]:
    try:
        if archive.name.lower().endswith(ZIP):
            with zipfile.ZipFile(archive) as packed:
                yield from packed.namelist()
        else:
            with tarfile.open(archive) as tar:
                for member in tar:
                    yield member.name
    except _DAMAGED as error:
        raise _damaged(archive, error) from error


def _evil(archive: Path, member: str) -> DataError:
    return DataError(
        f"the archive {archive} has the member {member!r}, which would write outside of its "
        "folder or is no plain file: it is not what was published, remove it"
    )


def _damaged(archive: Path, error: Exception) -> DataError:
    reason = next(iter(str(error).splitlines()), "").rstrip(":") or type(error).__name__
    return DataError(f"the archive {archive} is damaged ({reason}): remove it and get it anew")


def enough_room(folder: Path, needed: int) -> None:
    """Whether a disk has room, before an hour of work shows that it has not.

    Raises
    ------
    DataError : it has less than ``needed`` bytes.
    """
    there = next(parent for parent in (folder, *folder.absolute().parents) if parent.is_dir())
    free = shutil.disk_usage(there).free
    if free < needed:
        raise DataError(
            f"{folder} has room for {free / 1e9:.1f} GB and {needed / 1e9:.1f} GB are needed: free "
            "some, or choose another place with --to DIR"
        )
