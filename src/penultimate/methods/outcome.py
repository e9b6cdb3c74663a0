"""What validation says of one training, and which of several is best."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from penultimate.methods.cell import Cell

View = Literal["whole", "central"]
WORST = float("inf")


@dataclass(frozen=True)
class CellOutcome:
    """Scores and losses on validation, by how the image was seen; of a diverged run neither counts.

    Parameters
    ----------
    steps : that were taken.
    reason : why it diverged.
    scores : the task's measure; NaN where it is not defined.
    losses : mean cross-entropy, nats.
    """

    status: Literal["finished", "diverged"]
    steps: int
    scores: dict[str, float] = field(default_factory=dict)
    losses: dict[str, float] = field(default_factory=dict)
    reason: str = ""

    @property
    def diverged(self) -> bool:
        """Whether it counts as worse than any that did not."""
        return self.status == "diverged"


@dataclass(frozen=True)
class Tried:
    """A cell trained for so many steps, and the view that did best of those that were allowed.

    ``asked`` are the steps that it was to take; ``score`` and ``loss`` are NaN where it diverged.
    """

    cell: Cell
    asked: int
    outcome: CellOutcome
    view: str
    score: float
    loss: float

    @classmethod
    def of(cls, cell: Cell, asked: int, outcome: CellOutcome, allowed: Sequence[str]) -> Tried:
        """The best of the views in ``allowed``: by score, then loss, then in their order."""
        if outcome.diverged:
            return cls(cell, asked, outcome, allowed[0], math.nan, math.nan)
        view = min(allowed, key=lambda v: _standing(outcome.scores[v], outcome.losses[v]))
        return cls(cell, asked, outcome, view, outcome.scores[view], outcome.losses[view])

    @property
    def standing(self) -> tuple[float, ...]:
        """Smallest is best: score, then loss on validation, then the smaller learning rate."""
        rates = (self.cell.learning_rate, self.cell.weight_decay)
        return (float(self.outcome.diverged), *_standing(self.score, self.loss), *rates)


def _standing(score: float, loss: float) -> tuple[float, float]:
    """Undefined is worse than any number."""
    return (
        WORST if math.isnan(score) else -score,
        WORST if math.isnan(loss) else loss,
    )
