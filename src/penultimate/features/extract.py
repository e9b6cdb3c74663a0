"""Taking features: one network, task after task, interrupted and gone on with."""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from penultimate.backbones import ResolvedBackbone
from penultimate.data import Dataset
from penultimate.data.dataset import FileImages
from penultimate.errors import BackboneError, DataError, StoreError, UnreadableImageError
from penultimate.features import engine as engines
from penultimate.features.cache import Features, cached, digest_rows, features_key, open_rows
from penultimate.features.engine import Engine, Running
from penultimate.features.images import batches, pixels_of
from penultimate.io import digest_file, naming_full_disk, write_json
from penultimate.lease import Waiter
from penultimate.progress import SILENT, Progress

SAVE_EVERY = 5.0  # seconds between points from which an interrupted extraction goes on


class Extractor:
    """Takes features with one network, for one task after another.

    Parameters
    ----------
    backbone : with its module.
    folder : of the cache.
    images : how many there will be to run in all; whether compiling pays depends on it.
    device : ``cpu``, ``cuda`` or ``mps``; the fastest that is there by default.
    workers : threads that decode; one a core by default. Results do not depend on it.
    """

    def __init__(
        self,
        backbone: ResolvedBackbone,
        folder: Path,
        *,
        images: int,
        device: str | None = None,
        workers: int | None = None,
        progress: Progress = SILENT,
    ) -> None:
        if backbone.module is None:
            raise BackboneError(f"{backbone.spec.display} has no network to run")
        self.backbone = backbone
        self.folder = folder
        self.workers = workers or os.cpu_count() or 1
        self.progress = progress
        self._images = images
        self._device = device
        self._running: Running | None = None

    def extract(self, dataset: Dataset) -> Features:
        """Features of every image of ``dataset``, from the cache or computed into it.

        Another process that extracts the same features is waited for; an interrupted extraction
        goes on where it stopped.

        Raises
        ------
        DataError : an image has changed since it was scanned, or the task has features only.
        BackboneError : the network does not give (N, D), memory does not suffice, NaN came out.
        StoreError : the disk is full.
        """
        found = cached(self.backbone, dataset, self.folder)
        if found is not None:
            return found
        digests = sorted(set(dataset.digests))
        place = self.folder / features_key(self.backbone, digests)
        waiter = Waiter(place.with_suffix(".lease"))
        lease = waiter.try_acquire()
        if lease is None:
            self.progress.note(
                f"another process computes {self.backbone.spec.display} on {dataset.name}: waiting"
            )
            lease = waiter.acquire()
        with lease:
            found = cached(self.backbone, dataset, self.folder)  # it may have finished meanwhile
            if found is None:
                first = {digest: i for i, digest in reversed(list(enumerate(dataset.digests)))}
                images = [first[digest] for digest in digests]
                _Extraction(self, dataset, place, images).run()
                found = cached(self.backbone, dataset, self.folder)
        if found is None:
            raise StoreError(f"{place} does not hold what was written: check the disk, run again")
        return found

    def running(self, sample: torch.Tensor, engine: Engine | None) -> Running:
        """The network, warmed up, on ``engine``, or on the best one where that is None."""
        if self._running is not None and engine in (None, self._running.engine):
            return self._running
        if self.backbone.module is None:
            raise BackboneError(f"{self.backbone.spec.display} has no network to run")
        preprocessing = self.backbone.preprocessing
        if engine is None:
            engine = engines.choose(
                self.backbone.module,
                sample,
                preprocessing,
                self._images,
                precision=self.backbone.spec.precision,
                device=self._device,
                progress=self.progress,
            )
        self._running = engines.ready(
            self.backbone.module, sample, preprocessing, engine, self.progress
        )
        return self._running


@dataclass(frozen=True, eq=False)
class _Extraction:
    """One extraction, begun or gone on with; whoever runs it holds the lease."""

    extractor: Extractor
    dataset: Dataset
    place: Path
    images: list[int]  # an example for each row

    def run(self) -> None:
        engine, done, seconds = self._resume()
        sample = self._read(self.images[0])
        running = self.extractor.running(sample, engine)
        if done and running.engine != engine:  # it could not be compiled again
            done, seconds = 0, 0.0
        if done == 0:
            self._begin(running.engine, running.width)
        with naming_full_disk(self.place):
            matrix = np.load(self.place / "features.npy", mmap_mode="r+", allow_pickle=False)
        digest = digest_rows(matrix[:done])
        description = f"{self.extractor.backbone.spec.display} on {self.dataset.name}"
        batch_size, workers = running.engine.batch_size, self.extractor.workers
        with self.extractor.progress.step(description, len(self.images)) as step:
            step.advance(done)
            started = saved = time.perf_counter()
            todo = self.images[done:]
            read = partial(self._read, shape=sample.shape)
            for pixels, real in batches(read, todo, batch_size, workers):
                features = running.run(pixels)[:real].numpy()
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
                "engine": running.engine.record(),
                "images_per_second": len(self.images) / seconds if seconds > 0 else None,
                "seconds": seconds,
            },
        )

    def _read(self, index: int, shape: torch.Size | None = None) -> torch.Tensor:
        name = f"{self.dataset.ids[index]} of {self.dataset.name}"
        images = self.dataset.images
        try:
            # A cache is trusted by the images' digests, so it must be of these very images.
            if isinstance(images, FileImages):
                same = digest_file(Path(images.paths[index])) == self.dataset.digests[index]
                if not same:
                    raise DataError(f"{name} has changed since the images were scanned: run again")
            pixels = pixels_of(self.dataset.image(index), self.extractor.backbone)
        except (UnreadableImageError, OSError) as error:
            raise DataError(
                f"{name} could be read when the images were scanned and no longer can ({error}): "
                "put it back and run again"
            ) from error
        if shape not in (None, pixels.shape):
            raise BackboneError(
                f"the transform of {self.extractor.backbone.spec.display} gives {name} the shape "
                f"{tuple(pixels.shape)} and others {tuple(shape or ())}: end it with a resize or a "
                "crop to one size"
            )
        return pixels

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
            self.place / "progress.json",
            {
                "rows": done,
                "sha256": sha256,
                "seconds": seconds,
                "manifest": digest_file(self.place / "manifest.json"),
            },
        )

    def _resume(self) -> tuple[Engine | None, int, float]:
        """The engine, rows done and seconds spent of an interrupted extraction; else from none."""
        try:
            noted = json.loads((self.place / "progress.json").read_text())
            manifest = json.loads((self.place / "manifest.json").read_text())
            engine = Engine(**manifest["engine"])
            matrix = open_rows(self.place / "features.npy")
            done, seconds = int(noted["rows"]), float(noted["seconds"])
            trusted = (
                noted["manifest"] == digest_file(self.place / "manifest.json")
                and matrix.shape == (len(self.images), manifest["features"])
                and digest_rows(matrix[:done]).hexdigest() == noted["sha256"]
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None, 0, 0.0
        if not trusted or not engine.usable():
            self.extractor.progress.note(
                f"the interrupted features of {self.extractor.backbone.spec.display} on "
                f"{self.dataset.name} "
                + ("were made by another engine" if trusted else "are damaged")
                + ": starting them anew"
            )
            return None, 0, 0.0
        return engine, done, seconds


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
