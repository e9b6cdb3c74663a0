"""A moving average of a network's weights, which is what is scored.

Batch norm's running statistics are averaged with the weights: the averaged network lies behind the
last one, and so do the statistics of its activations. Whole numbers (counters) are copied.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def decay_at(decay: float, updates: int) -> float:
    """``min(decay, (1 + t) / (10 + t))`` after t updates of the weights: early ones, which a short
    run would never forget, count for little."""
    return min(decay, (1 + updates) / (10 + updates))


class Average:
    """The moving average, which begins as the network is when it is given."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._decay = decay
        self._model = model
        self.state = {name: value.detach().clone() for name, value in model.state_dict().items()}

    @torch.no_grad()
    def update(self, updates: int) -> None:
        """Take in the weights after ``updates`` updates, the first being 1."""
        now = self._model.state_dict()
        weight = 1 - decay_at(self._decay, updates)
        averaged, latest = [], []
        for name, value in self.state.items():
            if value.is_floating_point():
                averaged.append(value)
                latest.append(now[name].detach())
            else:
                value.copy_(now[name])
        torch._foreach_lerp_(averaged, latest, weight)

    def load(self, state: dict[str, Tensor]) -> None:
        """Go on from an average that was kept."""
        for name, value in self.state.items():
            value.copy_(state[name])

    def put_in(self) -> None:
        """Make the network the averaged one."""
        self._model.load_state_dict(self.state)
