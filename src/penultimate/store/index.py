"""The tidy frame of a store, and the derived index that makes it quick.

A result never changes once it is committed, so a row never goes stale: the index only gains rows
for new runs and loses those whose folder is gone. It can be deleted at any time.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from penultimate.errors import StoreError
from penultimate.io import write_atomic
from penultimate.store.result import Result

if TYPE_CHECKING:
    from penultimate.store.store import ResultStore

ORDER = ["task", "method", "seed", "score", "backbone"]
COLUMNS: dict[str, str] = {
    "run": "str",
    "backbone": "str",
    "task": "str",
    "method": "str",
    "measure": "str",
    "score": "float64",
    "ci_low": "float64",
    "ci_high": "float64",
    "n_train": "int64",
    "n_val": "int64",
    "n_test": "int64",
    "n_skipped": "int64",
    "n_classes": "int64",
    "imagenet_top1": "float64",
    "seed": "int64",
    "parameters": "float64",
    "features": "int64",
    "image_size": "float64",
    "images_per_second": "float64",
    "l2": "float64",
    "converged": "bool",
    "created": "str",
}


def read_frame(store: ResultStore) -> pd.DataFrame:
    """Every finished run of ``store`` as a row, best score first within a task and method."""
    path = store.root / "index.parquet"
    digests = store.digests()
    known = _read_index(path)
    kept = known[known["run"].isin(digests)]
    missing = sorted(set(digests) - set(kept["run"]))
    rows = [result for digest in missing if (result := store.get(digest)) is not None]
    frame = pd.concat([kept, rows_frame(rows)], ignore_index=True) if rows else kept
    if rows or len(kept) != len(known):
        with contextlib.suppress(StoreError):  # a read-only store can still be read
            write_atomic(path, frame.to_parquet(index=False))
    return in_order(frame)


def rows_frame(results: list[Result]) -> pd.DataFrame:
    """Results as a tidy frame with every column of its type, also where there are none."""
    frame = pd.DataFrame([result.row() for result in results], columns=list(COLUMNS))
    return frame.astype(COLUMNS)


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """By task, method and seed; the best score first."""
    return frame.sort_values(
        ORDER, ascending=[True, True, True, False, True], kind="stable", ignore_index=True
    )


def _read_index(path: Path) -> pd.DataFrame:
    try:
        frame: pd.DataFrame = pd.read_parquet(path)[list(COLUMNS)].astype(COLUMNS)
        return frame
    except (OSError, ValueError, KeyError):  # absent, damaged, or of another version: rebuild
        return rows_frame([])
