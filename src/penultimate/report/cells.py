"""From a row a run to a row a cell: the latest runs of a network on a task by a method."""

from __future__ import annotations

from typing import Any

import pandas as pd

from penultimate.report.predictions import reader
from penultimate.stats import latest, rank
from penultimate.stats.ranking import TESTS_VERSION
from penultimate.store import PairTests, ResultStore

CELL = ["backbone", "task", "method", "measure"]


def mean_scores(frame: pd.DataFrame) -> pd.DataFrame:
    """A row a cell with the mean score of its latest runs; quick, because nothing is tested."""
    cells = latest(frame)
    how: dict[str, Any] = {str(c): "first" for c in cells if c not in CELL} | {"score": "mean"}
    averaged: pd.DataFrame = cells.groupby(CELL, sort=False, as_index=False).agg(how)
    return averaged


def ranked(store: ResultStore, frame: pd.DataFrame) -> pd.DataFrame:
    """As ``penultimate.stats.rank``; tests that the store knows are not run again.

    Raises
    ------
    StoreError : a run has gone meanwhile, or its predictions are damaged.
    """
    with PairTests(store, TESTS_VERSION) as tests:
        return rank(frame, reader(store), tests=tests)
