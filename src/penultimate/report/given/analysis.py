"""The paper's statistics of a table of accuracies, whoever made it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from penultimate.stats import (
    PairCount,
    compare_settings,
    compare_with_best,
    complete,
    correlation,
    count_pairs,
)
from penultimate.stats.grid import Missing
from penultimate.stats.over_data_sets import Correction


@dataclass(frozen=True)
class SettingAnalysis:
    """One setting: its models, best first, and how far ImageNet accuracy tells their order.

    ``models`` is that of ``compare_with_best`` with ``accuracy``, the mean fraction, and
    ``imagenet``; ``correlation`` is that of ``correlation`` over all data sets, in the groups asked
    for and on each data set alone, None where no ImageNet accuracy is known.
    """

    setting: str
    accuracy: pd.DataFrame
    models: pd.DataFrame
    correlation: pd.DataFrame | None
    notes: list[str]


@dataclass(frozen=True)
class Comparison:
    """Setting ``first`` against setting ``second``: ``table`` is that of ``compare_settings``."""

    first: str
    second: str
    pairs: PairCount
    table: pd.DataFrame


@dataclass(frozen=True)
class Analysis:
    """All settings of a table, and each pair of them."""

    settings: list[SettingAnalysis]
    comparisons: list[Comparison]

    def rows(self) -> list[dict[str, Any]]:
        """As JSON: an object a setting, then one a comparison; undefined is None."""
        return [
            *(
                {
                    "setting": found.setting or None,
                    "models": _records(found.models, "model"),
                    "correlation": None
                    if found.correlation is None
                    else _records(found.correlation, "group"),
                    "notes": found.notes,
                }
                for found in self.settings
            ),
            *(
                {
                    "first": found.first,
                    "second": found.second,
                    "above": found.pairs.above,
                    "below": found.pairs.below,
                    "equal": found.pairs.equal,
                    "pairs": found.pairs.pairs,
                    "data_sets": _records(found.table, "data_set"),
                }
                for found in self.comparisons
            ),
        ]


def analyse(
    grids: Mapping[str, pd.DataFrame],
    imagenet: pd.Series | None = None,
    *,
    n_test: pd.Series | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    missing: Missing = "refuse",
    correction: Correction = "none",
    resamples: int = 10_000,
    seed: int = 0,
) -> Analysis:
    """Every statistic of section 3 of the paper that a table of accuracies has.

    Parameters
    ----------
    grids : fractions, models (index) x data sets (columns), by setting.
    imagenet : fractions by model. Models without stay out of the correlation, which says so.
    n_test : test examples, by data set; needed where an accuracy is 0 or 1.
    groups : data sets by the name of their group, for the correlation within it.
    missing, correction : of ``complete`` and of ``compare_with_best``.
    resamples, seed : of the bootstrap.

    Raises
    ------
    SpecError : holes are refused, a group is not one, or a value has no log odds.
    """
    settings = [
        _setting(name, grid, imagenet, n_test, groups, missing, correction, resamples, seed)
        for name, grid in grids.items()
    ]
    comparisons = [
        Comparison(
            first=one,
            second=other,
            pairs=count_pairs(grids[one], grids[other]),
            table=compare_settings(grids[one], grids[other], n=n_test),
        )
        for one, other in itertools.combinations(grids, 2)
    ]
    return Analysis(settings, comparisons)


def _setting(
    name: str,
    grid: pd.DataFrame,
    imagenet: pd.Series | None,
    n_test: pd.Series | None,
    groups: Mapping[str, Sequence[str]] | None,
    missing: Missing,
    correction: Correction,
    resamples: int,
    seed: int,
) -> SettingAnalysis:
    accuracy = complete(grid, missing)
    notes = _left_out(grid, accuracy)
    models = compare_with_best(accuracy, n=n_test, correction=correction)
    models.insert(0, "accuracy", accuracy.mean(axis=1))
    if imagenet is None or imagenet.empty:
        return SettingAnalysis(name, accuracy, models, None, notes)
    models["imagenet"] = imagenet.reindex(models.index)
    known = accuracy.loc[models["imagenet"].reindex(accuracy.index).notna()]
    notes += _without_imagenet(accuracy.index.difference(known.index, sort=False))
    if known.empty:
        return SettingAnalysis(name, accuracy, models, None, notes)
    alone = {str(data_set): [data_set] for data_set in known.columns if data_set != "all"}
    asked = dict(groups or {})
    if known.shape[1] > 1:
        asked |= {data_set: sets for data_set, sets in alone.items() if data_set not in asked}
    found = correlation(imagenet, known, asked, n=n_test, resamples=resamples, seed=seed)
    return SettingAnalysis(name, accuracy, models, found, notes)


def _left_out(grid: pd.DataFrame, kept: pd.DataFrame) -> list[str]:
    notes = []
    for before, after, kind in (
        (grid.index, kept.index, "model"),
        (grid.columns, kept.columns, "data set"),
    ):
        gone = [str(name) for name in before if name not in after]
        if gone:
            plural = "s" if len(gone) > 1 else ""
            listed = ", ".join(gone[:5]) + (f" and {len(gone) - 5} more" if len(gone) > 5 else "")
            notes.append(f"left out {len(gone)} {kind}{plural} with missing accuracies: {listed}")
    return notes


def _without_imagenet(models: Sequence[str] | pd.Index) -> list[str]:
    if not len(models):
        return []
    listed = ", ".join(map(str, models[:5])) + (
        f" and {len(models) - 5} more" if len(models) > 5 else ""
    )
    verb = "has" if len(models) == 1 else "have"
    return [
        f"not in the correlation, since {listed} {verb} no ImageNet accuracy: "
        "--names says what a model is called in the table of ImageNet results"
    ]


def _records(frame: pd.DataFrame, name: str) -> list[dict[str, Any]]:
    table = frame.rename_axis(name).reset_index()
    rows: list[dict[str, Any]] = json.loads(table.to_json(orient="records", double_precision=15))
    return rows
