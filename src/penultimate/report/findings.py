"""What a store holds, read once for the whole page."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from penultimate.errors import StoreError
from penultimate.report.settings import compared_settings
from penultimate.stats import latest, rank, standing
from penultimate.stats.answers import Answers
from penultimate.stats.ranking import CELL, TESTS_VERSION
from penultimate.store import PairTests

if TYPE_CHECKING:
    from penultimate.store import Result, ResultStore


@dataclass(frozen=True)
class Findings:
    """The latest run of each cell, its ranking, and how many older ones were left out.

    ``settings`` ranks the methods of each backbone that has several on a task. ``predictions`` of a
    run's digest are as ``ResultStore.predictions`` has them, read once.
    """

    store: ResultStore
    frame: pd.DataFrame
    ranking: pd.DataFrame
    settings: pd.DataFrame
    results: dict[str, Result]
    superseded: int
    predictions: Callable[[str], pd.DataFrame]

    @classmethod
    def read(cls, store: ResultStore) -> Findings:
        """Everything that the page needs.

        Raises
        ------
        StoreError : the store has no finished run.
        """
        everything = store.frame()
        if everything.empty:
            raise StoreError(
                f"{store.root} has no finished run to report on: 'penultimate run ... --store "
                f"{store.root}' computes some"
            )
        frame = latest(everything)
        results = {}
        for digest in frame["run"]:
            result = store.get(digest)
            if result is None:  # deleted since the frame was read
                raise StoreError(f"run {digest} has gone from {store.root}: report again")
            results[digest] = result

        read = functools.cache(lambda digest: store.predictions(results[digest]))
        ranking, settings = compared(store, frame, read)
        superseded = len(everything) - len(frame)
        return cls(store, frame, ranking, settings, results, superseded, read)

    @cached_property
    def backbones(self) -> list[str]:
        """Names, the best standing first, those without any score last; the page's one order."""
        names = [name for _, rows in self.ranking.groupby("method") for name in _order(rows)]
        return list(dict.fromkeys([*names, *self.frame["backbone"]]))

    @property
    def several_methods(self) -> bool:
        """Whether results have to be told apart by method."""
        return bool(self.frame["method"].nunique() > 1)

    @cached_property
    def first_splits(self) -> pd.DataFrame:
        """The frame without repeats: of each cell and seed the run on its first split."""
        cell = [self.frame[key] for key in CELL]
        first = self.frame["repeat"].groupby(cell, dropna=False).transform("min")
        return self.frame[self.frame["repeat"] == first]

    def of(self, rows: pd.DataFrame, *, repeats: bool = False) -> list[Result]:
        """The results behind rows of the ranking, every seed, in the page's order.

        Of those that are repeated the first split's only, unless ``repeats``.
        """
        keys = ["backbone", "task", "method", "measure"]
        frame = self.frame if repeats else self.first_splits
        runs = rows[keys].merge(frame[[*keys, "seed", "repeat", "run"]], on=keys)
        runs["place"] = runs["backbone"].map(self.backbones.index)
        return [self.results[run] for run in runs.sort_values(["place", "seed", "repeat"])["run"]]


def compared(
    store: ResultStore, frame: pd.DataFrame, predictions: Callable[[str], pd.DataFrame]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The ranking of backbones and that of settings; tests that the store knows are not run again.

    Parameters
    ----------
    frame : runs of ``store``, see ``stats.rank``.
    predictions : of a run's digest; asked for once a run.
    """
    answers = functools.cache(lambda run: Answers.of(predictions(run)))
    with PairTests(store, TESTS_VERSION) as tests:
        ranking = rank(frame, answers, tests=tests)
        return ranking, compared_settings(frame, answers, tests)


def _order(ranking: pd.DataFrame) -> list[str]:
    return list(standing(ranking)["backbone"])
