"""Features on disk: a row for each different image, found by content, never half-trusted.

::

    FOLDER/<key>/manifest.json    the engine and the shape, fixed at the beginning
    FOLDER/<key>/features.npy     float32 (rows, D), memory-mapped, written as it goes
    FOLDER/<key>/progress.json    how many rows are surely on disk, their digest and the manifest's
    FOLDER/<key>/complete.json    the digest of all rows, images a second: the commit

Rows are in the order of the images' digests, so that neither names, nor splits, nor copies of an
image change the cache.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penultimate.backbones import ResolvedBackbone
from penultimate.data import Dataset
from penultimate.errors import DataError
from penultimate.io import digest_json

FEATURES_VERSION = 1  # goes up when decoding, preprocessing or extraction change their numbers
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


def cached(backbone: ResolvedBackbone, dataset: Dataset, folder: Path) -> Features | None:
    """Features that need no network: given ones, or those in the cache. None for any other.

    Raises
    ------
    BackboneError : given features lack an example of the task.
    DataError : the task has features and no images, and the backbone needs images.
    """
    if backbone.given is not None:
        matrix = backbone.given.take(dataset.ids)
        rows = np.arange(len(matrix))
        return Features(matrix, rows, {"given": str(backbone.given.folder)}, None, 0.0)
    if not dataset.has_images:
        raise DataError(
            f"{dataset.name} has features and no images, so {backbone.spec.display} has nothing to "
            "look at: use it with the backbone features:DIR"
        )
    digests = sorted(set(dataset.digests))
    place = folder / features_key(backbone, digests)
    complete = read_complete(place)
    if complete is None:
        return None
    return Features(
        matrix=open_rows(place / "features.npy"),
        rows=np.searchsorted(np.array(digests), np.array(dataset.digests)).astype(np.int64),
        engine=complete["engine"],
        images_per_second=complete["images_per_second"],
        seconds=complete["seconds"],
    )


def read_complete(place: Path) -> dict[str, Any] | None:
    """The commit of a cache whose rows are what it says; None for any other."""
    try:
        record = json.loads((place / "complete.json").read_text())
        matrix = open_rows(place / "features.npy")
        known = {key: record[key] for key in ("sha256", "engine", "images_per_second", "seconds")}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return known if digest_rows(matrix).hexdigest() == known["sha256"] else None


def open_rows(path: Path) -> NDArray[np.float32]:
    """A file of features, memory-mapped.

    Raises
    ------
    OSError, ValueError : it is not there, or not float32 (rows, D) as this package writes it.
    """
    try:
        matrix: NDArray[np.float32] = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError:
        raise
    except Exception as error:  # NumPy answers damaged headers with more than ValueError
        raise ValueError(f"{path}: {error}") from None
    if matrix.ndim != 2 or matrix.dtype != np.dtype("<f4") or not matrix.flags.c_contiguous:
        raise ValueError(f"{path} is {matrix.dtype} {matrix.shape}")
    return matrix


def digest_rows(matrix: NDArray[np.float32]) -> hashlib._Hash:
    """SHA-256 of the shape of a row and of all rows, read a stretch at a time."""
    digest = hashlib.sha256(f"{matrix.shape[1]}\n".encode())
    step = max(1, VERIFY_CHUNK // max(1, matrix.shape[1] * 4))
    for start in range(0, len(matrix), step):
        digest.update(np.ascontiguousarray(matrix[start : start + step]).data)
    return digest
