"""The trainings of one run: found in the store, or done under a lease of their own."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from penultimate.errors import DataError, StoreError
from penultimate.execution.network_file import NetworkCard, load_network, save_network
from penultimate.execution.plan import Planned
from penultimate.execution.provenance import provenance
from penultimate.execution.tensorboard import Log
from penultimate.execution.workshop import Workshop
from penultimate.lease import Waiter
from penultimate.methods.cell import Cell, budget, recipe, reduced_side
from penultimate.methods.outcome import CellOutcome, View
from penultimate.methods.train_one import scores_of, train_one
from penultimate.spec import LinearProbe
from penultimate.store import Part, Training, TrainingRecord
from penultimate.training import TRAINING_VERSION
from penultimate.training.pixels import PixelCache

TRAIN: tuple[Part, ...] = ("train",)
FINAL: tuple[Part, ...] = ("train", "val")


@dataclass(frozen=True, eq=False)
class Tested:
    """Scores (n_test, K) of the test examples, and how long they took."""

    scores: NDArray[np.float64]
    seconds: float


class RunTrainings:
    """What a run's cells and its final fit come to."""

    def __init__(self, planned: Planned, workshop: Workshop) -> None:
        settings = planned.run.method
        assert not isinstance(settings, LinearProbe)
        self.settings = settings
        self._planned = planned
        self._workshop = workshop
        self._kept = workshop.store.trainings
        self.budget = budget(settings, len(planned.dataset.indices("train")))
        self._found: dict[str, TrainingRecord] = {}
        self._waiters: dict[str, Waiter] = {}
        if len(planned.dataset.indices("val")) == 0:
            raise DataError(
                f"{planned.dataset.name} has no validation example to choose a learning rate on: "
                "give the task more images"
            )

    def training(self, cell: Cell, steps: int, parts: tuple[Part, ...]) -> Training:
        """The identity of one training."""
        run, network = self._planned.run, self._workshop.network(self._planned)
        return Training(
            data=run.data,
            parts=parts,
            measure=run.measure,
            weights=network.weights,
            preprocessing=run.preprocessing,
            head=self.settings.head,
            regularisation=self.settings.regularisation,
            recipe=recipe(
                self.settings,
                cell,
                steps=steps,
                batch_size=self.budget.batch_size,
                n_images=len(self.rows(parts)),
                batch_norm=network.batch_norm,
                label_smoothing=network.label_smoothing,
                precision=run.precision,
            ),
            seed=run.seed,
            version=TRAINING_VERSION,
        )

    def rows(self, parts: tuple[Part, ...]) -> NDArray[np.int64]:
        """The examples of some parts, one part after the other."""
        return np.concatenate([self._planned.dataset.indices(part) for part in parts])

    def find(self, training: Training) -> TrainingRecord | None:
        """What a training left; None where it is not finished."""
        digest = training.digest
        if digest not in self._found:
            record = self._kept.find(training)
            if record is None:
                return None
            self._kept.tidy(record)  # a crash may have come right after the commit
            self._found[digest] = record
        return self._found[digest]

    def attempt(self, training: Training, name: str) -> bool:
        """Train, going on from a checkpoint; False while another process is at it.

        Raises
        ------
        DeviceMemoryError : a micro-batch does not fit, and a smaller one would be another run.
        Interrupted, KeyboardInterrupt : after a checkpoint.
        """
        waiter = self._waiters.setdefault(training.digest, self._kept.lease(training))
        lease = waiter.try_acquire()
        if lease is None:
            return False
        with lease:
            if self.find(training) is None:  # else committed while we took the lease
                self._train(training, name)
        return True

    def outcome(self, record: TrainingRecord) -> CellOutcome:
        """As selection looks at it."""
        return CellOutcome(
            status=record.status,
            steps=record.steps,
            scores=_numbers(record.scores),
            losses=_numbers(record.losses),
            reason=record.reason,
        )

    def test(self, record: TrainingRecord, view: View) -> Tested:
        """Look at the test images with the network that a final fit left.

        Raises
        ------
        StoreError : its file is missing, damaged or of another network.
        """
        started = time.perf_counter()
        path = self._kept.network(record.training)
        if not path.is_file():
            raise StoreError(f"{path} is missing: delete its folder and run again")
        network = self._workshop.network(self._planned)
        trained = replace(network, module=copy.deepcopy(network.module))
        load_network(trained.module, path)
        scores = scores_of(
            trained,
            self._pixels(),
            self._planned.dataset.indices("test"),
            view,
            record.training.recipe,
            self._workshop.team,
            self._workshop.workers,
        )
        return Tested(scores, time.perf_counter() - started)

    def _train(self, training: Training, name: str) -> None:
        workshop, planned = self._workshop, self._planned
        network = workshop.network(planned)
        network = replace(network, module=copy.deepcopy(network.module))
        self._kept.begin(training)
        spec, recipe = planned.spec, training.recipe
        with Log(
            workshop.tensorboard,
            spec.task.display,
            f"{spec.backbone.display} {spec.method.name} seed {spec.seed}",
            f"{'final ' if training.parts == FINAL else ''}lr {recipe.learning_rate:.3g} "
            f"wd {recipe.weight_decay:.3g} steps {recipe.steps} {training.digest[:8]}",
        ) as log:
            once = train_one(
                network,
                recipe,
                self._pixels(),
                training.parts,
                seed=training.seed,
                identity=training.digest,
                checkpoint=self._kept.checkpoint(training),
                team=workshop.team,
                workers=workshop.workers,
                progress=workshop.progress,
                description=name,
                listen=log.figures,
            )
            log.validation(once.outcome.scores, once.trained.steps)
        trained, outcome = once.trained, once.outcome
        if training.parts == FINAL and not outcome.diverged:
            card = NetworkCard.of(
                planned.spec.backbone,
                classes=planned.dataset.classes,
                regularisation=self.settings.regularisation,
                multi_label=planned.dataset.multi_label,
            )
            save_network(network.module, card, self._kept.network(training))
        record = TrainingRecord(
            digest=training.digest,
            training=training,
            status=outcome.status,
            reason=outcome.reason,
            steps=outcome.steps,
            scores=outcome.scores,
            losses=outcome.losses,
            final_loss=trained.final_loss,
            seconds=trained.seconds,
            images_per_second=trained.images_per_second,
            peak_memory=trained.peak_memory,
            micro_batch=trained.micro_batch,
            provenance=provenance(trained.engine.record(), workshop.command),
        )
        self._kept.commit(record, pd.DataFrame(trained.curve))

    def _pixels(self) -> PixelCache:
        network = self._workshop.network(self._planned)
        return self._workshop.pixels(
            self._planned.dataset, reduced_side(self.settings, network.preprocessing)
        )


def _numbers(values: dict[str, float | None]) -> dict[str, float]:
    """Undefined is NaN."""
    return {name: float("nan") if value is None else value for name, value in values.items()}
