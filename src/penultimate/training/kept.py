"""Decoded pictures in a file: written once, one after the other, and mapped into memory.

::

    FOLDER/<key>/pixels.bin   the pixels of each picture, (height, width, 3) bytes, without gaps
    FOLDER/<key>/index.bin    for each picture in turn: height, width, checksum of its pixels,
                              checksum of this entry

A picture is there when its entry is; entries are written after the pixels. So a writer can be
killed at any moment and another goes on behind the last whole entry. What a crash of the machine
or a failing disk leaves is found out by the checksums when a picture is first looked at.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from penultimate.io import naming_full_disk
from penultimate.training.room import PIXELS, in_use

ENTRY = np.dtype([("height", "<u4"), ("width", "<u4"), ("pixels", "<u4"), ("entry", "<u4")])
INDEX = "index.bin"
CHANNELS = 3

Pixels = NDArray[np.uint8]


@dataclass(eq=False)
class Kept:
    """The first n pictures of a cache, read from disk where they are used.

    Parameters
    ----------
    heights, widths : (n,) pixels.
    ends : (n,) bytes from the beginning of the file to the picture's end.
    """

    path: Path
    heights: NDArray[np.int64]
    widths: NDArray[np.int64]
    ends: NDArray[np.int64]
    _sums: NDArray[np.uint32]
    _data: Pixels
    _verified: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self._verified = np.zeros(len(self.ends), dtype=np.bool_)

    @classmethod
    def none(cls, place: Path) -> Self:
        """No picture at all."""
        no = np.zeros(0, dtype=np.int64)
        return cls(place / PIXELS, no, no, no, no.astype(np.uint32), no.astype(np.uint8))

    def __len__(self) -> int:
        return len(self.ends)

    @property
    def size(self) -> int:
        """Bytes of pixels."""
        return int(self.ends[-1]) if len(self.ends) else 0

    def pixels(self, place: int) -> Pixels | None:
        """The picture at ``place``, read-only; None where its bytes are not what was written."""
        height, width = int(self.heights[place]), int(self.widths[place])
        end = int(self.ends[place])
        flat = self._data[end - height * width * CHANNELS : end]
        if not self._verified[place]:
            if zlib.crc32(flat.data) != self._sums[place]:
                return None
            self._verified[place] = True
        return flat.reshape(height, width, CHANNELS)

    def mend(self, place: int, pixels: Pixels) -> None:
        """Write a damaged picture anew, where it lies; a disk that refuses is left as it is."""
        if pixels.shape != (self.heights[place], self.widths[place], CHANNELS):
            return
        try:
            with self.path.open("r+b") as file:
                file.seek(int(self.ends[place]) - pixels.nbytes)
                file.write(np.ascontiguousarray(pixels).data)
        except OSError:
            return


def read_kept(place: Path, digests: Sequence[str]) -> Kept | None:
    """What a cache holds of pictures with these digests; None where its index is damaged.

    An entry cut off in the middle of its writing is no damage, it is not there yet.
    """
    try:
        with (place / PIXELS).open("rb") as file:
            in_use(file)  # as long as it is mapped: the map has the file open too
            return _read(place, file, digests)
    except OSError:
        return Kept.none(place)


def _read(place: Path, file: BinaryIO, digests: Sequence[str]) -> Kept | None:
    content = (place / INDEX).read_bytes()
    whole = len(content) // ENTRY.itemsize
    entries = np.frombuffer(content, dtype=ENTRY, count=whole)
    if whole > len(digests) or not _intact(content, digests[:whole]):
        return None
    heights, widths = (entries[name].astype(np.int64) for name in ("height", "width"))
    ends = np.cumsum(heights * widths * CHANNELS)
    count = int(np.searchsorted(ends, os.fstat(file.fileno()).st_size, side="right"))
    data: Pixels = np.zeros(0, dtype=np.uint8)
    if count:
        data = np.memmap(file, dtype=np.uint8, mode="r", shape=(int(ends[count - 1]),))
    sums = entries["pixels"][:count].copy()
    return Kept(place / PIXELS, heights[:count], widths[:count], ends[:count], sums, data)


def write_kept(
    place: Path,
    digests: Sequence[str],
    pictures: Iterable[Pixels],
    fits: Callable[[int], bool],
) -> None:
    """Go on behind what a cache holds, as long as there is room.

    Parameters
    ----------
    digests : of all pictures of the cache.
    pictures : those that are missing, in the order of ``digests``.
    fits : whether so many more bytes may be written.

    Raises
    ------
    StoreError : the disk is full or cannot be written.
    """
    with naming_full_disk(place):
        place.mkdir(parents=True, exist_ok=True)
        kept = read_kept(place, digests)
        done, used = (len(kept), kept.size) if kept is not None else (0, 0)
        with (place / PIXELS).open("ab") as data, (place / INDEX).open("ab") as index:
            data.truncate(used)
            index.truncate(done * ENTRY.itemsize)
            for pixels in pictures:
                if not fits(pixels.nbytes):
                    break
                data.write(np.ascontiguousarray(pixels).data)
                data.flush()
                index.write(_entry(pixels, digests[done]))
                index.flush()
                done += 1
            os.fsync(data.fileno())
            os.fsync(index.fileno())


def _entry(pixels: Pixels, digest: str) -> bytes:
    entry = np.zeros(1, dtype=ENTRY)
    entry["height"], entry["width"] = pixels.shape[:2]
    entry["pixels"] = zlib.crc32(np.ascontiguousarray(pixels).data)
    entry["entry"] = _sum(entry.tobytes(), digest)
    return entry.tobytes()


def _sum(entry: bytes, digest: str) -> int:
    """Of an entry without its own checksum, and of whose picture it is."""
    return zlib.crc32(digest.encode("ascii"), zlib.crc32(entry[:-4]))


def _intact(content: bytes, digests: Sequence[str]) -> bool:
    size = ENTRY.itemsize
    return all(
        int.from_bytes(content[(i + 1) * size - 4 : (i + 1) * size], "little")
        == _sum(content[i * size : (i + 1) * size], digest)
        for i, digest in enumerate(digests)
    )
