"""The cells of a ranking that were scored over several splits, by ``stats.repeats``.

A cell is the runs that one row of the ranking stands for: a backbone's on one task, a run for each
seed and repeat. Splits are the same where seed, repeat and the data's fingerprint are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from penultimate.stats.repeats import (
    corrected_difference,
    corrected_interval,
    corrected_t_test,
    probability_best,
)
from penultimate.stats.wilson import wilson_interval

CORRECTED = "corrected t-test over splits"  # in the column ``comparison``
SPLIT = ["seed", "repeat"]


def with_repeats(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame of runs with the columns ``repeat`` and ``repeat_of``: without them, of none."""
    return frame if "repeat" in frame else frame.assign(repeat=0, repeat_of=frame["run"])


def is_repeated(cell: pd.DataFrame) -> bool:
    """Whether a cell has more than one repeat; several seeds alone are none."""
    return len(cell) > 1 and bool(cell["repeat"].nunique() > 1)


def over_splits(cell: pd.DataFrame) -> tuple[float, float]:
    """The corrected interval of a cell's mean score.

    Where all scores are equal, as at 100 %, it would have no width: there it is Wilson's, of all
    images there are, since each is tested at best as good as once.
    """
    n_train, n_test = _sizes(cell)
    if cell["score"].nunique(dropna=False) == 1:
        low, high = wilson_interval(float(cell["score"].iloc[0]), n_train + n_test)
        return float(low), float(high)
    return corrected_interval(cell["score"], n_train=n_train, n_test=n_test)


def shared_splits(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """The runs of ``one`` on splits that ``other`` has, too, with ``run_other``, ``score_other``.

    Between two repeated cells the data must be the same; else the test that looks at the test
    examples sees to it.
    """
    places = _shared(one, other)
    theirs = other.iloc[[theirs for _, theirs in places]]
    return one.iloc[[mine for mine, _ in places]].assign(
        run_other=theirs["run"].to_numpy(), score_other=theirs["score"].to_numpy()
    )


def shared_runs(one: pd.DataFrame, other: pd.DataFrame) -> list[tuple[str, str, float]]:
    """As ``shared_splits``, without a frame: run, run of the other, score."""
    runs, scores, others = one["run"].tolist(), one["score"].tolist(), other["run"].tolist()
    return [(runs[mine], others[theirs], scores[mine]) for mine, theirs in _shared(one, other)]


def _shared(one: pd.DataFrame, other: pd.DataFrame) -> list[tuple[int, int]]:
    names = [*SPLIT, "data"] if is_repeated(one) and is_repeated(other) else SPLIT
    places = {key: place for place, key in enumerate(_keys(other, names))}
    return [(i, places[key]) for i, key in enumerate(_keys(one, names)) if key in places]


def compared_over_splits(shared: pd.DataFrame) -> float:
    """The p-value of two cells, ``shared_splits``, that are both repeated."""
    n_train, n_test = _sizes(shared)
    return corrected_t_test(shared["score"], shared["score_other"], n_train=n_train, n_test=n_test)


def difference_over_splits(shared: pd.DataFrame) -> tuple[float, float]:
    """The corrected interval of how much the one scores above the other, of ``shared_splits``."""
    n_train, n_test = _sizes(shared)
    return corrected_difference(
        shared["score"], shared["score_other"], n_train=n_train, n_test=n_test
    )


def probabilities(cells: Sequence[pd.DataFrame]) -> list[float]:
    """How probable it is that each cell's backbone is the best of those that are repeated.

    NaN for cells that are not or lack a score, and for all where fewer than two cells share fewer
    than two repeats.
    """
    found = [math.nan] * len(cells)
    usable = [
        i for i, cell in enumerate(cells) if is_repeated(cell) and cell["score"].notna().all()
    ]
    if len(usable) < 2:
        return found
    key = [*SPLIT, "data"]
    scores = pd.concat(
        [cells[i].set_index(key)["score"].rename(i) for i in usable], axis=1, join="inner"
    )
    if scores.index.get_level_values("repeat").nunique() < 2:
        return found
    n_train, n_test = _sizes(cells[usable[0]])
    shares = probability_best(scores, n_train=n_train, n_test=n_test)
    for i in usable:
        found[i] = float(shares[i])
    return found


def _sizes(cell: pd.DataFrame) -> tuple[float, float]:
    """Examples fitted on and tested on, means over splits; the final fit has validation too."""
    return float((cell["n_train"] + cell["n_val"]).mean()), float(cell["n_test"].mean())


def _keys(cell: pd.DataFrame, names: Sequence[str]) -> list[tuple[object, ...]]:
    return list(zip(*(cell[name].tolist() for name in names), strict=True))
