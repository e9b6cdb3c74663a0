"""``features:DIR``: features that already exist, with their labels.

- ``features.npy`` (n, d) numbers;
- ``labels.npy`` (n,) integers or strings; or (n, K) integers where an example can have several
  labels: 1 present, 0 absent, -1 uncertain; the classes are then called by their numbers;
- ``ids.txt`` one name a line, optional: the row numbers where it is not there;
- ``splits.txt`` one of train, val, test a line, optional.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from penultimate.data.dataset import digest_array
from penultimate.data.examples import Examples
from penultimate.data.listing import part_named
from penultimate.errors import DataError

Array = NDArray[np.generic]


def load_feature_folder(folder: Path) -> Examples:
    """The examples of a features folder; their content is their row as float32.

    Raises
    ------
    DataError : a file is missing, has another length than the rest, or holds what is no number.
    """
    features, ids = read_features(folder)
    n = len(features)
    labels = _load(folder / "labels.npy")
    several = labels.ndim == 2 and labels.dtype.kind in "iub"
    one = labels.ndim == 1 and labels.dtype.kind in "iubUS"
    if labels.shape[:1] != (n,) or not (one or several):
        raise DataError(
            f"{folder / 'labels.npy'} should hold {n:,} integers or strings, one for each row of "
            f"features.npy, or as many rows of 1, 0 and -1, but is {labels.dtype} of shape "
            f"{labels.shape}"
        )
    if several and not np.isin(labels, (-1, 0, 1)).all():
        raise DataError(
            f"{folder / 'labels.npy'} has rows of other numbers than 1, 0 and -1: they should say "
            "whether an example is of a class, is not, or nobody is certain"
        )
    parts = _parts(folder / "splits.txt", n)
    return Examples(
        ids=ids,
        labels=() if several else _names(labels),
        digests=tuple(_digest(features, i, folder) for i in range(n)),
        images=None,
        parts=parts,
        split_source="splits.txt" if parts else "",
        label_sets=_classes(labels, 1) if several else None,
        uncertain=_classes(labels, -1) if several else None,
        classes=tuple(map(str, range(labels.shape[1]))) if several else (),
    )


def _names(labels: Array) -> tuple[str, ...]:
    return tuple(
        value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        for value in labels.tolist()
    )


def _classes(labels: Array, value: int) -> tuple[tuple[str, ...], ...]:
    """(n,) the numbers, as text, of the classes that have ``value`` in each row."""
    return tuple(
        tuple(map(str, np.flatnonzero(row == value).tolist())) for row in np.asarray(labels)
    )


def read_features(folder: Path) -> tuple[Array, tuple[str, ...]]:
    """Features (n, d), mapped from the disk and as they are stored, and the n ids of their rows.

    The rows are in the order of the file; a ``Dataset`` is sorted by id.

    Raises
    ------
    DataError : a file is missing or does not fit.
    """
    if not folder.is_dir():
        raise DataError(f"the folder {folder} does not exist: check the path after 'features:'")
    features = _load(folder / "features.npy")
    if features.ndim != 2 or features.dtype.kind not in "fiub" or 0 in features.shape:
        raise DataError(
            f"{folder / 'features.npy'} should hold a matrix of numbers with one row for each "
            f"example, but is {features.dtype} of shape {features.shape}"
        )
    n = len(features)
    file = folder / "ids.txt"
    if not file.exists():
        digits = len(str(n - 1))  # filled with zeros, so that names sort as numbers do
        return features, tuple(f"{i:0{digits}d}" for i in range(n))
    ids = _lines(file, n)
    line_of: dict[str, int] = {}
    for line, id_ in enumerate(ids, 1):
        if not id_:
            raise DataError(f"{file}, line {line} is empty: every example needs a name of its own")
        if id_ in line_of:
            raise DataError(
                f"{file} has {id_!r} twice, in lines {line_of[id_]} and {line}: every example "
                "needs a name of its own"
            )
        line_of[id_] = line
    return features, ids


def _load(file: Path) -> Array:
    try:
        array: Array = np.load(file, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as error:
        raise DataError(
            f"{file} does not exist: a features folder holds features.npy and labels.npy"
        ) from error
    except (OSError, ValueError, EOFError) as error:
        raise DataError(
            f"{file} is not a plain array that can be read: write it with numpy.save, numbers or "
            "strings and no objects"
        ) from error
    return array


def _lines(file: Path, n: int) -> tuple[str, ...]:
    try:
        lines = file.read_text(encoding="utf-8-sig").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{file} is not UTF-8 text: save it as UTF-8") from error
    if len(lines) != n:
        raise DataError(
            f"{file} has {len(lines):,} lines and features.npy {n:,} rows: it should have one "
            "line for each row"
        )
    return tuple(line.removesuffix("\r") for line in lines)


def _parts(file: Path, n: int) -> tuple[str, ...] | None:
    if not file.exists():
        return None
    parts = [part_named(name, f"{file}, line {i}") for i, name in enumerate(_lines(file, n), 1)]
    if "" in parts:
        raise DataError(f"{file}, line {parts.index('') + 1} is empty: it should name a part")
    return tuple(parts)


def _digest(features: Array, row: int, folder: Path) -> str:
    values = np.asarray(features[row], dtype=np.float32)
    if not np.isfinite(values).all():
        raise DataError(
            f"{folder / 'features.npy'}, row {row} (counted from 0) has a value that is not "
            "finite as float32: remove the row, or mend what made it"
        )
    return digest_array(values)
