"""What a user calls the two that are compared, and the runs that are meant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import pandas as pd

from penultimate.errors import SpecError, StoreError, UnknownNameError
from penultimate.figures.paper import in_order
from penultimate.report.words import listing
from penultimate.stats import latest
from penultimate.store import ResultStore

DIGEST = re.compile(r"[0-9a-f]{4,64}")
MANY = 12  # names listed where one is unknown


@dataclass(frozen=True)
class Side:
    """One of the two: a backbone under one method, with its runs, the latest of each cell.

    ``run`` is the beginning of a digest where one run was meant and not a backbone.
    """

    backbone: str
    method: str
    rows: pd.DataFrame
    run: str = ""


def sides(
    store: ResultStore, a: str, b: str, methods: Sequence[str] = ()
) -> list[tuple[Side, Side]]:
    """The pairs to compare, in the paper's order of methods.

    Parameters
    ----------
    a, b : each a backbone's name, or the beginning of a run's digest.
    methods : one for both, or that of a and that of b. Where none is given, each method that both
        have; of one backbone with itself, each pair of its methods.

    Raises
    ------
    UnknownNameError : the store has no such backbone, run or method.
    StoreError : the store has no finished run; or a digest's beginning is that of several runs.
    SpecError : the two are the same, or have no method in common.
    """
    frame = store.frame()
    if frame.empty:
        raise StoreError(
            f"{store.root} has no finished run to compare: 'penultimate run ... --store "
            f"{store.root}' computes some"
        )
    one, other = (_runs(store, frame, name) for name in (a, b))
    same = a == b or list(one.rows["run"]) == list(other.rows["run"])
    pairs = _method_pairs(one, other, methods, same)
    return [(_under(one, first), _under(other, second)) for first, second in pairs]


@dataclass(frozen=True)
class _Named:
    """All runs that a name stands for."""

    name: str
    rows: pd.DataFrame
    run: str = ""

    @property
    def methods(self) -> list[str]:
        return in_order(self.rows["method"])


def _runs(store: ResultStore, frame: pd.DataFrame, name: str) -> _Named:
    of_backbone = frame[frame["backbone"] == name]
    if len(of_backbone):
        return _Named(name, latest(of_backbone))
    found = frame[frame["run"].str.startswith(name)] if DIGEST.fullmatch(name) else frame.head(0)
    if len(found) > 1:
        columns = (map(str, found[name]) for name in ("run", "backbone", "task"))
        several = [f"{run[:12]} ({who}, {task})" for run, who, task in zip(*columns, strict=True)]
        raise StoreError(
            f"{len(found)} runs in {store.root} begin with {name}: write more of the digest, as in "
            f"{listing(several)}"
        )
    if len(found):
        return _Named(name, found.reset_index(drop=True), str(found["run"].iloc[0])[:12])
    names = list(dict.fromkeys(frame["backbone"]))
    raise UnknownNameError(
        "backbone or run", name, names, f"{store.root} has {listing(names, most=MANY)}"
    )


def _method_pairs(
    one: _Named, other: _Named, methods: Sequence[str], same: bool
) -> list[tuple[str, str]]:
    if len(methods) > 2:
        raise SpecError(
            f"--method was given {len(methods)} times: once for both sides, or twice, for the "
            "first and for the second"
        )
    if methods:
        first, second = methods[0], methods[-1]
        for side, method in ((one, first), (other, second)):
            if method not in side.methods:
                had = f"{side.name} was run with {listing(side.methods)}"
                raise UnknownNameError("method", method, side.methods, had)
        if same and first == second:
            raise SpecError(f"{one.name} with {first} cannot be compared with itself: name another")
        return [(first, second)]
    if same:
        if len(one.methods) < 2 or one.run:
            raise SpecError(
                f"{one.name} was run with {one.methods[0]} alone, so that there is nothing to "
                "compare: name a second backbone"
            )
        return list(combinations(one.methods, 2))
    common = [method for method in one.methods if method in other.methods]
    if common:
        return [(method, method) for method in common]
    if len(one.methods) == len(other.methods) == 1:
        return [(one.methods[0], other.methods[0])]
    raise SpecError(
        f"{one.name} was run with {listing(one.methods)} and {other.name} with "
        f"{listing(other.methods)}: say which to compare, --method {one.methods[0]} --method "
        f"{other.methods[0]}"
    )


def _under(side: _Named, method: str) -> Side:
    rows = side.rows[side.rows["method"] == method].reset_index(drop=True)
    return Side(str(rows["backbone"].iloc[0]), method, rows, side.run)
