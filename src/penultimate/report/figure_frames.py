"""From a store to the frame of a figure, or a sentence that says which runs are missing."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence

import pandas as pd

from penultimate.errors import StoreError, UnknownNameError
from penultimate.figures.paper import in_order
from penultimate.report.cells import mean_scores, ranked
from penultimate.report.over_runs import over_examples, over_steps
from penultimate.report.training_switches import with_switches
from penultimate.report.words import is_random, listing
from penultimate.stats import latest
from penultimate.store import Result, ResultStore

AGAINST_IMAGENET = ("average-correlation", "correlation", "correlations")
TESTED = (*AGAINST_IMAGENET, "ranking", "significance")  # which show what is level with the best
OVER_RUNS = {"training-time": over_steps, "examples-per-class": over_examples}


def figure_frame(
    store: ResultStore,
    figure: str,
    methods: Sequence[str] = (),
    backbones: Sequence[str] = (),
    tasks: Sequence[str] = (),
    *,
    whole: bool = True,
    note: Callable[[str], None] = lambda _: None,
) -> pd.DataFrame:
    """What a figure plots, from the runs of a store.

    What is level with the best is decided among the networks that are chosen.

    Parameters
    ----------
    figure : its name in ``penultimate.figures.catalogue``, or a table's.
    methods : those wanted; all that the store has where empty.
    backbones, tasks : likewise.
    whole : refuse a store that lacks networks on data sets that others have runs on.
    note : told in a sentence what of the store is left out.

    Raises
    ------
    UnknownNameError : a backbone or task is not there.
    StoreError : the store lacks what the figure needs; the message has the command that makes it.
    """
    frame = _chosen(store, methods, backbones, tasks)
    if figure in OVER_RUNS:
        # Of first splits: repeats of one are no runs of another length or size.
        return OVER_RUNS[figure](store, frame[frame["repeat"] == 0], note)
    tested = figure in TESTED
    frame = ranked(store, frame) if tested else mean_scores(frame)
    if figure.endswith("training-settings"):
        frame = with_switches(store, frame, note)
    if figure in AGAINST_IMAGENET:
        frame = _without_floor(frame, note)
        _refuse_unknown(store, frame)
    if whole:
        _refuse_holes(store, frame)
    return frame


def _chosen(
    store: ResultStore, methods: Sequence[str], backbones: Sequence[str], tasks: Sequence[str]
) -> pd.DataFrame:
    """All runs of those, under one name a network; see ``figure_frame`` for what is raised."""
    frame = store.frame()
    if frame.empty:
        raise StoreError(
            f"{store.root} has no finished run: 'penultimate run ... --store {store.root}' "
            "computes some"
        )
    frame = one_name(frame)
    for column, asked in (("backbone", backbones), ("task", tasks)):
        there = set(frame[column])
        for name in asked:
            if name not in there:
                raise UnknownNameError(column, name, sorted(there))
        if asked:
            frame = frame[frame[column].isin(asked)]
    wanted = list(methods) or in_order(frame["method"])
    for method in wanted:
        if not (frame["method"] == method).any():
            raise StoreError(_no_method(store, method, set(frame["run"])))
    return frame[frame["method"].isin(wanted)]


def one_name(frame: pd.DataFrame) -> pd.DataFrame:
    """One name and one ImageNet accuracy for an architecture, pretrained or from scratch."""
    scratch = frame["method"] == "from-scratch"
    names = frame["backbone"].where(~scratch, frame["backbone"].str.removesuffix("@random"))
    frame = frame.assign(backbone=names)
    known = frame.groupby("backbone")["imagenet_top1"].max()
    return frame.assign(
        imagenet_top1=frame["imagenet_top1"].where(~scratch, frame["backbone"].map(known))
    )


def _command(store: ResultStore, backbones: list[str], sources: list[str], method: str) -> str:
    """What to run to have these networks on these tasks by a method; finished runs are found."""
    words = ["penultimate", "run"]
    words += [word for source in dict.fromkeys(sources) for word in ("--data", source)]
    words += [word for name in dict.fromkeys(backbones) for word in ("--backbone", name)]
    return shlex.join([*words, "--method", method, "--store", str(store.root)])


def _results(store: ResultStore) -> list[Result]:
    """What was run, to say what else to run."""
    runs = latest(store.frame())["run"]
    return [result for run in runs if (result := store.get(run)) is not None]


def _no_method(store: ResultStore, method: str, runs: set[str]) -> str:
    """What to run to have the networks and tasks of these runs by another method."""
    specs = [result.spec for result in _results(store) if result.digest in runs]
    made = _command(store, [s.backbone.name for s in specs], [s.task.source for s in specs], method)
    return f"{store.root} has no run by {method}, which the figure needs: {made}"


def _refuse_holes(store: ResultStore, frame: pd.DataFrame) -> None:
    """Every network of a method on every data set of the store, or a sentence."""
    scored = frame.dropna(subset="score")
    tasks = list(dict.fromkeys(frame["task"]))
    holes = [
        (str(method), str(name), task)
        for method, mine in scored.groupby("method", sort=False)
        for name, rows in mine.groupby("backbone", sort=False)
        for task in tasks
        if task not in set(rows["task"])
    ]
    if not holes:
        return
    method, name, task = holes[0]
    specs = [result.spec for result in _results(store)]
    names = {s.backbone.display: s.backbone.name for s in specs}
    names |= {
        shown.removesuffix("@random"): given
        for shown, given in names.items()
        if shown.removesuffix("@random") not in names
    }
    sources = {s.task.display: s.task.source for s in specs}
    mine = [hole for hole in holes if hole[0] == method]
    made = _command(store, [names[h[1]] for h in mine], [sources[h[2]] for h in mine], method)
    more = f" and {len(holes) - 1:,} more" if len(holes) > 1 else ""
    raise StoreError(
        f"{store.root} lacks the run of {name} on {task} by {method}{more}: {made}; or draw "
        "without, --missing drop-models or --missing drop-data-sets"
    )


def _without_floor(frame: pd.DataFrame, note: Callable[[str], None]) -> pd.DataFrame:
    """The rows without frozen random networks, where there are others: they are no points."""
    floor = frame["backbone"].map(is_random).astype(bool) & (frame["method"] != "from-scratch")
    if not floor.any() or floor.all():
        return frame
    names = listing(list(dict.fromkeys(frame.loc[floor, "backbone"])))
    note(f"left out: {names}, whose weights are random and know nothing of ImageNet")
    return frame[~floor]


def _refuse_unknown(store: ResultStore, frame: pd.DataFrame) -> None:
    """Every network's ImageNet accuracy, or a sentence."""
    unknown = list(dict.fromkeys(frame.loc[frame["imagenet_top1"].isna(), "backbone"]))
    if not unknown:
        return
    more = f" and of {len(unknown) - 1} more" if len(unknown) > 1 else ""
    place = shlex.quote(str(store.root))
    raise StoreError(
        f"the ImageNet accuracy of {unknown[0]}{more} is not known in {store.root}: give a table "
        f"of them, --imagenet FILE or --imagenet timm, or penultimate imagenet-accuracy "
        f"{shlex.join(unknown)} --store {place}; or choose networks, --backbone NAME"
    )
