"""The tidy frame of a store, and the derived index that makes it quick.

The index holds a row a run and when its ``result.json`` was written: rows of runs that are new or
were deleted and made again are read anew, rows of runs that are gone are dropped. An index that is
damaged or of another version is not trusted but made again; it can be deleted at any time.
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

ORDER = ["task", "method", "seed", "repeat", "score", "backbone"]
STAMP = "stamp"  # when result.json was written; of the index only
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
    "imagenet_top1_source": "str",
    "seed": "int64",
    "repeat": "int64",
    "repeat_of": "str",
    "test_drawn": "bool",
    "parameters": "float64",
    "features": "int64",
    "image_size": "float64",
    "images_per_second": "float64",
    "l2": "float64",
    "learning_rate": "float64",
    "weight_decay": "float64",
    "steps": "float64",
    "converged": "bool",
    "device": "str",
    "created": "str",
    "weights": "str",
    "data": "str",
}


def read_frame(store: ResultStore) -> pd.DataFrame:
    """Every finished run of ``store`` as a row, best score first within a task and method."""
    path = store.root / "index.parquet"
    stamps = store.stamps()
    known = _read_index(path)
    fresh = known[STAMP] == known["run"].map(stamps)
    kept = known[fresh & ~known["run"].duplicated()]
    missing = sorted(set(stamps) - set(kept["run"]))
    results = [result for digest in missing if (result := store.get(digest)) is not None]
    if results:
        added = rows_frame(results)
        added[STAMP] = added["run"].map(stamps)
        kept = pd.concat([kept, added], ignore_index=True) if len(kept) else added
    if results or len(kept) != len(known):
        with contextlib.suppress(StoreError):  # a read-only store can still be read
            write_atomic(path, kept.to_parquet(index=False, write_page_checksum=True))
    # What is known of the networks is not of the runs: it stands beside the index and changes.
    return in_order(store.imagenet.join(kept.drop(columns=STAMP)))


def rows_frame(results: list[Result]) -> pd.DataFrame:
    """Results as a tidy frame with every column of its type, also where there are none."""
    frame = pd.DataFrame([result.row() for result in results], columns=list(COLUMNS))
    return frame.astype(COLUMNS)


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """By task, method, seed and repeat; the best score first."""
    return frame.sort_values(
        ORDER, ascending=[True, True, True, True, False, True], kind="stable", ignore_index=True
    )


def _read_index(path: Path) -> pd.DataFrame:
    columns = COLUMNS | {STAMP: "int64"}
    try:
        found = pd.read_parquet(path, page_checksum_verification=True)
        frame: pd.DataFrame = found[list(columns)].astype(columns)
        return frame
    except Exception:  # absent, of another version, or damaged, which pyarrow says in many ways
        return pd.DataFrame(columns=list(columns)).astype(columns)
