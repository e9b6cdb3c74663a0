"""What is kept of each step, and when a run is given up."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

FAR = 10.0  # times the loss of the first step
LAST = 100  # steps that the final loss is the mean of


@dataclass
class Curve:
    """Loss, learning rate and images a second of each step."""

    loss: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    images_per_second: list[float] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.loss)

    def add(self, loss: float, learning_rate: float, images_per_second: float) -> None:
        """The next step's."""
        self.loss.append(loss)
        self.learning_rate.append(learning_rate)
        self.images_per_second.append(images_per_second)

    def arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        """Columns of equal length: ``step`` from 0, and the three figures."""
        return {
            "step": np.arange(len(self)),
            "loss": np.array(self.loss),
            "learning_rate": np.array(self.learning_rate),
            "images_per_second": np.array(self.images_per_second),
        }

    def final_loss(self) -> float:
        """The mean of the last steps; NaN where there were none."""
        return float(np.mean(self.loss[-LAST:])) if self.loss else math.nan

    def state(self) -> dict[str, torch.Tensor]:
        """For a checkpoint."""
        columns = (self.loss, self.learning_rate, self.images_per_second)
        return {"curve": torch.tensor(columns, dtype=torch.float64)}

    @classmethod
    def of(cls, state: dict[str, Any]) -> Curve:
        """From a checkpoint."""
        loss, rate, speed = state["curve"].tolist()
        return cls(loss, rate, speed)


class Watchdog:
    """Tells, loss by loss, when a run is lost.

    A loss that is not finite says so, and so does a loss that stays above ``FAR`` times that of the
    first step (or ln 2, where the first is lower) for a tenth of the run, at least 20 and at most
    500 steps. Only the losses count, so that it does not matter when one looks.
    """

    def __init__(self, steps: int) -> None:
        self._patience = min(max(20, steps // 10), 500)
        self._bound: float | None = None
        self._above = 0

    def take(self, step: int, loss: float) -> str | None:
        """The loss of the next step; why the run is lost, or None while there is hope."""
        if not math.isfinite(loss):
            return f"the loss of step {step + 1} is {loss}"
        if self._bound is None:
            self._bound = FAR * max(loss, math.log(2))
        self._above = self._above + 1 if loss > self._bound else 0
        if self._above < self._patience:
            return None
        return (
            f"the loss was above {self._bound:.3g}, {FAR:g} times what it began with, for "
            f"{self._patience} steps up to step {step + 1}"
        )
