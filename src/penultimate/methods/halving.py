"""Successive halving over a grid: many short runs, fewer longer ones, few at full length.

Each run is a complete one with its own schedule down to zero; a truncated long one would still
have a large learning rate, and would rank the cells wrongly. scikit-learn plays the rungs; its
resource is the share of the steps. docs/decisions/search.md has what it saves and what it costs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - lets it be imported
from sklearn.model_selection import HalvingGridSearchCV, PredefinedSplit

from penultimate.methods.cell import Cell
from penultimate.methods.outcome import Tried

FACTOR = 3  # so many times as many steps for one in so many cells
SHORTEST = 50  # steps of the first rung, at least: see docs/decisions/search.md
MOST = 4  # rungs
LOSSES_COUNT = 1e-6  # of the score, to tell apart cells of equal score


@dataclass(frozen=True)
class Rung:
    """So many cells, each trained for so many steps."""

    steps: int
    cells: int


def rungs(n_cells: int, steps: int) -> tuple[Rung, ...]:
    """The rungs for a grid of ``n_cells`` with ``steps`` at full length, the shortest first."""
    count = 1
    while count < MOST and FACTOR**count <= n_cells and _steps(steps, 1, FACTOR**count) >= SHORTEST:
        count += 1
    found, left = [], n_cells
    for rung in range(count):
        found.append(Rung(_steps(steps, FACTOR**rung, FACTOR ** (count - 1)), left))
        left = math.ceil(left / FACTOR)
    return tuple(found)


def halve(cells: Sequence[Cell], steps: int, try_: Callable[[Cell, int], Tried]) -> list[Tried]:
    """Try the cells rung by rung; all that was tried, in the order of trying.

    Parameters
    ----------
    try_ : trains a cell for so many steps.
    """
    most = FACTOR ** (len(rungs(len(cells), steps)) - 1)
    tried: list[Tried] = []

    # A function of its own: scikit-learn copies what an estimator holds, and functions it shares.
    def measure(cell: Cell, share: int) -> float:
        tried.append(try_(cell, _steps(steps, share, most)))
        return _standing(tried[-1])

    search = HalvingGridSearchCV(
        _Trained(measure),
        [{"learning_rate": [c.learning_rate], "weight_decay": [c.weight_decay]} for c in cells],
        factor=FACTOR,
        resource="share",
        min_resources=1,
        max_resources=most,
        cv=PredefinedSplit([-1, 0]),  # one fit and one score for each: the parts are the task's
        refit=False,
        error_score="raise",
        n_jobs=1,
    )
    search.fit(np.zeros((2, 1)), np.zeros(2))
    return tried


def _steps(steps: int, share: int, of: int) -> int:
    """``share / of`` of the steps, rounded up."""
    return -(-steps * share // of)


def _standing(tried: Tried) -> float:
    """One number, the larger the better, as scikit-learn compares; it warns of infinite ones.

    The loss counts so little that it decides between equal scores only.
    """
    diverged, score, loss, *_ = tried.standing
    if diverged:
        return -3.0
    score = -1.0 if math.isinf(score) else -score
    return score - LOSSES_COUNT * (1.0 if math.isinf(loss) else loss / (1 + loss))


class _Trained(BaseEstimator):  # type: ignore[misc]
    """A cell as scikit-learn wants a model: made of its parameters, fitted and scored."""

    def __init__(
        self,
        measure: Callable[[Cell, int], float],
        learning_rate: float = 0.0,
        weight_decay: float = 0.0,
        share: int = 1,
    ) -> None:
        self.measure = measure
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.share = share

    def fit(self, X: NDArray[Any], y: NDArray[Any]) -> Self:
        """Train for this share of the steps; the data are the task's, not the arguments."""
        self.standing_ = self.measure(Cell(self.learning_rate, self.weight_decay), self.share)
        return self

    def score(self, X: NDArray[Any], y: NDArray[Any]) -> float:
        """What validation said."""
        return self.standing_
