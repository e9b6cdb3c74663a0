"""Accuracies from elsewhere, as models x data sets by setting: from a long table or a wide one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from penultimate.errors import SpecError, UnknownNameError
from penultimate.report.given.csv_file import GivenCsv, plain
from penultimate.stats import accuracy_grid

MODEL = {"model", "models", "backbone", "network", "architecture", "name"}
DATA_SET = {"data_set", "dataset", "data_sets", "datasets", "task"}
SETTING = {"setting", "method"}
ACCURACY = {"accuracy", "score", "top1", "top_1", "acc"}
IMAGENET = {"imagenet", "imagenet_top1", "imagenet_accuracy", "imagenet_1k", "ilsvrc_2012"}
SIZE = {"n_test", "test_size"}


@dataclass(frozen=True)
class GivenAccuracies:
    """Fractions by setting, and what the table says besides.

    ``grids`` has models (index) x data sets (columns) by setting, under ``""`` where the table has
    no settings; ``imagenet`` is by model, ``n_test`` by data set; both are empty where the table
    has none.
    """

    grids: dict[str, pd.DataFrame]
    imagenet: pd.Series
    n_test: pd.Series


def read_accuracies(
    path: Path, *, percent: bool = False, column: str | None = None
) -> GivenAccuracies:
    """The accuracies in a CSV file.

    A long table has a row an accuracy, with columns for model, data set and accuracy and, if any,
    for the setting, the ImageNet accuracy and the number of test examples. A wide one has a row a
    model and a column a data set, or the other way round if its first column is called
    ``dataset``; a column ImageNet is the ImageNet accuracy.

    Parameters
    ----------
    percent : all accuracies are percentages.
    column : of a long table, the one with the accuracies, where its name does not say so.

    Raises
    ------
    SpecError : the table cannot be understood; the message names the place and the remedy.
    """
    table = GivenCsv.read(path)
    model, data_set = table.find(MODEL), table.find(DATA_SET)
    if model is not None and data_set is not None:
        given = _long(table, model, data_set, column)
    elif column is not None:
        raise SpecError(
            f"{path} has no columns for model and data set, so that --accuracy has nothing to "
            "choose: leave it out of a table with a column a data set"
        )
    else:
        given = _wide(table)
    return _checked(_scaled(given, path, percent), path)


def _long(table: GivenCsv, model: str, data_set: str, column: str | None) -> GivenAccuracies:
    setting, size, imagenet = (table.find(names) for names in (SETTING, SIZE, IMAGENET))
    frame = pd.DataFrame(
        {
            "model": table.texts(model),
            "data_set": table.texts(data_set),
            "setting": table.texts(setting) if setting else "",
            "accuracy": table.numbers(_accuracy_column(table, column)),
            "n_test": table.numbers(size) if size else math.nan,
            "imagenet": table.numbers(imagenet) if imagenet else math.nan,
        }
    )
    names = {"model": "model", "data_set": "data_set", "accuracy": "accuracy"}
    grids = {
        str(name): accuracy_grid(rows, **names)
        for name, rows in frame.groupby("setting", sort=False)
    }
    return GivenAccuracies(
        grids=grids,
        imagenet=_one_each(frame, "model", "imagenet", table.place),
        n_test=_one_each(frame, "data_set", "n_test", table.place),
    )


def _accuracy_column(table: GivenCsv, column: str | None) -> str:
    if column is not None:
        if column not in table.header:
            raise UnknownNameError("column", column, table.header)
        return column
    found = table.find(ACCURACY)
    if found is not None:
        return found
    likely = [c for c in table.header if plain(c).endswith("accuracy") and plain(c) not in IMAGENET]
    if len(likely) == 1:
        return likely[0]
    raise SpecError(
        f"{table.place} does not say which column has the accuracies: name it, as in "
        f"--accuracy {(likely or table.header)[-1]!r}"
    )


def _one_each(frame: pd.DataFrame, key: str, value: str, place: str) -> pd.Series:
    """The one value of each name; empty where none has one."""
    known = frame.dropna(subset=value).groupby(key, sort=False)[value]
    differ = known.nunique()
    if (differ > 1).any():
        raise SpecError(
            f"{place}: {differ.index[differ > 1][0]} has more than one {value}: leave one"
        )
    return known.first()


def _wide(table: GivenCsv) -> GivenAccuracies:
    first, *others = table.header
    if not others:
        raise SpecError(
            f"{table.place} has one column: give a column of models and one for each data set"
        )
    names = table.texts(first)
    for name in names:
        if names.count(name) > 1:
            raise SpecError(f"{table.place} has the row {name!r} twice: leave one out")
    grid = pd.DataFrame({c: table.numbers(c) for c in others}, index=names, dtype=float)
    if plain(first) in DATA_SET:
        grid = grid.T
    is_imagenet = [plain(str(name)) in IMAGENET for name in grid.columns]
    imagenet = grid.loc[:, is_imagenet]
    if imagenet.shape[1] > 1:
        raise SpecError(
            f"{table.place} has ImageNet accuracies twice, as {imagenet.columns[0]!r} and "
            f"{imagenet.columns[1]!r}: leave one out"
        )
    given = imagenet.iloc[:, 0].dropna() if imagenet.shape[1] else pd.Series(dtype=float)
    others_only = grid.loc[:, [not found for found in is_imagenet]]
    return GivenAccuracies({"": others_only}, given, pd.Series(dtype=float))


def _scaled(given: GivenAccuracies, path: Path, percent: bool) -> GivenAccuracies:
    """Percentages as fractions; what contradicts the option is refused."""
    values = pd.concat([grid.stack() for grid in given.grids.values()])
    for part, kind in ((values, "accuracy"), (given.imagenet, "ImageNet accuracy")):
        if percent and len(part) and part.max() <= 1:
            raise SpecError(
                f"no {kind} in {path} is above 1, so that it is no percentage: write "
                "all in percent, or leave out --percent"
            )
    largest = max(values.max(), given.imagenet.max() if len(given.imagenet) else -math.inf)
    if not percent and largest > 1:
        raise SpecError(
            f"{path} has an accuracy of {largest:g}, which is no fraction: give --percent if all "
            "are percentages"
        )
    if percent:
        grids = {name: grid / 100 for name, grid in given.grids.items()}
        return GivenAccuracies(grids, given.imagenet / 100, given.n_test)
    return given


def _checked(given: GivenAccuracies, path: Path) -> GivenAccuracies:
    """Fractions that all have log odds, or the first that has none by name."""
    for grid in given.grids.values():
        for name, column in grid.items():
            for model, value in column.items():
                if value < 0 or value > 1:
                    raise SpecError(
                        f"{path}: the accuracy of {model} on {name} is outside 0 to 100 %: mend it"
                    )
                if value in (0, 1) and name not in given.n_test:
                    raise SpecError(
                        f"{path}: {model} has {100 * value:g} % on {name}, which has no finite log "
                        "odds: say how many test examples there are, in a table of a row an "
                        "accuracy with a column n_test"
                    )
    return given
