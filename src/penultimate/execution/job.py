"""The runs of one call, until each is finished here or elsewhere, or has failed."""

from __future__ import annotations

import time
from dataclasses import dataclass

from penultimate.backbones import ResolvedBackbone, resolve
from penultimate.errors import BackboneError, Interrupted, PenultimateError, StoreError
from penultimate.execution.plan import Planned
from penultimate.execution.probe import compute
from penultimate.execution.trained import TrainedRun
from penultimate.execution.workshop import Workshop
from penultimate.features import Extractor, Features, cached
from penultimate.lease import Waiter
from penultimate.spec import LinearProbe, RunSpec
from penultimate.store import Result

POLL = 0.3  # seconds between looks at what other processes have finished


@dataclass(frozen=True)
class Failure:
    """A run that could not be finished, and why."""

    spec: RunSpec
    message: str


class Job:
    """What is settled so far of the runs of one call, and the network at work."""

    def __init__(self, planned: list[Planned], workshop: Workshop) -> None:
        self.planned = planned
        self.results: dict[int, Result] = {}  # by place in the study: two names can share one run
        self.failures: list[Failure] = []
        self.computed = 0
        self._workshop = workshop
        self._store = workshop.store
        self._extractor: Extractor | None = None  # of the backbone at work: one network at a time
        self._trained: dict[int, TrainedRun] = {}
        self._waiters: dict[str, Waiter] = {}

    def finish(self) -> None:
        """Go round what is left until nothing is; what another process holds is left for later."""
        left = list(range(len(self.planned)))
        waiting = False
        while left:
            later = [place for place in left if not self._settle(place)]
            if len(later) == len(left):
                if not waiting:
                    self._workshop.progress.note("other processes do what is left: waiting")
                waiting = True
                time.sleep(POLL)
            left = later

    def _settle(self, place: int) -> bool:
        """Find a run's result or compute it; False while other processes are at work on it."""
        found = self._find(place)
        if found is None:
            try:
                found = self._attempt(place)
            except (StoreError, Interrupted):
                raise  # the next run would fail at the same place
            except PenultimateError as error:
                self._fail(place, error)
                return True
            if found is None:
                return False
        self.results[place] = found.model_copy(update={"spec": self.planned[place].spec})
        return True

    def _find(self, place: int) -> Result | None:
        found = self._store.find(self.planned[place].run)
        if found is not None:
            self._store.tidy(found)  # a crash may have come right after the commit
        return found

    def _attempt(self, place: int) -> Result | None:
        """Compute a run, or the part of it that nobody else is at; None where more is to come."""
        item = self.planned[place]
        if isinstance(item.spec.method, LinearProbe):
            return self._alone(place)
        if place not in self._trained:
            self._trained[place] = TrainedRun(item, self._workshop)
        trained = self._trained[place]
        if not trained.advance():
            return None
        if trained.planned is not item:  # memory was short: it has become another run
            self.planned[place] = trained.planned
        return self._find(place) or self._alone(place)

    def _alone(self, place: int) -> Result | None:
        """Compute and commit a run under its lease; None while another process holds that."""
        item = self.planned[place]
        waiter = self._waiters.setdefault(item.run.digest, self._store.lease(item.run.digest))
        lease = waiter.try_acquire()
        if lease is None:
            return None
        with lease:
            found = self._store.find(item.run)  # committed while we took the lease
            if found is None:
                found = self._compute(place)
                self.computed += 1
        return found

    def _compute(self, place: int) -> Result:
        if place in self._trained:
            return self._trained.pop(place).score()
        item = self.planned[place]
        features = self._features(item)
        return compute(
            item,
            features,
            self._store,
            command=self._workshop.command,
            progress=self._workshop.progress,
        )

    def _fail(self, place: int, error: PenultimateError) -> None:
        """Note a failure, which must not end the other runs."""
        spec = self.planned[place].spec
        self.failures.append(Failure(spec, str(error)))
        if len(self.planned) > 1:  # else the error at the end says it
            self._workshop.progress.note(
                f"{spec.backbone.display} on {spec.task.display} failed: {error}"
            )

    def _features(self, item: Planned) -> Features:
        folder = self._store.root / "features"
        found = cached(item.backbone, item.dataset, folder)
        if found is not None:
            return found
        if self._extractor is None or not _same_network(self._extractor.backbone, item.backbone):
            images = {
                other.dataset.fingerprint: len(set(other.dataset.digests))
                for other in self.planned
                if other.backbone is item.backbone and isinstance(other.spec.method, LinearProbe)
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
                device=self._workshop.device,
                workers=self._workshop.workers,
                progress=self._workshop.progress,
            )
        return self._extractor.extract(item.dataset)


def _same_network(one: ResolvedBackbone, other: ResolvedBackbone) -> bool:
    return (one.weights, one.preprocessing, one.spec.precision) == (
        other.weights,
        other.preprocessing,
        other.spec.precision,
    )
