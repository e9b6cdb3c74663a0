"""The two forms in which CIFAR is published: Python pickles and flat binary files.

A pickle can run any program, and these come from the internet. So the pickles are read by a reader
that knows how to make numbers, text, lists, dictionaries and plain arrays, and nothing else.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penultimate.data.dataset import ArrayImages, digest_array
from penultimate.data.examples import Examples
from penultimate.data.official.lists import read_lines, unreadable
from penultimate.errors import DataError

SHAPE = (3, 32, 32)  # planes of red, green and blue, each row by row
PIXELS = 3 * 32 * 32

Batch = tuple[NDArray[np.uint8], NDArray[np.int64]]  # (n, 3072) pixels, (n,) labels


def examples_of(batches: Sequence[tuple[str, str, Batch]], names: Sequence[str]) -> Examples:
    """Batches as (part, name, contents), with the names of the classes.

    An example is called by its batch and its place in it, which is the same in both forms.
    """
    pixels = np.concatenate([pixels for _, _, (pixels, _) in batches])
    # Planes become pixels: (n, 32, 32, 3).
    pictures = np.ascontiguousarray(pixels.reshape(-1, *SHAPE).transpose(0, 2, 3, 1))
    return Examples(
        ids=tuple(
            f"{name}/{i:05d}" for _, name, (_, labels) in batches for i in range(len(labels))
        ),
        labels=tuple(names[label] for _, _, (_, labels) in batches for label in labels.tolist()),
        digests=tuple(digest_array(picture) for picture in pictures),
        images=ArrayImages(pictures),
        parts=tuple(part for part, _, (_, labels) in batches for _ in labels),
        split_source="official",
    )


def refuse_missing_files(name: str, root: Path, files: Sequence[str]) -> None:
    """All files of a form belong together: without one of them the data set is another.

    Raises
    ------
    DataError : some are not there.
    """
    missing = [file for file in files if not (root / file).is_file()]
    if missing:
        raise DataError(
            f"{name} at {root} lacks {len(missing)} of its {len(files)} files "
            f"({', '.join(missing)}): unpack its archive there anew"
        )


def read_names(file: Path, key: str, classes: int) -> list[str]:
    """The names of the classes: of a pickle under ``key``, of a text file one a line.

    Raises
    ------
    DataError : there are not ``classes`` of them, each another.
    """
    names: Any
    names = read_lines(file) if file.suffix == ".txt" else _dictionary(file).get(key)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise unreadable(file, f"it has no list of names {key!r}")
    if len(names) != classes or len(set(names)) != classes:
        raise unreadable(file, f"it has {len(set(names)):,} and not {classes:,} names of classes")
    return names


def read_pickled(file: Path, key: str, classes: int) -> Batch:
    """A batch that is a pickled dictionary of ``data`` (n, 3072) and a list of labels ``key``.

    Raises
    ------
    DataError : it is not that.
    """
    batch = _dictionary(file)
    pixels, labels = batch.get("data"), batch.get(key)
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8:
        raise unreadable(file, "it has no 8-bit array 'data'")
    if pixels.ndim != 2 or pixels.shape[1] != PIXELS:
        raise unreadable(file, f"its 'data' is {pixels.shape} and not (n, {PIXELS})")
    if not isinstance(labels, list) or not all(type(label) is int for label in labels):
        raise unreadable(file, f"it has no list of numbers {key!r}")
    if len(labels) != len(pixels):
        raise unreadable(file, f"it has {len(pixels):,} images and {len(labels):,} labels")
    return pixels, _labels(file, np.array(labels, dtype=np.int64), classes)


def read_binary(file: Path, classes: int, before: int = 0) -> Batch:
    """A batch of records: ``before`` bytes of other labels, one of the label, 3,072 of pixels.

    Raises
    ------
    DataError : it is not that.
    """
    try:
        content = np.frombuffer(file.read_bytes(), dtype=np.uint8)
    except OSError as error:
        raise unreadable(file, (error.strerror or str(error)).lower()) from error
    record = before + 1 + PIXELS
    if len(content) == 0 or len(content) % record:
        raise unreadable(
            file, f"it has {len(content):,} bytes, which are no records of {record:,} each"
        )
    records = content.reshape(-1, record)
    labels = records[:, before].astype(np.int64)
    return records[:, before + 1 :], _labels(file, labels, classes)


def _labels(file: Path, labels: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    wrong = labels[(labels < 0) | (labels >= classes)]
    if len(wrong):
        raise unreadable(file, f"it has the label {wrong[0]}, which is not below {classes}")
    return labels


def _dictionary(file: Path) -> dict[str, Any]:
    """A pickled dictionary; keys that Python 2 wrote as bytes become text."""
    try:
        with file.open("rb") as opened:
            content = _Plain(opened, encoding="latin1").load()
    except OSError as error:
        raise unreadable(file, (error.strerror or str(error)).lower()) from error
    except _RefusedError as error:
        raise DataError(
            f"{file} asks for {error}, which no published batch holds, and which could run a "
            "program: it is not read; get the data set from its homepage"
        ) from error
    except Exception as error:  # a damaged pickle fails in as many ways as there are bytes
        raise unreadable(file, "it is not a pickle that can be read") from error
    if not isinstance(content, dict):
        raise unreadable(file, "it holds no dictionary")
    return {
        key.decode("latin1") if isinstance(key, bytes) else str(key): value
        for key, value in content.items()
    }


class _RefusedError(Exception):
    """The name of what a pickle asked for."""


class _Plain(pickle.Unpickler):
    """Reads numbers, text, containers and plain arrays of numbers, and refuses all else by name."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("numpy", "ndarray"):
            return np.ndarray
        if (module, name) == ("numpy", "dtype"):
            return _dtype
        # The old name is what the published files say, the new one what today's numpy writes.
        if name == "_reconstruct" and module in (
            "numpy.core.multiarray",
            "numpy._core.multiarray",
        ):
            return _array
        if (module, name) == ("_codecs", "encode"):
            return _encode
        raise _RefusedError(f"{module}.{name}")


def _array(kind: type, shape: tuple[int, ...], _: object) -> NDArray[Any]:
    """The empty array that a pickle fills afterwards; of no other kind than numpy's own."""
    if kind is not np.ndarray or shape != (0,):
        raise _RefusedError(f"an array of the kind {kind!r}")
    return np.empty(0, dtype=np.uint8)


def _dtype(spec: str, align: int, copy: int) -> np.dtype[Any]:
    """A type of numbers; the published files have 0 and 1 where numpy now wants booleans."""
    return np.dtype(spec, bool(align), bool(copy))


def _encode(text: str, encoding: str) -> bytes:
    """Bytes as Python 3 writes them for Python 2."""
    if encoding != "latin1":
        raise _RefusedError(f"the encoding {encoding!r}")
    return text.encode("latin1")
