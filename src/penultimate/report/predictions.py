"""What the runs of a store said of their test images, each read once."""

from __future__ import annotations

import functools
from collections.abc import Callable

import pandas as pd

from penultimate.errors import StoreError
from penultimate.store import ResultStore


def reader(store: ResultStore) -> Callable[[str], pd.DataFrame]:
    """From a run's digest to its predictions, which stay in memory as long as the reader does.

    The reader raises ``StoreError`` where the run has gone meanwhile, or its predictions are
    missing or damaged.
    """

    @functools.cache
    def predictions(digest: str) -> pd.DataFrame:
        result = store.get(digest)
        if result is None:
            raise StoreError(f"run {digest[:12]} has gone from {store.root} meanwhile: run again")
        return store.predictions(result)

    return predictions
