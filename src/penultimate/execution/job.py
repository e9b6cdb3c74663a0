"""The runs of one call, until each is finished here or elsewhere, or has failed."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass

from penultimate.backbones import ResolvedBackbone, resolve
from penultimate.errors import BackboneError, Interrupted, PenultimateError, StoreError
from penultimate.execution.plan import Planned
from penultimate.execution.probe import compute, fits
from penultimate.execution.trained import TrainedRun
from penultimate.execution.workshop import Workshop
from penultimate.features import Extractor, Features, cached
from penultimate.lease import Waiter
from penultimate.progress import Step
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
        self._held: tuple[Planned, Features] | None = None  # what the last probe had
        self._bar = ExitStack()
        self._shown: tuple[tuple[object, ...], Step] | None = None  # of the splits at work

    def finish(self) -> None:
        """Go round what is left until nothing is; what another process holds is left for later."""
        with self._bar:
            self._finish()

    def _finish(self) -> None:
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
        if self._shown is not None and self._shown[0] != _splits_of(item):
            self._bar.close()
            self._shown = None
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
            item, features, self._store, command=self._workshop.command, step=self._step(item)
        )

    def _step(self, item: Planned) -> Step:
        """One bar for all splits of a probe: each is too quick for one of its own."""
        key = _splits_of(item)
        if self._shown is not None and self._shown[0] == key:
            return self._shown[1]
        self._bar.close()
        assert isinstance(item.spec.method, LinearProbe)
        left = sum(
            _splits_of(other) == key
            for place, other in enumerate(self.planned)
            if place not in self.results
        )
        what = f"{item.spec.backbone.display} on {item.dataset.name}"
        step = self._workshop.progress.step(
            f"probe of {what}" if left == 1 else f"probes of {what}, {left} splits",
            left * fits(item.spec.method),
            "fits",
        )
        self._shown = key, self._bar.enter_context(step)
        return step

    def _fail(self, place: int, error: PenultimateError) -> None:
        """Note a failure, which must not end the other runs."""
        spec = self.planned[place].spec
        self.failures.append(Failure(spec, str(error)))
        if len(self.planned) > 1:  # else the error at the end says it
            which = f", repeat {spec.repeat}," if spec.repeat else ""
            self._workshop.progress.note(
                f"{spec.backbone.display} on {spec.task.display}{which} failed: {error}"
            )

    def _features(self, item: Planned) -> Features:
        # Splits of one data set share its features, which the cache checks when it is read.
        if self._held is None or not _same_images(self._held[0], item):
            self._held = item, self._taken(item)
        return self._held[1]

    def _taken(self, item: Planned) -> Features:
        folder = self._store.root / "features"
        found = cached(item.backbone, item.dataset, folder)
        if found is not None:
            return found
        if self._extractor is None or not _same_network(self._extractor.backbone, item.backbone):
            to_run = {
                other.dataset.digests
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
                images=sum(len(set(digests)) for digests in to_run),
                device=self._workshop.device,
                workers=self._workshop.workers,
                progress=self._workshop.progress,
            )
        return self._extractor.extract(item.dataset)


def _splits_of(item: Planned) -> tuple[object, ...]:
    """What the splits of one probe have in common."""
    spec = item.spec
    return spec.backbone, spec.task, spec.method, spec.seed


def _same_images(one: Planned, other: Planned) -> bool:
    """Whether two runs look at the very same images with the very same network."""
    return (
        one.backbone is other.backbone
        and one.dataset.ids is other.dataset.ids
        and one.dataset.digests is other.dataset.digests
    )


def _same_network(one: ResolvedBackbone, other: ResolvedBackbone) -> bool:
    return (one.weights, one.preprocessing, one.spec.precision) == (
        other.weights,
        other.preprocessing,
        other.spec.precision,
    )
