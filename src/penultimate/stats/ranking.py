"""Backbones in the order of their scores, and which of them cannot be told from the best."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, MutableMapping, Sequence

import pandas as pd

from penultimate.errors import StoreError
from penultimate.stats.answers import (
    MORE_RIGHT,
    OTHER_EXAMPLES,
    SIGNIFICANCE,
    Answers,
    compare,
)
from penultimate.stats.repeated import (
    CORRECTED,
    SPLIT,
    compared_over_splits,
    is_repeated,
    over_splits,
    probabilities,
    shared_runs,
    shared_splits,
    with_repeats,
)

# What stands in the column ``comparison``, beside the tests and what ``answers`` has: why there is
# none.
BEST = "best"
NO_PREDICTIONS = "predictions are missing"
NO_SCORE = "no score"

Predictions = Callable[[str], pd.DataFrame]
Answered = Callable[[str], pd.DataFrame | Answers]
"""From a run's digest to its predictions, or to what was made of them before."""

Tests = MutableMapping[tuple[str, str], tuple[float, str]]
"""Outcomes by the digests of two runs: the p-value, and the test that gave it."""

TESTS_VERSION = 1  # goes up when a test between two runs changes its numbers
CELL = ["backbone", "task", "method", "measure", "seed"]
AVERAGED = ["score", "ci_low", "ci_high", "images_per_second"]
CHOSEN = ["l2", "learning_rate", "weight_decay", "steps"]


def latest(frame: pd.DataFrame) -> pd.DataFrame:
    """The newest run of each backbone, task, method, measure, seed and repeat.

    A store can hold several: the user's images changed, or a setting did. Repeats go with the run
    that they repeat, so that older ones are not averaged with what was run anew.
    """
    frame = with_repeats(frame.reset_index(drop=True))
    ordered = frame.sort_values("created", kind="stable")
    of = ordered.groupby(CELL, dropna=False)["repeat_of"].transform("last")
    newest = ordered[ordered["repeat_of"] == of].drop_duplicates([*CELL, "repeat"], keep="last")
    return frame.loc[sorted(newest.index)].reset_index(drop=True)


def rank(
    frame: pd.DataFrame,
    predictions: Answered,
    *,
    by_seed: bool = False,
    tests: Tests | None = None,
) -> pd.DataFrame:
    """Rank the backbones within each task, method and measure, by their mean score over seeds.

    Where a cell was run more than once, its latest run counts. Each backbone is compared with the
    best of its group on the same test examples: for top-1 by the exact McNemar test, for mean
    per-class accuracy by exchanging predictions (section 3 of the paper), for mean average
    precision by exchanging images, on the share of decisions p > 0.5 that are right and so not on
    the precision itself (as the paper does for VOC). The p-values are not corrected for the number
    of comparisons, as in the paper.

    Over several seeds a row has the mean of the scores, the mean of the intervals' ends and the
    largest of the p-values: the seeds share images, so more of them must not look like more
    evidence.

    Over repeats (several splits of each seed) a row has the mean of all scores and Nadeau and
    Bengio's interval for it. It is compared with the best by their corrected t-test over the splits
    that both have; where these are of fewer than two repeats, on the split that both have, as
    without repeats.

    Parameters
    ----------
    frame : a row a run, with the columns of ``ResultStore.frame()``.
    predictions : a run's digest to its frame of ``example_id, label, predicted``, a row a test
        example; of ``example_id``, ``label:CLASS`` and ``log_odds:CLASS`` with several labels; or
        to the ``Answers`` made of it.
    by_seed : rank under each seed apart, a row a run, in place of a row a backbone.
    tests : outcomes that are known already, to which new ones are added.

    Returns
    -------
    frame : the columns of ``frame``, best first, and

        - ``rank`` : from 1, equal scores share one; null where the score is undefined;
        - ``p_value`` : against the best; NaN for the best and where there is no test;
        - ``tied_with_best`` : p > 0.05, True for the best; null where there is no test;
        - ``comparison`` : the test, or why there is none;
        - ``seeds`` and ``repeats`` : how many of each the row's scores are of;
        - ``score_sd`` : the standard deviation over seeds and repeats (NaN of one score);
        - ``probability_best`` : how probable it is that this backbone is the best of those that are
          repeated; NaN where there is nothing to compare over repeats.
    """
    frame = latest(frame)
    key = ["task", "method", "measure"] + (["seed"] if by_seed else [])
    known: Tests = {} if tests is None else tests
    groups = [
        _rank_group(group, predictions, known)
        for _, group in frame.groupby(key, sort=True, dropna=False)
    ]
    empty = frame.head(0).assign(**dict.fromkeys(ADDED))
    return _typed(pd.concat(groups, ignore_index=True) if groups else empty)


