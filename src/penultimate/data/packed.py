"""Images that do not lie in files of their own, but in shards, tables and arrays."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from penultimate.data.dataset import Images, Skipped, digest_array
from penultimate.data.decode import decode
from penultimate.data.duplicates import perceptual_hash
from penultimate.data.examples import Examples
from penultimate.data.notices import listed
from penultimate.data.scan import of_the_moment, refuse, scan_each
from penultimate.data.scan_cache import ScanCache, Scanned
from penultimate.errors import DataError, UnreadableImageError
from penultimate.io import digest_bytes
from penultimate.progress import SILENT, Progress


@dataclass(frozen=True)
class Reading:
    """How images are read: see ``load_dataset``; ``hashes`` says whether they are compared."""

    hashes: bool = False
    cache: Path | None = None
    strict: bool = False
    progress: Progress = SILENT


class Packed(Protocol):
    """Where pictures are; can be pickled, and read from several threads at once."""

    def content(self, index: int) -> bytes | Image.Image:
        """The bytes of an image file, or a picture where there never was a file.

        Raises
        ------
        UnreadableImageError, OSError : it is not there, or not whole.
        """


@dataclass(frozen=True)
class Named:
    """What a source says of one image; ``part`` is empty where the source has no split."""

    id: str
    label: str
    part: str = ""


@dataclass(frozen=True, eq=False)
class PackedImages:
    """Pictures read when they are asked for, and compared with what was scanned.

    Parameters
    ----------
    rows : (n,) their places in ``source``.
    digests : (n,) of their content.
    """

    source: Packed
    rows: NDArray[np.int64]
    digests: tuple[str, ...]

    def __getitem__(self, index: int) -> Image.Image:
        digest, picture = read_packed(self.source, int(self.rows[index]))
        if digest != self.digests[index]:
            raise UnreadableImageError("it has changed since the images were scanned")
        return picture()

    def select(self, rows: NDArray[np.int64]) -> PackedImages:
        digests = tuple(self.digests[row] for row in rows)
        return PackedImages(self.source, self.rows[rows], digests)


def read_packed(source: Packed, row: int) -> tuple[str, Callable[[], Image.Image]]:
    """The digest of one image's content, and how it becomes a picture, RGB and upright."""
    content = source.content(row)
    if isinstance(content, bytes):
        return digest_bytes(content), lambda: decode(io.BytesIO(content))
    pixels = np.asarray(content.convert("RGB"))
    return digest_array(pixels), lambda: Image.fromarray(pixels)


def read_all(
    source: Packed,
    named: list[Named],
    place: str,
    reading: Reading,
    *,
    split_source: str = "",
    skipped: tuple[Skipped, ...] = (),
    notices: tuple[str, ...] = (),
) -> Examples:
    """Read every image once; those that cannot be decoded are skipped and counted.

    Parameters
    ----------
    named : what is known of each image, in the order of ``source``.
    place : how messages call the source.
    split_source : empty where the source has no split of its own.
    skipped : what was left out before.

    Raises
    ------
    DataError : none can be read, or one cannot and ``reading.strict`` asks for all.
    """
    if reading.strict and skipped:
        refuse(f"{skipped[0].id} of {place}", skipped[0].reason)
    kept = ScanCache(reading.cache, place)
    scanned = scan_each(
        [(f"{name.id} of {place}", row) for row, name in enumerate(named)],
        lambda row: _scan(source, row, reading.hashes, kept),
        kept,
        strict=reading.strict,
        progress=reading.progress,
    )
    good = [row for row, answer in enumerate(scanned) if not answer.error]
    bad = tuple(Skipped(named[r].id, a.error) for r, a in enumerate(scanned) if a.error)
    every = tuple(sorted((*skipped, *bad), key=lambda s: s.id))
    if not good:
        example = f"{every[0].id}: {every[0].reason}" if every else "it holds none"
        raise DataError(
            f"none of the images of {place} can be read (for example {example}): check that it is "
            "whole, and that the path is right"
        )
    lost = {name.label for name in named} - {named[row].label for row in good}
    if lost:
        notices += (f"no image of these classes can be read: {listed(sorted(lost))}",)
    digests = tuple(scanned[row].sha256 for row in good)
    images: Images = PackedImages(source, np.array(good, dtype=np.int64), digests)
    return Examples(
        ids=tuple(named[row].id for row in good),
        labels=tuple(named[row].label for row in good),
        digests=digests,
        images=images,
        parts=tuple(named[row].part for row in good) if split_source else None,
        split_source=split_source,
        hashes=tuple(scanned[r].perceptual_hash or "" for r in good) if reading.hashes else None,
        skipped=every,
        notices=notices,
    )


def _scan(source: Packed, row: int, hashes: bool, kept: ScanCache) -> Scanned:
    try:
        sha256, picture = read_packed(source, row)
    except (UnreadableImageError, OSError) as error:
        return Scanned("", error=str(error) or type(error).__name__)
    known = kept.find_content(sha256, hashes)
    if known is not None:
        return known
    try:
        decoded = picture()
    except UnreadableImageError as error:
        answer = Scanned(sha256, error=str(error))
        if of_the_moment(error.__cause__):
            return answer
    else:
        perceptual = perceptual_hash(decoded) if hashes else None
        answer = Scanned(sha256, decoded.width, decoded.height, perceptual)
    kept.keep_content(answer)
    return answer
