"""Features on disk: a row for each different image, found by content, never half-trusted.

::

    FOLDER/<key>/manifest.json    the engine and the shape, fixed at the beginning
    FOLDER/<key>/features.npy     float32 (rows, D), memory-mapped, written as it goes
    FOLDER/<key>/progress.json    how many rows are surely on disk, and their digest
    FOLDER/<key>/complete.json    the digest of all rows, images a second: the commit

Rows are in the order of the images' digests, so that neither names, nor splits, nor copies of an
image change the cache.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from penultimate.backbones import ResolvedBackbone
from penultimate.data import Dataset
from penultimate.errors import BackboneError, DataError, UnreadableImageError
from penultimate.features import engine as engines
from penultimate.features.engine import Engine
from penultimate.features.images import batches, pixels_of
from penultimate.io import digest_json, naming_full_disk, write_json
from penultimate.lease import Waiter
from penultimate.progress import SILENT, Progress

FEATURES_VERSION = 1  # goes up when decoding, preprocessing or extraction change their numbers
SAVE_EVERY = 5.0  # seconds between points from which an interrupted extraction goes on
VERIFY_CHUNK = 1 << 24  # bytes


@dataclass(frozen=True, eq=False)
class Features:
    """Features of a data set's examples, in its order, read from disk where they are used."""

    matrix: NDArray[np.float32]  # (rows, D), memory-mapped
    rows: NDArray[np.int64]  # (n,) the row of each example
    engine: dict[str, Any]
    images_per_second: float | None
    seconds: float

    def take(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        """Features (len(indices), D) of the examples at ``indices``."""
        return np.ascontiguousarray(self.matrix[self.rows[indices]])


def features_key(backbone: ResolvedBackbone, digests: list[str]) -> str:
    """The cache's name: everything that can change a number in it."""
    preprocessing = backbone.preprocessing
    return digest_json(
        {
            "weights": backbone.weights,
            "preprocessing": preprocessing
            if isinstance(preprocessing, str)
            else preprocessing.identity(),
            "precision": backbone.spec.precision,
            "version": FEATURES_VERSION,
            "images": digests,
        }
    )


def extract(
    backbone: ResolvedBackbone,
    dataset: Dataset,
    folder: Path,
    *,
    device: str | None = None,
    workers: int | None = None,
    progress: Progress = SILENT,
) -> Features:
    """Features of every image of ``dataset``, from the cache in ``folder`` or computed into it.

    Another process that extracts the same features is waited for; an interrupted extraction goes
    on where it stopped.

    Parameters
    ----------
    device : ``cpu``, ``cuda`` or ``mps``; the fastest that is there by default.
    workers : threads that decode; one a core by default. Results do not depend on it.

    Raises
    ------
    DataError : an image has changed since it was scanned, or the task has features only.
    BackboneError : the network does not give (N, D), memory does not suffice, NaN came out.
    StoreError : the disk is full.
    """
    if backbone.given is not None:
        matrix = backbone.given.take(dataset.ids)
        return Features(
            matrix, np.arange(len(matrix)), {"given": str(backbone.given.folder)}, None, 0.0
        )
    if not dataset.has_images:
        raise DataError(
            f"{dataset.name} has features and no images, so {backbone.spec.display} has nothing to "
            "look at: use it with the backbone features:DIR"
        )
    digests = sorted(set(dataset.digests))
    rows = np.searchsorted(np.array(digests), np.array(dataset.digests)).astype(np.int64)
    place = folder / features_key(backbone, digests)
    complete = _read_complete(place)
    if complete is None:
        waiter = Waiter(place.with_suffix(".lease"))
        lease = waiter.try_acquire()
        if lease is None:
            progress.note(
                f"another process computes {backbone.spec.display} on {dataset.name}: waiting"
            )
            lease = waiter.acquire()
        with lease:
            complete = _read_complete(place)  # another process may have finished meanwhile
            if complete is None:
                first = {digest: i for i, digest in reversed(list(enumerate(dataset.digests)))}
                images = [first[digest] for digest in digests]
                workers = workers or os.cpu_count() or 1
                _Extraction(backbone, dataset, place, images).run(device, workers, progress)
                complete = _read_complete(place)
    if complete is None:
        raise BackboneError(f"{place} does not hold what was written: check the disk, run again")
    matrix = np.load(place / "features.npy", mmap_mode="r", allow_pickle=False)
    return Features(
        matrix, rows, complete["engine"], complete["images_per_second"], complete["seconds"]
    )


@dataclass(frozen=True, eq=False)
class _Extraction:
    """One extraction, begun or gone on with; whoever runs it holds the lease."""

    backbone: ResolvedBackbone
    dataset: Dataset
    place: Path
    images: list[int]  # an example for each row

    def run(self, device: str | None, workers: int, progress: Progress) -> None:
        module = self.backbone.module
        if module is None:
            raise BackboneError(f"{self.backbone.spec.display} has no network to run")
        sample = self._read(self.images[0])
        engine, done, seconds = self._resume(progress)
        if engine is None:
            engine = engines.choose(
                module,
                sample,
                self.backbone.preprocessing,
                len(self.images),
                precision=self.backbone.spec.precision,
                device=device,
            )
        engine, forward, width = engines.ready(
            module, sample, self.backbone.preprocessing, engine, progress
        )
        if done == 0:
            self._begin(engine, width)
        with naming_full_disk(self.place):
            matrix = np.load(self.place / "features.npy", mmap_mode="r+", allow_pickle=False)
        digest = hashlib.sha256(matrix[:done].tobytes())
        description = f"{self.backbone.spec.display} on {self.dataset.name}"
        with progress.step(description, len(self.images)) as step:
            step.advance(done)
            started = saved = time.perf_counter()
            todo = self.images[done:]
            for pixels, real in batches(self._read, todo, engine.batch_size, workers):
                features = forward(pixels)[:real].numpy()
                if not np.isfinite(features).all():
                    raise BackboneError(
                        f"{description}: the network gives NaN or infinite features: check its "
                        "weights, or use precision = 'float32'"
                    )
                matrix[done : done + real] = features
                digest.update(np.ascontiguousarray(features).data)
                done += real
                step.advance(real)
                now = time.perf_counter()
                if now - saved > SAVE_EVERY:
                    self._save(matrix, done, digest.hexdigest(), seconds + now - started)
                    saved = now
            seconds += time.perf_counter() - started
        matrix.flush()
        write_json(
            self.place / "complete.json",
            {
                "sha256": digest.hexdigest(),
                "engine": engine.record(),
                "images_per_second": len(self.images) / seconds if seconds > 0 else None,
                "seconds": seconds,
            },
        )

    def _read(self, index: int) -> torch.Tensor:
        try:
            return pixels_of(self.dataset.image(index), self.backbone)
        except (UnreadableImageError, OSError) as error:
            raise DataError(
                f"{self.dataset.ids[index]} of {self.dataset.name} could be read when the images "
                f"were scanned and no longer can ({error}): put it back and run again"
            ) from error

    def _begin(self, engine: Engine, width: int) -> None:
        """An empty cache: the manifest first, then room for all rows."""
        with naming_full_disk(self.place):
            shutil.rmtree(self.place, ignore_errors=True)
            self.place.mkdir(parents=True)
            write_json(
                self.place / "manifest.json",
                {"engine": engine.record(), "rows": len(self.images), "features": width},
            )
            _allocate(self.place / "features.npy", (len(self.images), width))

    def _save(self, matrix: Any, done: int, sha256: str, seconds: float) -> None:
        with naming_full_disk(self.place):
            matrix.flush()  # the rows are on disk before the note that says so
        write_json(
            self.place / "progress.json", {"rows": done, "sha256": sha256, "seconds": seconds}
        )

    def _resume(self, progress: Progress) -> tuple[Engine | None, int, float]:
        """The engine, rows done and seconds spent of an interrupted extraction; else from none."""
        try:
            manifest = json.loads((self.place / "manifest.json").read_text())
            noted = json.loads((self.place / "progress.json").read_text())
            engine = Engine(**manifest["engine"])
            matrix = np.load(self.place / "features.npy", mmap_mode="r", allow_pickle=False)
            done = int(noted["rows"])
            shape = (len(self.images), manifest["features"])
            trusted = (
                matrix.shape == shape
                and hashlib.sha256(matrix[:done].tobytes()).hexdigest() == noted["sha256"]
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None, 0, 0.0
        if not trusted or not engine.usable():
            progress.note(
                f"the interrupted features of {self.backbone.spec.display} on {self.dataset.name} "
                + ("were made by another engine" if trusted else "are damaged")
                + ": starting them anew"
            )
            return None, 0, 0.0
        return engine, done, float(noted["seconds"])


def _allocate(path: Path, shape: tuple[int, int]) -> None:
    """An array file of zeros with its space truly taken: a full disk shows here, not as a crash.

    Writing to a sparse memory map on a full disk ends the process with SIGBUS.
    """
    matrix = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    matrix.flush()
    del matrix
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


def _read_complete(place: Path) -> dict[str, Any] | None:
    """The commit of a cache whose rows are what it says; None for any other."""
    try:
        record: dict[str, Any] = json.loads((place / "complete.json").read_text())
        matrix = np.load(place / "features.npy", mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError):
        return None
    digest = hashlib.sha256()
    step = max(1, VERIFY_CHUNK // max(1, matrix.shape[1] * 4))
    for start in range(0, len(matrix), step):
        digest.update(np.ascontiguousarray(matrix[start : start + step]).data)
    return record if digest.hexdigest() == record.get("sha256") else None
