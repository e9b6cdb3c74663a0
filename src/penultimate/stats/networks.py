"""ImageNet accuracy against transfer accuracy, on log odds, and random draws of the networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from penultimate.errors import SpecError, UnknownNameError
from penultimate.stats.log_odds import logit

ALL = "all"  # the group of every data set
Points = tuple[NDArray[np.float64], NDArray[np.float64]]


def groups_of(
    accuracy: pd.DataFrame, groups: Mapping[str, Sequence[str]] | None
) -> dict[str, list[str]]:
    """All data sets, then the groups asked for.

    Raises
    ------
    UnknownNameError : a group names a data set that has no column.
    SpecError : a group is empty, or is called as that of all data sets.
    """
    found = {ALL: list(accuracy.columns)}
    for name, sets in (groups or {}).items():
        if name == ALL:
            raise SpecError(f"{ALL!r} is the group of every data set: call yours otherwise")
        if len(sets) == 0:
            raise SpecError(f"the group {name!r} has no data set: name one or leave it out")
        for data_set in sets:
            if data_set not in accuracy:
                raise UnknownNameError("data set", str(data_set), map(str, accuracy.columns))
        found[name] = list(sets)
    return found


def points(imagenet: pd.Series, accuracy: pd.DataFrame, n: Any = None) -> Points:
    """(M,) log odds on ImageNet and (M,) mean log odds over the data sets, a network each.

    Parameters
    ----------
    imagenet : fractions by network; more networks than in ``accuracy`` do no harm.
    accuracy : fractions without holes, networks (index) x data sets (columns).

    Raises
    ------
    SpecError : a network has no ImageNet accuracy, or two; or a value has no log odds.
    """
    if not imagenet.index.is_unique:
        twice = imagenet.index[imagenet.index.duplicated()][0]
        raise SpecError(f"{twice} has two ImageNet accuracies: keep one")
    known = imagenet.reindex(accuracy.index)
    unknown = [str(name) for name in known.index[known.isna()]]
    if unknown:
        more = f" and {len(unknown) - 1} more have" if len(unknown) > 1 else " has"
        raise SpecError(
            f"{unknown[0]}{more} no ImageNet accuracy: give it, or leave those networks out"
        )
    return logit(known).to_numpy(), logit(accuracy, n).mean(axis=1).to_numpy()


def draws(networks: int, resamples: int, seed: int) -> NDArray[np.intp]:
    """(resamples, networks) places: which networks each resample drew, with replacement."""
    return np.random.default_rng(seed).integers(0, networks, (resamples, networks))


def at_a_time(chosen: NDArray[np.intp], rows: int = 2_000) -> Iterator[NDArray[np.intp]]:
    """The draws in pieces that bound memory."""
    yield from (chosen[start : start + rows] for start in range(0, len(chosen), rows))


def percentiles(values: NDArray[np.float64], level: float) -> NDArray[np.float64]:
    """(2, ...) the middle ``level`` of the resamples (axis 0) that are defined, NaN if none is."""
    defined = values[~np.isnan(values).reshape(len(values), -1).any(axis=1)]
    if len(defined) == 0:
        return np.full((2, *values.shape[1:]), np.nan)
    tail = (1 - level) / 2
    return np.quantile(defined, [tail, 1 - tail], axis=0)
