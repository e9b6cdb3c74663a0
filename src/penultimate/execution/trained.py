"""A run that trains the network: its grid, its final fit, its test.

Everything is kept in the store as soon as it is there, and found there by whoever goes on. So
several processes share one run's grid, and a crash costs the steps since the last checkpoints.
"""

from __future__ import annotations

import math
from dataclasses import replace

from penultimate.errors import DeviceMemoryError, SpecError
from penultimate.execution.finished import Finished, commit
from penultimate.execution.plan import Planned
from penultimate.execution.trainings import FINAL, TRAIN, RunTrainings
from penultimate.execution.workshop import Workshop
from penultimate.methods.cell import Cell
from penultimate.methods.outcome import CellOutcome, Tried
from penultimate.methods.selection import Selected, count_runs, select
from penultimate.progress import Step
from penultimate.spec import LinearProbe
from penultimate.store import Candidate, Result, TrainingRecord
from penultimate.training import smaller_micro_batch

# Stands for a training that is still to be done while selection is asked what it wants.
UNKNOWN = CellOutcome(
    status="finished",
    steps=0,
    scores={"whole": math.nan, "central": math.nan},
    losses={"whole": math.nan, "central": math.nan},
)


class TrainedRun:
    """A run on its way; ``planned`` is another one where memory asked for smaller micro-batches."""

    def __init__(self, planned: Planned, workshop: Workshop) -> None:
        self.planned = planned
        self._workshop = workshop
        self._trainings = RunTrainings(planned, workshop)
        self._notices: list[str] = []
        self._selected: Selected | None = None
        self._final: tuple[Tried, TrainingRecord] | None = None

    @property
    def name(self) -> str:
        """As progress calls it."""
        spec = self.planned.spec
        return f"{self.what} on {spec.task.display}"

    @property
    def what(self) -> str:
        """As a notice calls it, which stands beside the task's name."""
        spec = self.planned.spec
        return f"{spec.method.name} of {spec.backbone.display}"

    def advance(self) -> bool:
        """Train what nobody else trains; whether the grid and the final fit are done.

        Raises
        ------
        SpecError : every cell of the grid diverged, or every final fit.
        DeviceMemoryError : not even the smallest micro-batch fits into memory.
        """
        while True:
            try:
                self._selected = self._selected or self._select()
                if self._selected is not None and self._final is None:
                    self._final = self._fit(self._selected)
                return self._final is not None
            except DeviceMemoryError:
                if not self._take_less():
                    raise

    def score(self) -> Result:
        """Look at the test images with the network of the final fit, and commit the result."""
        assert self._selected is not None and self._final is not None
        tried, record = self._final
        store, selected = self._workshop.store, self._selected
        tested = self._trainings.test(record, "central" if tried.view == "central" else "whole")
        records = [self._record(t) for t in selected.tried]
        found = Finished(
            scores=tested.scores,
            chosen=settings_of(tried),
            selection=tuple(candidate(t, r) for t, r in zip(selected.tried, records, strict=True)),
            final=Candidate(
                settings=settings_of(tried),
                score=None,
                objective=record.final_loss,
                converged=record.status == "finished",
                training=record.digest,
                view=tried.view,
            ),
            features=self._workshop.network(self.planned).features,
            durations={
                "selection": sum(r.seconds for r in records),
                "final_fit": record.seconds,
                "test": tested.seconds,
            },
            images_per_second=record.images_per_second,
            engine=record.provenance.engine,
            artefacts={"network": store.relative(store.trainings.network(record.training))},
            notices=(*self._notices, *self._diverged(selected)),
        )
        attempt = store.begin(self.planned.run)
        return commit(self.planned, found, store, attempt, command=self._workshop.command)

    def _select(self) -> Selected | None:
        """What validation chose; None while other processes are at all that is left to train."""
        steps, settings = self._trainings.budget.steps, self._trainings.settings
        with self._workshop.progress.step(
            self.name, count_runs(settings, steps=steps), "trainings"
        ) as bar:
            told = 0
            while True:
                selected, wanted, known = self._ask(steps)
                bar.advance(known - told)
                told = known
                if not wanted:
                    return selected
                # What a later rung will want hangs on what is not known yet.
                rung = min(steps for _, steps in wanted)
                done = self._train([cell for cell, steps in wanted if steps == rung], rung, bar)
                if not done:
                    return None
                told += done

    def _ask(self, steps: int) -> tuple[Selected, list[tuple[Cell, int]], int]:
        """What selection says to what is known, what else it would look at, and how much it saw."""
        wanted: list[tuple[Cell, int]] = []
        seen: list[TrainingRecord] = []

        def look(cell: Cell, steps: int) -> CellOutcome:
            record = self._trainings.find(self._trainings.training(cell, steps, TRAIN))
            if record is None:
                wanted.append((cell, steps))
                return UNKNOWN
            seen.append(record)
            return self._trainings.outcome(record)

        return select(self._trainings.settings, look, steps=steps), wanted, len(seen)

    def _train(self, cells: list[Cell], steps: int, bar: Step) -> int:
        """Train those that nobody else is at; how many that were."""
        done = 0
        for cell in cells:
            training = self._trainings.training(cell, steps, TRAIN)
            if self._trainings.attempt(training, f"{self.name}, {described(cell)}"):
                bar.advance()
                done += 1
        return done

    def _fit(self, selected: Selected) -> tuple[Tried, TrainingRecord] | None:
        """Train the chosen cell on train and validation; None while another process does.

        Where that diverges, which it may at the edge of what a network bears, the next best cell
        is taken, and that is said.
        """
        steps = self._trainings.budget.steps
        full = [t for t in selected.tried if t.asked == steps and not t.outcome.diverged]
        fallen: list[str] = []
        for tried in sorted(full, key=lambda t: t.standing):
            training = self._trainings.training(tried.cell, steps, FINAL)
            record = self._trainings.find(training)
            if record is None:
                name = f"{self.name}, final fit, {described(tried.cell)}"
                if not self._trainings.attempt(training, name):
                    return None
                record = self._trainings.find(training)
                assert record is not None
            if record.status == "finished":
                if fallen:
                    self._notices.append(
                        f"{self.what}: on train and validation together {', '.join(fallen)} "
                        f"diverged, and the next best, {described(tried.cell)}, is scored"
                    )
                return tried, record
            fallen.append(described(tried.cell))
        raise SpecError(
            f"{self.name}: every final fit diverged ({', '.join(fallen)}): set smaller "
            "learning_rates"
        )

    def _take_less(self) -> bool:
        """Plan the run anew with a smaller micro-batch, another run where there is batch norm."""
        run, spec = self.planned.run, self.planned.spec
        assert not isinstance(run.method, LinearProbe) and not isinstance(spec.method, LinearProbe)
        batch = self._trainings.budget.batch_size
        before = run.method.micro_batch or batch
        size = smaller_micro_batch(batch, before, batch_norm=True)
        if size is None:
            return False
        smaller = {"micro_batch": size}
        self.planned = replace(
            self.planned,
            run=run.under(run.method.model_copy(update=smaller)),
            spec=spec.model_copy(update={"method": spec.method.model_copy(update=smaller)}),
        )
        notice = (
            f"{self.what}: micro-batches of {before} images do not fit into memory, and those of "
            f"{size} make it another run, since the network has batch norm"
        )
        self._workshop.progress.note(notice)
        self._notices = [notice]
        self._selected = self._final = None
        self._trainings = RunTrainings(self.planned, self._workshop)
        return True

    def _record(self, tried: Tried) -> TrainingRecord:
        found = self._trainings.find(self._trainings.training(tried.cell, tried.asked, TRAIN))
        assert found is not None
        return found

    def _diverged(self, selected: Selected) -> list[str]:
        """What is said of cells that came to nothing."""
        cells = {t.cell: None for t in selected.tried if t.outcome.diverged}
        if not cells:
            return []
        every = len({t.cell for t in selected.tried})
        rates = sorted({cell.learning_rate for cell in cells})
        return [
            f"{self.what}: {len(cells)} of the grid's {every} cells diverged, with learning rates "
            f"{', '.join(f'{rate:.3g}' for rate in rates)}; they count as worse than any other"
        ]


def described(cell: Cell) -> str:
    """A cell in a few words."""
    return f"learning rate {cell.learning_rate:.3g}, weight decay {cell.weight_decay:.3g}"


def settings_of(tried: Tried) -> dict[str, float]:
    """As ``Result.chosen`` has it."""
    return {**tried.cell.settings(), "steps": tried.asked}


def candidate(tried: Tried, record: TrainingRecord) -> Candidate:
    """One training of the selection, as validation saw it."""
    diverged = tried.outcome.diverged
    return Candidate(
        settings=settings_of(tried),
        score=None if diverged else tried.score,
        loss=None if diverged else tried.loss,
        objective=record.final_loss,
        converged=not diverged,
        status=f"diverged: {tried.outcome.reason}" if diverged else "",
        training=record.digest,
        view="" if diverged else tried.view,
    )
