"""Run a study: compute what is missing, share the work with whoever else is at it."""

from __future__ import annotations

import shlex
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from penultimate.backbones import ResolvedBackbone, resolve
from penultimate.errors import BackboneError, PenultimateError, StoreError
from penultimate.execution.compute import compute
from penultimate.execution.imagenet import note_accuracies
from penultimate.execution.plan import Planned, plan
from penultimate.features import Extractor, Features, cached, usable_device
from penultimate.io import write_atomic
from penultimate.lease import Waiter
from penultimate.progress import SILENT, Progress
from penultimate.spec import RunSpec, Study, dump_study, rooted
from penultimate.store import ImageNetTable, Result, ResultStore
from penultimate.store.index import in_order, rows_frame

POLL = 0.3  # seconds between looks at what other processes have finished


@dataclass(frozen=True)
class Failure:
    """A run that could not be finished, and why."""

    spec: RunSpec
    message: str


@dataclass(frozen=True, eq=False)
class StudyResults:
    """What a study gave: its own runs only, also where the store holds others.

    ``computed`` counts the runs that were not in the store before.
    """

    store: ResultStore
    results: tuple[Result, ...]
    failures: tuple[Failure, ...] = ()
    computed: int = 0

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
    imagenet: ImageNetTable | Path | str | None = None,
    progress: Progress = SILENT,
) -> StudyResults:
    """Compute the runs of a study that the store does not have yet.

    Safe to interrupt at any moment and to call again, and safe to call from several processes or
    machines at once on one store: each run is computed once.

    Parameters
    ----------
    strict : stop at the first image that cannot be read, rather than skip and count it.
    device : ``cpu``, ``cuda`` or ``mps``; the fastest that is there by default.
    workers : threads that decode images; one a core by default. Results do not depend on it.
    pixel_cache_limit : bytes of decoded images that training keeps on disk; half of what is free
        by default. What is beyond is decoded each time, to the same numbers.
    imagenet : a table of ImageNet accuracies to look the study's networks up in, or its CSV file;
        ``"timm"`` is the one that timm publishes, fetched once.

    Raises
    ------
    StudyFailedError : some runs failed; the others are in the store and in its ``results``.
    PenultimateError : the study cannot be begun, or the store cannot be written.
    """
    device = usable_device(device) if device else None  # wrong for one run is wrong for all
    store = store if isinstance(store, ResultStore) else ResultStore(store)
    if isinstance(imagenet, Path | str):
        imagenet = ImageNetTable.read(imagenet)
    study = rooted(study, Path.cwd())
    planned = plan(study, cache=store.root / "scans", strict=strict, progress=progress)
    note_accuracies(planned, store, imagenet)
    return _Job(planned, store, _command(study, store), device, workers, progress).finish()


class _Job:
    """One call of ``run``: what is settled so far, and the network at work."""

    def __init__(
        self,
        planned: list[Planned],
        store: ResultStore,
        command: str,
        device: str | None,
        workers: int | None,
        progress: Progress,
    ) -> None:
        self.planned = planned
        self.store = store
        self.command = command
        self.device = device
        self.workers = workers
        self.progress = progress
        self.results: dict[int, Result] = {}  # by place in the study: two names can share one run
        self.failures: list[Failure] = []
        self.computed = 0
        self._extractor: Extractor | None = None  # of the backbone at work: one network at a time

    def finish(self) -> StudyResults:
        """Go round what is left until nothing is; what another process holds is left for later."""
        left = [
            (place, self.store.lease(item.run.digest)) for place, item in enumerate(self.planned)
        ]
        while left:
            later = [(place, waiter) for place, waiter in left if not self._settle(place, waiter)]
            if len(later) == len(left):
                time.sleep(POLL)
            left = later
        finished = StudyResults(
            store=self.store,
            results=tuple(self.results[place] for place in sorted(self.results)),
            failures=tuple(self.failures),
            computed=self.computed,
        )
        if self.failures:
            raise StudyFailedError(finished)
        return finished

    def _settle(self, place: int, waiter: Waiter) -> bool:
        """Find a run's result or compute it; False while another process holds its lease."""
        item = self.planned[place]
        found = self.store.find(item.run)
        if found is not None:
            self.store.tidy(found)  # a crash may have come right after the commit
        else:
            lease = waiter.try_acquire()
            if lease is None:
                return False
            with lease:
                found = self.store.find(item.run)  # committed while we took the lease
                if found is None:
                    found = self._attempt(item)
        if found is not None:
            self.results[place] = found.model_copy(update={"spec": item.spec})
        return True

    def _attempt(self, item: Planned) -> Result | None:
        """Compute a run; None where it failed, which is noted and must not end the others."""
        try:
            result = self._compute(item)
        except StoreError:
            raise  # the next run would fail at the same place
        except PenultimateError as error:
            self.failures.append(Failure(item.spec, str(error)))
            if len(self.planned) > 1:  # else the error at the end says it
                self.progress.note(
                    f"{item.spec.backbone.display} on {item.spec.task.display} failed: {error}"
                )
            return None
        self.computed += 1
        return result

    def _compute(self, item: Planned) -> Result:
        features = self._features(item)
        return compute(item, features, self.store, command=self.command, progress=self.progress)

    def _features(self, item: Planned) -> Features:
        folder = self.store.root / "features"
        found = cached(item.backbone, item.dataset, folder)
        if found is not None:
            return found
        if self._extractor is None or not _same_network(self._extractor.backbone, item.backbone):
            images = {
                other.dataset.fingerprint: len(set(other.dataset.digests))
                for other in self.planned
                if other.backbone is item.backbone
            }
            network = resolve(item.backbone.spec, seed=item.spec.seed)
            if not _same_network(network, item.backbone):
                raise BackboneError(
                    f"the weights of {item.spec.backbone.display} have changed while the study "
                    "ran: run it again"
                )
            self._extractor = Extractor(
                network,
                folder,
                images=sum(images.values()),
                device=self.device,
                workers=self.workers,
                progress=self.progress,
            )
        return self._extractor.extract(item.dataset)


def _same_network(one: ResolvedBackbone, other: ResolvedBackbone) -> bool:
    return (one.weights, one.preprocessing, one.spec.precision) == (
        other.weights,
        other.preprocessing,
        other.spec.precision,
    )


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
