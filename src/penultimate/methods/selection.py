"""Which cell of the grid, and which view of an image: validation decides.

``select`` is told what each training scored on validation and nothing else; the test part is no
argument of it, nor of what it calls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from penultimate.errors import SpecError
from penultimate.methods.cell import Cell, Trained, cells
from penultimate.methods.outcome import CellOutcome, Tried

VIEWS = {"better": ("whole", "central"), "whole": ("whole",), "central": ("central",)}


@dataclass(frozen=True, eq=False)
class Selected:
    """All that was tried, in the order of trying, and which of it was chosen.

    With halving a cell can stand in it several times, with more steps each time.
    """

    tried: tuple[Tried, ...]
    chosen: Tried

    @property
    def cell(self) -> Cell:
        """The cell for the final fit."""
        return self.chosen.cell

    @property
    def view(self) -> str:
        """How test images are seen."""
        return self.chosen.view


def select(settings: Trained, run: Callable[[Cell, int], CellOutcome], *, steps: int) -> Selected:
    """Train the grid at full length, or by halving, and choose a cell.

    The best validation score of a run at full length wins; of equal ones that with the lower
    validation loss, then the smaller learning rate. A run that diverged is worse than any other.

    Parameters
    ----------
    run : trains a cell on train for so many steps and says what it is worth on validation. Called
        for one after the other, no cell twice with the same steps; what it raises is let through.
    steps : of a run at full length, from ``budget``.

    Raises
    ------
    SpecError : every run at full length diverged.
    """
    grid, allowed = cells(settings), VIEWS[settings.evaluation]

    def try_(cell: Cell, steps: int) -> Tried:
        return Tried.of(cell, steps, run(cell, steps), allowed)

    if settings.search == "grid":
        tried = [try_(cell, steps) for cell in grid]
    else:
        from penultimate.methods.halving import halve

        tried = halve(grid, steps, try_)
        # Cells that were fast for a while can all diverge when they go on: the next ones then.
        while _all_diverged(tried, steps) and (others := _left(tried, steps)):
            tried.append(try_(others[0].cell, steps))
    if _all_diverged(tried, steps):
        rates = settings.learning_rates
        first = tried[0].outcome.reason
        raise SpecError(
            f"every cell of the grid diverged, with learning rates from {min(rates):g} to "
            f"{max(rates):g}{f' ({first})' if first else ''}: set smaller learning_rates"
        )
    return Selected(tuple(tried), chosen=min(_full(tried, steps), key=lambda t: t.standing))


def count_runs(settings: Trained, *, steps: int) -> int:
    """How many trainings ``select`` asks for, unless some diverge."""
    return sum(n for _, n in planned_runs(settings, steps=steps))


def planned_runs(settings: Trained, *, steps: int) -> tuple[tuple[int, int], ...]:
    """(steps, trainings) of the grid, or of each rung, the shortest first."""
    n_cells = len(settings.cells())
    if settings.search == "grid":
        return ((steps, n_cells),)
    from penultimate.methods.halving import rungs

    return tuple((rung.steps, rung.cells) for rung in rungs(n_cells, steps))


def _full(tried: list[Tried], steps: int) -> list[Tried]:
    return [t for t in tried if t.asked == steps]


def _all_diverged(tried: list[Tried], steps: int) -> bool:
    return all(t.outcome.diverged for t in _full(tried, steps))


def _left(tried: list[Tried], steps: int) -> list[Tried]:
    """Cells that were never run at full length and never diverged: longest first, then best."""
    full = {t.cell for t in tried if t.asked == steps}
    diverged = {t.cell for t in tried if t.outcome.diverged}
    left = [t for t in tried if t.cell not in full | diverged]
    return sorted(left, key=lambda t: (-t.asked, t.standing))
