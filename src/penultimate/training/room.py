"""How much of the disk kept pixels may take, and which of them go when there is no more."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
from pathlib import Path
from typing import BinaryIO

from penultimate.progress import Progress

PIXELS = "pixels.bin"
RESERVE = 2**30  # bytes of the disk that are left free
# Windows has no locks of this kind: there nothing is ever removed.
LOCKS = importlib.util.find_spec("fcntl") is not None


def in_use(file: BinaryIO) -> None:
    """Keep a cache from being removed as long as ``file``, or a copy of its descriptor, is open.

    A process that has died keeps nothing.
    """
    if LOCKS:
        import fcntl

        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_SH)


class Room:
    """Room for one cache, beside the others of its folder.

    Parameters
    ----------
    own : the folder of the cache that is written.
    limit : bytes that all caches together may take.
    """

    def __init__(self, own: Path, limit: int, progress: Progress) -> None:
        self._own = own
        self._progress = progress
        folder = own.parent
        folder.mkdir(parents=True, exist_ok=True)
        used = sum(path.stat().st_size for path in folder.glob(f"*/{PIXELS}"))
        self._left = min(limit - used, shutil.disk_usage(folder).free - RESERVE)

    def fits(self, count: int) -> bool:
        """Take ``count`` bytes; where there is no room, what nobody uses is removed to make some.

        The first to go is what was opened longest ago.
        """
        while count > self._left:
            freed = self._remove_one()
            if not freed:
                return False
            self._left += freed
        self._left -= count
        return True

    def _remove_one(self) -> int:
        """The bytes that removing one cache gave; 0 where all are in use."""
        others = [path for path in self._own.parent.glob(f"*/{PIXELS}") if path.parent != self._own]
        for path in sorted(others, key=lambda path: path.stat().st_mtime):
            size = path.stat().st_size
            if size and not path.parent.with_suffix(".lease").exists() and _unused(path):
                shutil.rmtree(path.parent, ignore_errors=True)
                self._progress.note(
                    f"{size / 1e6:,.0f} MB of pixels of a task that is not in use were removed "
                    "to make room: with a higher limit they would not have to be decoded again"
                )
                return size
        return 0


def opened(path: Path) -> None:
    """Note that a cache was opened now."""
    with contextlib.suppress(OSError):  # a disk that may only be read
        os.utime(path)


def _unused(path: Path) -> bool:
    """Whether no process, here or on another machine, has the cache open."""
    if not LOCKS:
        return False
    import fcntl

    try:
        with path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
