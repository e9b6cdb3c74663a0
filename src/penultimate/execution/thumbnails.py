"""Thumbnails of the test images that most of a study's runs got wrong, for the report to show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from penultimate.data import Dataset
from penultimate.data.thumbnail import thumbnail
from penultimate.errors import DataError
from penultimate.execution.plan import Planned
from penultimate.progress import Progress
from penultimate.spec import Task
from penultimate.stats import most_often_wrong
from penultimate.store import Result, ResultStore, Thumbnail, without_floor


def keep_thumbnails(
    planned: Iterable[Planned],
    results: Mapping[int, Result],
    store: ResultStore,
    most: int,
    *,
    progress: Progress,
) -> int:
    """Thumbnails of up to ``most`` images of each task's test part; how many are new is returned.

    The report shows the mistakes of a task's first split, so those of its others get none. What
    is there already is not made again. A task without images, and an image that cannot be read
    any more, are noted and left out.

    Parameters
    ----------
    planned : the study's runs, in order.
    results : of those that are finished, by their place among ``planned``.

    Raises
    ------
    StoreError : a run's predictions cannot be read, or the store cannot be written.
    """
    made = 0
    for dataset, runs in _first_splits(planned, results):
        if not dataset.has_images:
            progress.note(f"{dataset.name} has features and no images: there are no thumbnails")
            continue
        counted = [store.predictions(run) for run in without_floor(runs)]
        wrong = most_often_wrong(counted, dataset.classes)
        ids = wrong["example_id"].head(most).tolist()
        known = store.thumbnails.read(dataset.fingerprint, ids)
        fresh = _made(dataset, [name for name in ids if name not in known], progress)
        if fresh:
            store.thumbnails.write(dataset.fingerprint, fresh)
        made += len(fresh)
    return made


def _first_splits(
    planned: Iterable[Planned], results: Mapping[int, Result]
) -> list[tuple[Dataset, list[Result]]]:
    """Of each task, the first split that has a finished run, and its finished runs.

    That of the smallest seed, and of its first repeat: the one that the report looks at.
    """
    finished = [(item, results[place]) for place, item in enumerate(planned) if place in results]
    finished.sort(key=lambda one: (one[0].spec.seed, one[0].spec.repeat))
    datasets: dict[Task, Dataset] = {}
    runs: dict[Task, dict[str, Result]] = {}
    for item, result in finished:
        first = datasets.setdefault(item.spec.task, item.dataset)
        if first.fingerprint == item.dataset.fingerprint:
            # Of two names of one network, one counts.
            runs.setdefault(item.spec.task, {})[result.digest] = result
    return [(datasets[task], list(found.values())) for task, found in runs.items()]


def _made(dataset: Dataset, ids: list[str], progress: Progress) -> dict[str, Thumbnail]:
    rows = pd.Index(dataset.ids).get_indexer(pd.Index(ids))
    made, failed = {}, []
    with progress.step(f"thumbnails of {dataset.name}", len(ids), "images") as step:
        for name, row in zip(ids, rows, strict=True):
            try:
                made[name] = Thumbnail(*thumbnail(dataset.image(int(row))))
            except DataError as error:  # it was readable when the study was planned
                failed.append(f"{name} ({error})")
            step.advance()
    if failed:
        progress.note(
            f"{dataset.name}: no thumbnail of {len(failed)} of {len(ids)} images, which cannot be "
            f"read any more, the first {failed[0]}"
        )
    return made
