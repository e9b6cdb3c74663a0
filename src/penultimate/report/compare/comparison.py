"""One pair set against each other: per task, over the tasks together, and by cost."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from penultimate.errors import SpecError, StoreError
from penultimate.report.compare.cost import Cost, cost_of
from penultimate.report.compare.sides import Side, sides
from penultimate.stats import compare_pair, logit
from penultimate.store import Result, ResultStore


@dataclass(frozen=True)
class OverTasks:
    """The two over all tasks on which both have a score; ``log_odds`` is a less b, on average.

    Interval and p-value are of the t-test paired over tasks (section 3 of the paper): NaN of one
    task. The counts are of tasks on which a test shows one to be better, none, or there is none.
    """

    tasks: int
    better_a: int
    better_b: int
    level: int
    untested: int
    mean_a: float
    mean_b: float
    log_odds: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True)
class PairComparison:
    """Side a against side b.

    ``tasks`` is that of ``stats.compare_pair``; ``only_a`` and ``only_b`` are the tasks that the
    other was not run on.
    """

    a: Side
    b: Side
    tasks: pd.DataFrame
    over: OverTasks
    cost: Cost
    only_a: list[str]
    only_b: list[str]

    def record(self) -> dict[str, Any]:
        """As JSON, without the words; undefined is None."""
        return {
            **{
                key: {"backbone": side.backbone, "method": side.method, "run": side.run or None}
                for key, side in (("a", self.a), ("b", self.b))
            },
            "tasks": json.loads(self.tasks.to_json(orient="records", double_precision=15)),
            "over_tasks": _plain(vars(self.over)),
            "cost": _plain(vars(self.cost)),
            "only_a": self.only_a,
            "only_b": self.only_b,
        }


def compare_in_store(
    store: ResultStore, a: str, b: str, methods: Sequence[str] = ()
) -> list[PairComparison]:
    """The comparisons of a with b that a store holds, one a pair of methods.

    Parameters
    ----------
    a, b, methods : as for ``sides``, whose errors are raised too.

    Raises
    ------
    SpecError : there is no task that both were run on.
    """
    pairs = sides(store, a, b, methods)

    @functools.cache
    def result(digest: str) -> Result:
        found = store.get(digest)
        if found is None:
            raise StoreError(f"run {digest[:12]} has gone from {store.root} meanwhile: run again")
        return found

    def predictions(digest: str) -> pd.DataFrame:
        return store.predictions(result(digest))

    found = []
    for one, other in pairs:
        tasks = compare_pair(one.rows, other.rows, predictions)
        if tasks.empty:
            continue
        shared = set(tasks["task"])
        found.append(
            PairComparison(
                a=one,
                b=other,
                tasks=tasks,
                over=over_tasks(tasks),
                cost=cost_of(one, other, shared, result),
                only_a=sorted(set(one.rows["task"]) - shared),
                only_b=sorted(set(other.rows["task"]) - shared),
            )
        )
    if not found:
        raise SpecError(
            f"{a} and {b} were run on no task in common in {store.root}: run both on one, "
            "'penultimate results' lists what there is"
        )
    return found


def over_tasks(tasks: pd.DataFrame) -> OverTasks:
    """What a frame of ``stats.compare_pair`` says over its tasks together."""
    scored = tasks.dropna(subset=["score_a", "score_b"])
    gain = logit(scored["score_a"], scored["n_test"]) - logit(scored["score_b"], scored["n_test"])
    low, high, p = _paired_t(gain.to_numpy())
    counts = tasks["better"].value_counts()
    return OverTasks(
        tasks=len(tasks),
        better_a=int(counts.get("a", 0)),
        better_b=int(counts.get("b", 0)),
        level=int(counts.get("level", 0)),
        untested=int(counts.get("", 0)),
        mean_a=float(scored["score_a"].mean()),
        mean_b=float(scored["score_b"].mean()),
        log_odds=float(gain.mean()),
        low=low,
        high=high,
        p_value=p,
    )


def _paired_t(gain: np.ndarray[Any, np.dtype[np.float64]]) -> tuple[float, float, float]:
    """Interval and p-value of a mean difference; as ``paired_t_test`` where all are equal."""
    if len(gain) < 2:
        return math.nan, math.nan, math.nan
    if np.ptp(gain) == 0:
        return float(gain[0]), float(gain[0]), 0.0 if gain.any() else 1.0
    from scipy.stats import ttest_1samp

    test = ttest_1samp(gain, 0.0)
    ends = test.confidence_interval(0.95)
    return float(ends.low), float(ends.high), float(test.pvalue)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: None if isinstance(value, float) and math.isnan(value) else value
        for key, value in values.items()
    }
