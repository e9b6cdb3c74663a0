"""One update of the weights: a batch in micro-batches, forward and backward."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from penultimate.errors import DeviceMemoryError
from penultimate.spec import Recipe
from penultimate.training.batch_norm import Momentum, pieces
from penultimate.training.engine import autocast
from penultimate.training.losses import check_labels, summed_loss
from penultimate.training.team import Team


class Batch(Protocol):
    """Images (b, 3, S, S) and labels (b,) or (b, K) of one micro-batch, on the device."""

    @property
    def images(self) -> Tensor:
        """What the network is given."""

    @property
    def labels(self) -> Tensor:
        """What it should say of them."""


def seed_of(seed: int, step: int, piece: int, rank: int) -> int:
    """What dropout is drawn from in one micro-batch: the same wherever the run was resumed."""
    return int(np.random.SeedSequence((seed, step, piece, rank)).generate_state(1, np.uint64)[0])


def set_seed(seed: int, device: torch.device) -> None:
    """Of the device's generator and the CPU's."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)


@dataclass
class Update:
    """Gradients of whole batches, piece by piece."""

    recipe: Recipe
    team: Team
    momentum: Momentum
    multi_label: bool
    seed: int
    checked: bool = False  # whether labels and logits were seen to fit

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Of one micro-batch, summed over its images."""
        with autocast(self.team.device.type, self.recipe.precision):
            output = model(batch.images)
        if not self.checked:
            check_labels(output, batch.labels, multi_label=self.multi_label)
            self.checked = True
        return summed_loss(output, batch.labels, self.recipe, multi_label=self.multi_label)

    def gradients(
        self, shared: nn.Module, step: int, batches: Iterator[Batch], micro_batch: int
    ) -> Tensor:
        """Leave the gradients of the mean loss over the whole batch, of all processes.

        This process's part of that loss comes back: the parts of all processes add up to it.

        Parameters
        ----------
        shared : the network as the team shares it.

        Raises
        ------
        DeviceMemoryError : a micro-batch does not fit; weights and gradients are as before.
        """
        share = self.recipe.batch_size // self.team.world
        sizes = pieces(share, micro_batch)
        total = torch.zeros((), device=self.team.device)
        for number, size in enumerate(sizes):
            batch = next(batches)
            set_seed(seed_of(self.seed, step, number, self.team.rank), self.team.device)
            self.momentum.share(size / share)
            try:
                with self.team.unsynchronised(shared, number < len(sizes) - 1):
                    loss = self.loss(shared, batch)
                    # The team takes the mean over processes: each one's is over its own share.
                    self.team.backward(loss / share)
            except torch.OutOfMemoryError as error:
                raise DeviceMemoryError(
                    f"{size} images of {tuple(batch.images.shape[1:])} do not fit into the memory "
                    f"of {self.team.device} in training: choose a micro_batch below {size}, or a "
                    "smaller image_size"
                ) from error
            total += loss.detach() / self.recipe.batch_size
        return total
