"""Every picture of a data set decoded once, for all the trainings that look at it."""

from __future__ import annotations

import os
import shutil
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from penultimate.data import Dataset
from penultimate.errors import DataError
from penultimate.io import digest_json
from penultimate.lease import Waiter
from penultimate.progress import SILENT, Progress
from penultimate.training.decoded import REDUCTION, decoded
from penultimate.training.kept import Kept, read_kept, write_kept
from penultimate.training.room import Room, opened

PIXELS_VERSION = 1  # goes up when decoding or reducing change their numbers


class PixelCache:
    """Pictures by their row in a data set: ``cache[row]`` is (height, width, 3), uint8, RGB.

    Kept on disk in the order of the images' digests, under a name that says whose pixels they are
    and how large; names, labels and splits do not count. Several threads and processes may read.
    Pictures that do not fit into the limit are decoded each time they are asked for.
    """

    def __init__(self, dataset: Dataset, side: int | None, kept: Kept, progress: Progress) -> None:
        self.dataset = dataset
        self.side = side
        self._kept = kept
        self._progress = progress
        self._places = np.searchsorted(
            np.array(sorted(set(dataset.digests))), np.array(dataset.digests)
        ).astype(np.int64)
        self._damage_told = False

    @classmethod
    def open(
        cls,
        dataset: Dataset,
        folder: Path,
        *,
        side: int | None,
        limit: int,
        workers: int | None = None,
        progress: Progress = SILENT,
    ) -> Self:
        """Decode what is not there yet, and map all of it into memory.

        Parameters
        ----------
        folder : of all such caches.
        side : pixels that a shorter side is reduced to where it has more (bicubic, antialiased);
            None for pictures as they were decoded. Crops of reduced pictures are another
            augmentation, so it belongs to what identifies a training.
        limit : bytes that all caches of ``folder`` together may take; 0 for none. Those that no
            process has open are removed to make room, the one that was opened longest ago first.
        workers : threads that decode; one a core by default.

        Raises
        ------
        DataError : the task has no images, or one has changed or gone since it was scanned.
        """
        if not dataset.has_images:
            raise DataError(
                f"{dataset.name} has features and no images, so there is nothing to train a "
                "network on: use the linear probe with it, or a task that has images"
            )
        digests = sorted(set(dataset.digests))
        place = folder / pixels_key(digests, side)
        kept = read_kept(place, digests)
        if limit > 0 and (kept is None or len(kept) < len(digests)):
            kept = _build(dataset, place, digests, side, limit, workers, progress)
        if kept is None:  # damaged, and not to be renewed
            kept = Kept.none(place)
        if len(kept) < len(digests):
            progress.note(
                f"{len(digests) - len(kept):,} of {len(digests):,} pictures of {dataset.name} do "
                "not fit into the cache of pixels and are decoded each time: a higher limit, or "
                "pixels = 'reduced', is faster"
            )
        opened(kept.path)
        return cls(dataset, side, kept, progress)

    def __getitem__(self, row: int) -> NDArray[np.uint8]:
        place = int(self._places[row])
        if place >= len(self._kept):
            return decoded(self.dataset, row, self.side)
        pixels = self._kept.pixels(place)
        if pixels is not None:
            return pixels
        if not self._damage_told:
            self._damage_told = True
            self._progress.note(
                f"the kept pixels of {self.dataset.ids[row]} of {self.dataset.name} are damaged: "
                "such pictures are decoded anew; if that is said often, check the disk"
            )
        pixels = decoded(self.dataset, row, self.side)
        self._kept.mend(place, pixels)
        return pixels

    def __len__(self) -> int:
        return len(self.dataset)

    @property
    def bytes_on_disk(self) -> int:
        """Of this data set's pixels."""
        return self._kept.size


def pixels_key(digests: Sequence[str], side: int | None) -> str:
    """The cache's name: everything that can change a byte in it."""
    return digest_json(
        {
            "side": side,
            "resampling": None if side is None else REDUCTION.name.lower(),
            "version": PIXELS_VERSION,
            "images": list(digests),
        }
    )


def _build(
    dataset: Dataset,
    place: Path,
    digests: Sequence[str],
    side: int | None,
    limit: int,
    workers: int | None,
    progress: Progress,
) -> Kept | None:
    """Decode what is missing, or wait for whoever does."""
    waiter = Waiter(place.with_suffix(".lease"))
    lease = waiter.try_acquire()
    if lease is None:
        progress.note(f"another process decodes {dataset.name}: waiting")
        lease = waiter.acquire()
    with lease:
        kept = read_kept(place, digests)
        if kept is None:
            progress.note(f"the kept pixels of {dataset.name} are damaged: decoding them anew")
            shutil.rmtree(place, ignore_errors=True)
        done = 0 if kept is None else len(kept)
        if done < len(digests):
            first = {digest: row for row, digest in reversed(list(enumerate(dataset.digests)))}
            todo = [first[digest] for digest in digests[done:]]
            with progress.step(f"decoding {dataset.name}", len(digests)) as step:
                step.advance(done)

                def pictures() -> Iterator[NDArray[np.uint8]]:
                    for pixels in _in_order(dataset, todo, side, workers or os.cpu_count() or 1):
                        yield pixels
                        step.advance()

                write_kept(place, digests, pictures(), Room(place, limit, progress).fits)
        return read_kept(place, digests)


def _in_order(
    dataset: Dataset, rows: Sequence[int], side: int | None, workers: int
) -> Iterator[NDArray[np.uint8]]:
    """Decoded in threads (Pillow lets go of the interpreter), a few ahead and no more."""
    waiting = iter(rows)
    with ThreadPoolExecutor(workers, thread_name_prefix="decode") as pool:
        pending: deque[Future[NDArray[np.uint8]]] = deque(
            pool.submit(decoded, dataset, row, side) for row in islice(waiting, 2 * workers)
        )
        try:
            while pending:
                pixels = pending.popleft().result()
                pending.extend(
                    pool.submit(decoded, dataset, row, side) for row in islice(waiting, 1)
                )
                yield pixels
        finally:
            for future in pending:
                future.cancel()
