"""Two networks on each task that both were run on: how far apart, and how sure that is."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from penultimate.errors import StoreError
from penultimate.metrics import SEVERAL
from penultimate.stats.answers import OTHER_EXAMPLES, Answers
from penultimate.stats.decisions import LABEL, LOG_ODDS, labels_of
from penultimate.stats.differences import difference_interval, precision_difference_interval
from penultimate.stats.ranking import BEST, Predictions, rank
from penultimate.stats.repeated import (
    CORRECTED,
    SPLIT,
    difference_over_splits,
    shared_splits,
    with_repeats,
)

A, B = "a", "b"
OVER_SPLITS = "Nadeau and Bengio's over splits"  # in the column ``interval``
KEY = ["task", "measure"]
COLUMNS: dict[str, str] = {
    "task": "str",
    "measure": "str",
    "n_test": "int64",
    "seeds": "int64",
    "repeats": "int64",
    "score_a": "float64",
    "low_a": "float64",
    "high_a": "float64",
    "score_b": "float64",
    "low_b": "float64",
    "high_b": "float64",
    "difference": "float64",
    "low": "float64",
    "high": "float64",
    "interval": "str",
    "p_value": "float64",
    "comparison": "str",
    "only_a": "Int64",
    "only_b": "Int64",
    "better": "str",
}


def compare_pair(one: pd.DataFrame, other: pd.DataFrame, predictions: Predictions) -> pd.DataFrame:
    """Network a against network b on each task that both have, over the seeds that both have.

    Scores, their intervals and p-values are those of ``rank`` for the two alone, and so are its
    rules: over several seeds means, and the largest of the p-values. Intervals of the difference
    are paired (``difference_interval``), and over several seeds the means of their ends. Over
    repeats that both have, interval and p-value are corrected for splits that share images.

    Parameters
    ----------
    one, other : the runs of a and of b, at most one a task, measure, seed and repeat, with the
        columns of ``ResultStore.frame()``.
    predictions : as for ``rank``.

    Returns
    -------
    frame : a row a task and measure, by name: ``task``, ``measure``, ``n_test``; ``seeds`` and
        ``repeats``, how many both have;
        ``score_a``, ``low_a``, ``high_a`` and the same of b, fractions; ``difference``, a less b,
        ``low`` and ``high``, NaN where the test examples are not the same or predictions are
        missing, and ``interval``, how they were made; ``p_value`` and ``comparison``, the test or
        why there is none; ``only_a`` and ``only_b``, on how many test examples a alone, or b
        alone, is right, summed over seeds (with several labels an image, on how many it decides
        more of them rightly), null where that cannot be known, and over repeats, which test an
        image several times; and ``better``: ``"a"``, ``"b"``,
        ``"level"`` where p > 0.05, or ``""`` where there is no test.
    """
    read = functools.cache(predictions)
    groups = dict(list(other.groupby(KEY)))
    rows = [_row(mine, groups[key], read) for key, mine in one.groupby(KEY) if key in groups]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def _row(one: pd.DataFrame, other: pd.DataFrame, read: Predictions) -> dict[str, object]:
    one, other = (with_repeats(rows) for rows in (one, other))
    shared = {*one[SPLIT].itertuples(index=False, name=None)} & {
        *other[SPLIT].itertuples(index=False, name=None)
    }
    if shared:
        splits = pd.DataFrame(sorted(shared), columns=SPLIT)
        one, other = (rows.merge(splits, on=SPLIT) for rows in (one, other))
    pair = pd.concat([one.assign(backbone=A), other.assign(backbone=B)]).assign(method="")
    ranked = rank(pair, read)
    a, b = (next(row for _, row in ranked.iterrows() if row["backbone"] == side) for side in (A, B))
    second = b if a["comparison"] == BEST else a
    if second["comparison"] == CORRECTED:
        low, high = difference_over_splits(shared_splits(one, other))
        seeds: list[_Difference | None] = [_Difference(low, high, OVER_SPLITS, None, None)]
    else:
        seeds = [_seed(one, other, split, read) for split in sorted(shared)]
    whole = bool(seeds) and all(found is not None for found in seeds)
    known = [found for found in seeds if found is not None] if whole else []
    counted = whole and known[0].only_a is not None
    return {
        "task": a["task"],
        "measure": a["measure"],
        "n_test": a["n_test"],
        "seeds": a["seeds"],
        "repeats": a["repeats"],
        "score_a": a["score"],
        "low_a": a["ci_low"],
        "high_a": a["ci_high"],
        "score_b": b["score"],
        "low_b": b["ci_low"],
        "high_b": b["ci_high"],
        "difference": a["score"] - b["score"],
        "low": np.mean([found.low for found in known]) if whole else math.nan,
        "high": np.mean([found.high for found in known]) if whole else math.nan,
        "interval": known[0].method if whole else "",
        "p_value": second["p_value"],
        "comparison": second["comparison"] if shared else OTHER_EXAMPLES,
        "only_a": sum(found.only_a or 0 for found in known) if counted else pd.NA,
        "only_b": sum(found.only_b or 0 for found in known) if counted else pd.NA,
        "better": _better(second, A if second is b else B),
    }


def _better(second: pd.Series, best: str) -> str:
    if pd.isna(second["tied_with_best"]):
        return ""
    return "level" if second["tied_with_best"] else best


@dataclass(frozen=True)
class _Difference:
    """What one split's two sets of predictions say, or the scores of many; then None is counted."""

    low: float
    high: float
    method: str
    only_a: int | None
    only_b: int | None


def _seed(
    one: pd.DataFrame, other: pd.DataFrame, split: tuple[int, int], read: Predictions
) -> _Difference | None:
    """The difference on one split; None where the two cannot be set against each other."""
    frames = []
    for rows in (one, other):
        run = rows.set_index(SPLIT).loc[[split]].iloc[0]
        if math.isnan(run["score"]):
            return None
        try:
            frames.append(read(run["run"]).sort_values("example_id", ignore_index=True))
        except StoreError:
            return None
    a, b = map(Answers.of, frames)
    if not a.of_the_same(b):
        return None
    if one["measure"].iloc[0] == SEVERAL:
        names = labels_of(frames[0])
        columns = [LOG_ODDS + name.removeprefix(LABEL) for name in names]
        scores_a, scores_b = (frame[columns].to_numpy() for frame in frames)
        found = precision_difference_interval(frames[0][names].to_numpy(), scores_a, scores_b)
    else:
        found = difference_interval(one["measure"].iloc[0], a.classes, a.right, b.right)
    only_a, only_b = (a.right > b.right).sum(), (b.right > a.right).sum()
    return _Difference(*found, int(only_a), int(only_b))