ADDED = {
    "seeds": "int64",
    "repeats": "int64",
    "score_sd": "float64",
    "probability_best": "float64",
    "rank": "Int64",
    "p_value": "float64",
    "tied_with_best": "boolean",
    "comparison": "str",
}


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype(ADDED)


def _rank_group(group: pd.DataFrame, predictions: Answered, known: Tests) -> pd.DataFrame:
    """One group's cells, best first; a cell is the runs that one row stands for."""
    group = group.sort_values(SPLIT, kind="stable")
    by_name = {str(name): cell for name, cell in group.groupby("backbone", sort=False)}
    order = _rows(group, by_name).sort_values(
        ["score", "backbone"], ascending=[False, True], na_position="last", kind="stable"
    )
    cells = [by_name[name] for name in order["backbone"]]
    compared = _compare(cells, predictions, known)
    return order.assign(
        seeds=[cell["seed"].nunique() for cell in cells],
        repeats=[cell["repeat"].nunique() for cell in cells],
        score_sd=[cell["score"].std(ddof=1) for cell in cells],
        probability_best=probabilities(cells),
        rank=order["score"].rank(ascending=False, method="min"),
        p_value=[p for p, _ in compared],
        tied_with_best=pd.array([_tied(p, how) for p, how in compared], dtype="boolean"),
        comparison=[how for _, how in compared],
    )


def _rows(group: pd.DataFrame, cells: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """A row a cell: that of its first split, with the mean of what is measured."""
    rows = group.drop_duplicates("backbone").copy()
    for place, cell in zip(rows.index, map(cells.__getitem__, rows["backbone"]), strict=True):
        if len(cell) > 1:
            for column in AVERAGED:
                rows.loc[place, column] = cell[column].mean(skipna=column == "images_per_second")
            for column in rows.columns.intersection(CHOSEN):
                rows.loc[place, column] = math.nan  # anew on each split
            rows.loc[place, "converged"] = bool(cell["converged"].all())
        if is_repeated(cell):
            rows.loc[place, ["ci_low", "ci_high"]] = over_splits(cell)
    return rows


def _tied(p: float, how: str) -> bool | None:
    return True if how == BEST else None if math.isnan(p) else p > SIGNIFICANCE


def _compare(
    cells: Sequence[pd.DataFrame], predictions: Answered, known: Tests
) -> list[tuple[float, str]]:
    """p-value against the first cell, and how, for each of the cells in the order of rank."""
    best, measure = cells[0], str(cells[0]["measure"].iloc[0])
    if best["score"].isna().any():
        return [(math.nan, NO_SCORE) for _ in cells]
    read = functools.cache(lambda run: _read(predictions, run))  # the best's serve every other
    compared = [(math.nan, BEST)]
    for cell in cells[1:]:
        if is_repeated(cell) and is_repeated(best):
            shared = shared_splits(cell, best)
            if is_repeated(shared):
                unscored = bool(shared["score"].isna().any())
                p = math.nan if unscored else compared_over_splits(shared)
                compared.append((p, NO_SCORE if unscored else CORRECTED))
                continue
        outcomes = []
        for run, other, score in shared_runs(cell, best):
            pair = (run, other)
            if pair not in known:
                outcome = (math.nan, NO_SCORE)
                if not math.isnan(score):
                    outcome = _test(measure, _read(predictions, run), read(other))
                if math.isnan(outcome[0]) and outcome[1] != MORE_RIGHT:
                    outcomes.append(outcome)  # nothing to keep: what is missing may come
                    continue
                known[pair] = outcome
            outcomes.append(known[pair])
        compared.append(_most_cautious(outcomes))
    return compared


def _most_cautious(outcomes: list[tuple[float, str]]) -> tuple[float, str]:
    """Over seeds, no test where one is missing, else the largest p-value."""
    if not outcomes:
        return math.nan, OTHER_EXAMPLES
    return max(outcomes, key=lambda outcome: math.inf if math.isnan(outcome[0]) else outcome[0])


def _test(measure: str, mine: Answers | None, best: Answers | None) -> tuple[float, str]:
    if mine is None or best is None:
        return math.nan, NO_PREDICTIONS
    return compare(measure, mine, best)


def _read(predictions: Answered, run: str) -> Answers | None:
    """What a run answered; None where it cannot be had."""
    try:
        found = predictions(run)
    except StoreError:
        return None
    return found if isinstance(found, Answers) else Answers.of(found)
