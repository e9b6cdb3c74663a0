"""Small networks, images in memory, recipes: what the tests of the loop train."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from penultimate.progress import Progress
from penultimate.spec import Recipe
from penultimate.training import Team, Trained, train


@dataclass
class ArrayBatch:
    step: int
    images: Tensor
    labels: Tensor


class ArrayImages:
    """Images in memory; step t takes the t-th stretch of shuffled epochs laid end to end."""

    def __init__(
        self, images: Tensor, labels: Tensor, batch_size: int, device: str = "cpu", seed: int = 0
    ) -> None:
        self.images, self.labels = images, labels
        self.batch_size, self.device, self.seed = batch_size, device, seed

    def __len__(self) -> int:
        return len(self.images)

    def rows(self, step: int) -> np.ndarray[Any, Any]:
        places = np.arange(step * self.batch_size, (step + 1) * self.batch_size)
        epochs, within = np.divmod(places, len(self))
        orders = {
            e: np.random.default_rng((self.seed, e)).permutation(len(self))
            for e in set(epochs.tolist())
        }
        return np.array([orders[e][w] for e, w in zip(epochs, within, strict=True)])

    def batches(
        self, first: int, last: int, *, micro_batch: int, rank: int = 0, world: int = 1
    ) -> Iterator[ArrayBatch]:
        for step in range(first, last):
            share = np.array_split(self.rows(step), world)[rank]
            for start in range(0, len(share), micro_batch):
                rows = share[start : start + micro_batch]
                yield ArrayBatch(
                    step, self.images[rows].to(self.device), self.labels[rows].to(self.device)
                )


def pictures(
    count: int = 48, classes: int = 3, size: int = 8, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Noise with a stripe that tells the class."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % classes
    images = torch.randn(count, 3, size, size, generator=generator)
    for row, label in enumerate(labels.tolist()):
        images[row, :, label % size] += 2.0
    return images, labels


def network(
    classes: int = 3, *, batch_norm: bool = False, dropout: float = 0.0, seed: int = 0
) -> nn.Module:
    """Two convolutions and a linear layer."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1),
            nn.BatchNorm2d(8) if batch_norm else nn.Identity(),
            nn.ReLU(),
            nn.Conv2d(8, 8, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(32, classes),
        )


def recipe(**settings: Any) -> Recipe:
    return Recipe(**({"steps": 10, "batch_size": 12, "learning_rate": 0.05} | settings))


def fit(
    model: nn.Module, recipe: Recipe, images: ArrayImages | None = None, **more: Any
) -> Trained:
    """Train on the CPU on small pictures, or on other images."""
    images = images or ArrayImages(*pictures(), recipe.batch_size)
    settings = {"seed": 0, "identity": "a run", "team": Team.join("cpu"), "compiled": False}
    return train(model, images, recipe, **(settings | more))


class Notes(Progress):
    """Keeps what a user is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, message: str) -> None:
        self.said.append(message)
