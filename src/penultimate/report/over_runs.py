"""Figures 8 and 9 from a store: runs of one network that differ in what was given to learn from."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable
from typing import Any

import pandas as pd

from penultimate.errors import StoreError
from penultimate.store import Result, ResultStore

Note = Callable[[str], None]
GRID = ("learning_rates", "weight_decays", "search")  # chosen anew for each length


def over_steps(store: ResultStore, frame: pd.DataFrame, note: Note) -> pd.DataFrame:
    """Runs of one trained network with the ``steps`` and ``epochs`` that they took.

    A row a task, method and number of steps: the newest run, or the mean over seeds. Runs that
    differ in anything but their length and the grid that was searched do not go together: those of
    the settings with most lengths are kept.

    Parameters
    ----------
    frame : a row a run.
    note : told how many runs are left out, and in what they differ.

    Raises
    ------
    StoreError : there are no two lengths of one method on one task, or several networks.
    """
    results = _results(store, frame[frame["method"] != "linear-probe"])
    rows = []
    for run, result in results.items():
        method = result.run.method
        steps = result.chosen.get("steps") or getattr(method, "steps", None)
        batch = images_a_step(store, result)
        if steps:
            images = result.n_train + result.n_val
            epochs = steps * batch / images if batch else math.nan
            rows.append({"run": run, "steps": steps, "epochs": epochs})
    taken = pd.DataFrame(rows, columns=["run", "steps", "epochs"])
    kept = frame.drop(columns="steps", errors="ignore").merge(taken, on="run")
    lengths = kept.groupby(["backbone", "task", "method"])["steps"].nunique()
    place = shlex.quote(str(store.root))
    if kept.empty or lengths.max() < 2:
        raise StoreError(
            f"{store.root} has no network trained for different numbers of steps on one task: "
            "repeat penultimate run --data TASK --backbone NAME --method fine-tune --method "
            f"from-scratch --set steps=N --store {place} with N such as 100, 1000 and 10000"
        )
    _refuse_several(store, kept)
    kept = _several(kept, "steps", "number of steps", note)
    kinds = [_kind(results[run], over_steps=True) for run in kept["run"]]
    alike = _alike(kept, kinds, "steps", note)
    return _over_seeds(alike, ["task", "method", "steps"])


def over_examples(store: ResultStore, frame: pd.DataFrame, note: Note) -> pd.DataFrame:
    """Runs of one network with the ``examples_per_class`` they learned from, a row a ``subset``.

    Seeds on one subset are averaged: they are no further draws of images. Methods may take other
    settings for other sizes; what must not differ is how the network sees an image.

    Parameters
    ----------
    frame : a row a run.
    note : told how many runs are left out, and in what they differ.

    Raises
    ------
    StoreError : there are no training parts of two sizes on one task, or several networks.
    """
    examples = (frame["n_train"] + frame["n_val"]) / frame["n_classes"]
    kept = frame.assign(examples_per_class=examples.round().clip(lower=1))
    sizes = kept.groupby(["backbone", "task"])["examples_per_class"].nunique()
    if kept.empty or sizes.max() < 2:
        raise StoreError(
            f"{store.root} has no task with training parts of different sizes: repeat penultimate "
            "splits TASK --per-class N --draw D -o FILE and penultimate run --data TASK --splits "
            f"FILE --backbone NAME --store {shlex.quote(str(store.root))} with N such as 2, 10 and "
            "50 and D from 0 to 2"
        )
    _refuse_several(store, kept)
    kept = _several(kept, "examples_per_class", "size of the training part", note)
    results = _results(store, kept)
    kept = kept[kept["run"].isin(results)]
    kept = kept.assign(subset=[results[run].run.data for run in kept["run"]])
    kinds = [_kind(results[run], over_steps=False) for run in kept["run"]]
    alike = _alike(kept, kinds, "examples_per_class", note)
    return _over_seeds(alike, ["task", "method", "subset"])


def _results(store: ResultStore, frame: pd.DataFrame) -> dict[str, Result]:
    """By run; without those that were deleted meanwhile."""
    found = {run: store.get(run) for run in frame["run"]}
    return {run: result for run, result in found.items() if result is not None}


def _refuse_several(store: ResultStore, rows: pd.DataFrame) -> None:
    if rows["backbone"].nunique() > 1:
        names = ", ".join(sorted(rows["backbone"].unique()))
        raise StoreError(
            f"{store.root} has runs of {names}, and the figure shows one network: choose it, "
            "--backbone NAME"
        )


def images_a_step(store: ResultStore, result: Result) -> int | None:
    """The batch of a training: as its record has it where the settings leave it to the data.

    None where neither says, or of a method that trains no network.
    """
    given: int | None = getattr(result.run.method, "batch_size", None)
    if given is not None or not result.final.training:
        return given
    record = store.trainings.get(result.final.training)
    return None if record is None else record.training.recipe.batch_size


def _several(rows: pd.DataFrame, column: str, what: str, note: Note) -> pd.DataFrame:
    """Only tasks with two values of ``column`` at least: a point is no line."""
    values = rows.groupby("task")[column].transform("nunique")
    single = list(dict.fromkeys(rows.loc[values < 2, "task"]))
    if single:
        note(f"left out, because they have one {what}: {', '.join(single)}")
    return rows[values >= 2]


def _kind(result: Result, *, over_steps: bool) -> dict[str, str]:
    """What must be the same in runs that go together, by its name."""
    run, seen = result.run, result.run.preprocessing
    found = {
        "image size or geometry": seen if isinstance(seen, str) else str(seen.identity()),
        "precision": run.precision,
    }
    name = result.spec.backbone.name
    if result.spec.method.name != "from-scratch" and not name.endswith("@random"):
        found["weights"] = run.weights  # others are drawn anew under each seed
    if over_steps:
        found["number of images"] = f"{result.n_train} {result.n_val} {result.n_test}"
        settings = run.method.model_dump(mode="json", exclude={"steps", *GRID})
        found |= {name: str(value) for name, value in settings.items()}
    return found


def _alike(
    rows: pd.DataFrame, kinds: list[dict[str, str]], column: str, note: Note
) -> pd.DataFrame:
    """Of each task and method the runs of one kind: that with most values of ``column``, or newest.

    The others are counted, with what they differ in.
    """
    keys: list[Any] = [tuple(sorted(kind.items())) for kind in kinds]
    keyed = rows.assign(kind=keys)
    parts = []
    for (task, method), mine in keyed.groupby(["task", "method"], sort=False):
        kinds_of = mine.groupby("kind", sort=False).agg({column: "nunique", "created": "max"})
        best = kinds_of.sort_values([column, "created"], kind="stable").index[-1]
        fit = mine["kind"] == best
        parts.append(mine[fit])
        others = [dict(kind) for kind in mine.loc[~fit, "kind"]]
        if others:
            names = [n for n, value in dict(best).items() if any(o.get(n) != value for o in others)]
            what = "run" if len(others) == 1 else "runs"
            note(
                f"left out {len(others):,} {what} of {method} on {task} that differ in "
                f"{', '.join(names)}"
            )
    kept: pd.DataFrame = pd.concat(parts).drop(columns="kind")
    return kept


def _over_seeds(rows: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """The newest run of each cell and seed, and of these the mean score."""
    newest = rows.sort_values("created", kind="stable").drop_duplicates([*key, "seed"], keep="last")
    columns = [str(name) for name in newest if name not in key]
    how: dict[str, Any] = {name: "mean" if name == "score" else "first" for name in columns}
    averaged: pd.DataFrame = newest.groupby(key, sort=False, as_index=False).agg(how)
    return averaged
