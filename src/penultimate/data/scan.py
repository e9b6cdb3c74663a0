"""Reading every image file once: its digest, whether it can be decoded, its perceptual hash."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from penultimate.data.decode import decode
from penultimate.data.duplicates import perceptual_hash
from penultimate.data.listing import Entry
from penultimate.data.scan_cache import ScanCache, Scanned
from penultimate.errors import DataError, UnreadableImageError
from penultimate.progress import SILENT, Progress

THREADS = 8  # at most: each holds a decoded picture of up to 128 MiB and a copy to work on
SAVE_EVERY = 60.0  # seconds of reading that a crash may cost
BLOCK = 64  # files in flight at once, so that stopping early does not read the rest first

T = TypeVar("T")


def scan(
    entries: Sequence[Entry],
    source: str,
    *,
    hashes: bool,
    cache: Path | None = None,
    strict: bool = False,
    progress: Progress = SILENT,
) -> list[Scanned]:
    """Read all files, in a few threads; the answers come in the order of the entries.

    Parameters
    ----------
    source : what the answers are kept under in the cache.
    hashes : whether perceptual hashes are needed.
    cache : folder where answers are kept for the next time.
    strict : stop at the first image that cannot be read.

    Raises
    ------
    DataError : ``strict``, and an image cannot be read.
    """
    kept = ScanCache(cache, source)
    return scan_each(
        [(str(entry.path), entry.path) for entry in entries],
        lambda path: _scan(path, hashes, kept),
        kept,
        strict=strict,
        progress=progress,
    )


def scan_each(
    named: Sequence[tuple[str, T]],
    read: Callable[[T], Scanned],
    kept: ScanCache,
    *,
    strict: bool = False,
    progress: Progress = SILENT,
) -> list[Scanned]:
    """What ``read`` finds in each image, in a few threads; answers in the order they came in.

    Parameters
    ----------
    named : how errors call an image, and what ``read`` takes.

    Raises
    ------
    DataError : ``strict``, and an image cannot be read.
    """
    done: list[Scanned] = []
    try:
        with progress.step("reading images", len(named)) as step:
            for name, answer in _in_order(named, read, kept):
                if answer.error and strict:
                    refuse(name, answer.error)
                done.append(answer)
                step.advance()
    finally:
        kept.write()
    return done


def refuse(place: str, reason: str) -> None:
    """Stop at an image that cannot be used, as ``--strict`` asks."""
    raise DataError(
        f"{place} cannot be read: {reason}; mend or remove it, or leave out --strict to have "
        "such images skipped and counted"
    )


def _in_order(
    named: Sequence[tuple[str, T]], read: Callable[[T], Scanned], kept: ScanCache
) -> Iterator[tuple[str, Scanned]]:
    saved = time.monotonic()
    with ThreadPoolExecutor(max(1, min(THREADS, os.cpu_count() or 1))) as pool:
        for start in range(0, len(named), BLOCK):
            block = named[start : start + BLOCK]
            answers = pool.map(lambda pair: read(pair[1]), block)
            yield from zip((name for name, _ in block), answers, strict=True)
            if time.monotonic() - saved > SAVE_EVERY:  # between blocks no thread adds to it
                kept.write()
                saved = time.monotonic()


def _scan(path: Path, hashes: bool, kept: ScanCache) -> Scanned:
    known = kept.find(path, hashes)
    if known is not None:
        return known
    if path.exists() and not path.is_file():  # opening a pipe would wait for ever
        return Scanned("", error="it is not a file")
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            try:
                picture = decode(file)
            except UnreadableImageError as error:
                answer = Scanned(sha256, error=str(error))
                if not of_the_moment(error.__cause__):
                    kept.keep(path, status, answer)
                return answer
    except (OSError, ValueError) as error:  # ValueError: a path that no file system has
        reason = error.strerror if isinstance(error, OSError) else None
        return Scanned("", error=(reason or str(error)).lower())
    perceptual = perceptual_hash(picture) if hashes else None
    answer = Scanned(sha256, picture.width, picture.height, perceptual)
    kept.keep(path, status, answer)
    return answer


def of_the_moment(cause: BaseException | None) -> bool:
    """Whether the failure says something about the machine and not about the file."""
    return isinstance(cause, MemoryError) or (
        isinstance(cause, OSError) and cause.errno is not None
    )
