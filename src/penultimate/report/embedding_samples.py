"""What figure 4 shows, from a store: the features of the same images by several networks."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from penultimate.errors import SpecError, StoreError, UnknownNameError
from penultimate.stats import latest
from penultimate.store import FEATURE_SAMPLE, Result, ResultStore

METHOD = "linear-probe"
SEVERAL = "mean-average-precision"
UNASKED = 4  # networks that are drawn without being named


@dataclass(frozen=True, eq=False)
class EmbeddingSamples:
    """The same images' features by several networks.

    Parameters
    ----------
    features : by network, (n, D) principal components.
    labels : (n,) class of each image.
    """

    task: str
    features: dict[str, NDArray[np.float32]]
    labels: tuple[str, ...]


def embedding_samples(
    store: ResultStore,
    backbones: Sequence[str] = (),
    tasks: Sequence[str] = (),
    classes: Sequence[str] = (),
) -> EmbeddingSamples:
    """The kept samples of linear probes on one task, in the order that the networks are named in.

    Parameters
    ----------
    backbones : those wanted; all that were probed on the task where empty.
    tasks : the one wanted; may be empty where the store has one.
    classes : those wanted, if any are named.

    Raises
    ------
    UnknownNameError : a task, network or class is not there.
    SpecError : which task or networks is not said, or the task has several labels an image.
    StoreError : a network was not probed on the task, kept no sample, or was tested on other
        images; the message has the command that helps.
    """
    frame = store.frame()
    frame = frame[(frame["method"] == METHOD) & (frame["repeat"] == 0)]
    if frame.empty:
        raise StoreError(
            f"{store.root} has no linear probe, which keeps a sample of the features: penultimate "
            f"run --data TASK --backbone NAME --store {shlex.quote(str(store.root))}"
        )
    task = _task(frame, tasks)
    mine = latest(frame[frame["task"] == task])
    mine = mine[mine["repeat"] == 0]  # repeats keep no sample
    names = list(backbones) or list(dict.fromkeys(mine["backbone"]))
    for name in names:
        if name not in set(frame["backbone"]):
            raise UnknownNameError("backbone", name, frame["backbone"].unique())
    if not backbones and len(names) > UNASKED:
        raise SpecError(
            f"{store.root} has {len(names)} networks on {task}: choose those to show side by side, "
            "--backbone NAME --backbone OTHER"
        )
    if (mine["measure"] == SEVERAL).any():
        raise SpecError(
            f"an image of {task} can have several labels, and a point has one: choose another task"
        )
    results = _results(store, mine, names, task)
    _refuse_without(store, results)
    samples = {name: store.feature_sample(result) for name, result in results.items()}
    first = next(iter(samples))
    for name, sample in samples.items():
        if not sample["example_id"].equals(samples[first]["example_id"]):
            raise StoreError(
                f"{name} and {first} were tested on different images of {task}: run both in one "
                "study, or with one --splits FILE"
            )
    labels = tuple(map(str, samples[first]["label"]))
    _refuse_classes(results[first], labels, classes)
    return EmbeddingSamples(task, {n: _matrix(s) for n, s in samples.items()}, labels)


def _task(frame: pd.DataFrame, tasks: Sequence[str]) -> str:
    there = list(dict.fromkeys(frame["task"]))
    for task in tasks:
        if task not in there:
            raise UnknownNameError("task", task, there)
    chosen = list(tasks) or there
    if len(chosen) > 1:
        raise SpecError(
            f"the figure of embeddings shows one task, and there are {', '.join(chosen[:5])}: "
            "choose it, --task NAME"
        )
    return chosen[0]


def _results(
    store: ResultStore, rows: pd.DataFrame, names: list[str], task: str
) -> dict[str, Result]:
    """Each network's run, all under the first seed that all have."""
    seeds = [set(rows.loc[rows["backbone"] == name, "seed"]) for name in names]
    for name, mine in zip(names, seeds, strict=True):
        if not mine:
            raise StoreError(f"{store.root} has no linear probe of {name} on {task}: run it")
    common = set.intersection(*seeds)
    if not common:
        raise StoreError(
            f"the runs on {task} have no seed in common, so that they were tested on other images: "
            "run one with the other's --seed"
        )
    chosen = rows[rows["seed"] == min(common)].set_index("backbone")["run"]
    found = {}
    for name in names:
        result = store.get(chosen[name])
        if result is None:
            raise StoreError(f"run {chosen[name][:12]} has gone from {store.root}: draw again")
        found[name] = result
    return found


def _refuse_without(store: ResultStore, results: dict[str, Result]) -> None:
    """Runs of before samples were kept have none, and can be had again."""
    bare = {name: r for name, r in results.items() if FEATURE_SAMPLE not in r.artefacts}
    if not bare:
        return
    folders = [str(store.root / "runs" / result.digest) for result in bare.values()]
    raise StoreError(
        f"{', '.join(bare)} kept no sample of the features, which only runs of this version do: "
        f"compute anew what takes a moment from the feature cache, rm -r {shlex.join(folders)} && "
        + _commands(store, list(bare.values()))
    )


def _refuse_classes(result: Result, labels: Sequence[str], classes: Sequence[str]) -> None:
    """A sample has a part of many classes."""
    kept = sorted(set(labels))
    for name in classes:
        if name not in result.classes:
            raise UnknownNameError("class", name, result.classes)
        if name not in kept:
            raise StoreError(
                f"the sample that was kept of {result.spec.task.display} has {len(kept)} of its "
                f"{len(result.classes)} classes, and {name} is none of them: choose of "
                f"{', '.join(kept)}; or give features of all, --features DIR"
            )


def _commands(store: ResultStore, results: list[Result]) -> str:
    """What made these results, and makes them in this store again, which may be a copy."""
    made = [result.provenance.command or "penultimate run" for result in results]
    return " && ".join(dict.fromkeys(_here(store, command) for command in made))


def _here(store: ResultStore, command: str) -> str:
    """``penultimate run STUDY --store STORE`` with this store and the study that it keeps."""
    words = shlex.split(command)
    study = store.root / "studies" / Path(words[2]).name if len(words) == 5 else None
    if study is None or not study.is_file():
        return command
    return shlex.join([*words[:2], str(study), "--store", str(store.root)])


def _matrix(sample: pd.DataFrame) -> NDArray[np.float32]:
    columns = [name for name in sample if str(name).startswith("component:")]
    return sample[columns].to_numpy(dtype=np.float32)
