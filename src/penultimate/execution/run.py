"""Run a study: compute what is missing, share the work with whoever else is at it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from penultimate.errors import PenultimateError, SpecError
from penultimate.execution.imagenet import note_accuracies
from penultimate.execution.job import Failure, Job
from penultimate.execution.plan import plan
from penultimate.execution.tensorboard import check_tensorboard
from penultimate.execution.thumbnails import keep_thumbnails
from penultimate.execution.workshop import Workshop
from penultimate.features import usable_device
from penultimate.io import write_atomic
from penultimate.progress import SILENT, Progress
from penultimate.spec import Study, dump_study, rooted
from penultimate.store import ImageNetTable, Result, ResultStore
from penultimate.store.index import in_order, rows_frame


@dataclass(frozen=True, eq=False)
class StudyResults:
    """What a study gave: its own runs only, also where the store holds others.

    ``computed`` counts the runs that were not in the store before, ``thumbnails`` the new ones.
    """

    store: ResultStore
    results: tuple[Result, ...]
    failures: tuple[Failure, ...] = ()
    computed: int = 0
    thumbnails: int = 0

    def frame(self) -> pd.DataFrame:
        """A row a run, best score first within a task, under the names this study uses."""
        return in_order(self.store.imagenet.join(rows_frame(list(self.results))))


class StudyFailedError(PenultimateError):
    """Some runs could not be finished; ``results`` has those that were."""

    def __init__(self, results: StudyResults) -> None:
        self.results = results
        first = results.failures[0]
        total = len(results.failures) + len(results.results)
        where = f"{first.spec.backbone.display} on {first.spec.task.display}"
        which = (
            f"{where} failed"
            if total == 1
            else f"{len(results.failures)} of {total} runs failed, the first of {where}"
        )
        super().__init__(f"{which}: {first.message}")


def run(
    study: Study,
    store: ResultStore | Path | str,
    *,
    strict: bool = False,
    device: str | None = None,
    workers: int | None = None,
    pixel_cache_limit: int | None = None,
    tensorboard: Path | str | None = None,
    imagenet: ImageNetTable | Path | str | None = None,
    thumbnails: int | None = None,
    progress: Progress = SILENT,
) -> StudyResults:
    """Compute the runs of a study that the store does not have yet.

    Safe to interrupt at any moment and to call again, and safe to call from several processes or
    machines at once on one store: each run is computed once, and those that train a network share
    its trainings.

    Parameters
    ----------
    strict : stop at the first image that cannot be read, rather than skip and count it.
    device : ``cpu``, ``cuda`` or ``mps``; the fastest that is there by default.
    workers : threads that decode images; one a core by default. Results do not depend on it.
    pixel_cache_limit : bytes of decoded images that training keeps on disk; half of what is free
        by default. What is beyond is decoded each time, to the same numbers.
    tensorboard : a folder for TensorBoard's logs of each training; needs
        ``penultimate[tensorboard]``.
    imagenet : a table of ImageNet accuracies to look the study's networks up in, or its CSV file;
        ``"timm"`` is the one that timm publishes, fetched once.
    thumbnails : of how many test images a task, those that most runs got wrong, small copies are
        kept in the store for the report to show; none by default, since who gets the report then
        sees them.

    Raises
    ------
    StudyFailedError : some runs failed; the others are in the store and in its ``results``.
    PenultimateError : the study cannot be begun, or the store cannot be written.
    """
    device = usable_device(device) if device else None  # wrong for one run is wrong for all
    if tensorboard is not None:
        check_tensorboard()
    if thumbnails is not None and thumbnails < 1:
        raise SpecError(f"thumbnails of {thumbnails} images are none: at least 1, or leave it out")
    store = store if isinstance(store, ResultStore) else ResultStore(store)
    if isinstance(imagenet, Path | str):
        imagenet = ImageNetTable.read(imagenet)
    study = rooted(study, Path.cwd())
    planned = plan(study, cache=store.root / "scans", strict=strict, progress=progress)
    note_accuracies(planned, store, imagenet)
    workshop = Workshop(
        store=store,
        device=device,
        workers=workers,
        limit=pixel_cache_limit,
        tensorboard=None if tensorboard is None else Path(tensorboard),
        command=_command(study, store),
        progress=progress,
    )
    job = Job(planned, workshop)
    job.finish()
    made = 0
    if thumbnails is not None:
        made = keep_thumbnails(planned, job.results, store, thumbnails, progress=progress)
    finished = StudyResults(
        store=store,
        results=tuple(job.results[place] for place in sorted(job.results)),
        failures=tuple(job.failures),
        computed=job.computed,
        thumbnails=made,
    )
    if finished.failures:
        raise StudyFailedError(finished)
    return finished


def _command(study: Study, store: ResultStore) -> str:
    """Keep the study in the store; returns the command that runs it again.

    A study with a network of the user's own cannot be written down: its command is empty.
    """
    text = dump_study(study)
    if text is None:
        return ""
    path = store.root / "studies" / f"{study.digest()[:12]}.toml"
    if not path.is_file():
        write_atomic(path, text)
    return shlex.join(["penultimate", "run", str(path), "--store", str(store.root)])
