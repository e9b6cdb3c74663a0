"""What the settings of a training method come to on one data set, and one cell of its grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from penultimate.errors import SpecError
from penultimate.spec import Augmentation, FineTune, FromScratch, Preprocessing, Recipe

Trained = FineTune | FromScratch
Precision = Literal["float32", "bfloat16"]

PASSES = 20  # over the training images, of quick
STEPS = (200, 2000)  # at least and at most, of quick
SMALL, FEW = 2000, 32  # fewer training images than this have smaller batches
BATCH = 64
UNREDUCED = 8 / 7  # of the network's image size, as 256 is of 224
REMEMBERED = 10  # batch norm: the momentum is this over the steps of an epoch ...
QUICKEST = 0.1  # ... and no more than this


@dataclass(frozen=True)
class Cell:
    """A point of the grid, as it is written in the settings."""

    learning_rate: float
    weight_decay: float

    def settings(self) -> dict[str, float]:
        """As the record of a candidate has it."""
        return {"learning_rate": self.learning_rate, "weight_decay": self.weight_decay}


@dataclass(frozen=True)
class Budget:
    """Steps of a run at full length, and images a step."""

    steps: int
    batch_size: int


def cells(settings: Trained) -> tuple[Cell, ...]:
    """The grid, each learning rate with each weight decay."""
    return tuple(Cell(*values) for values in settings.cells())


def budget(settings: Trained, n_train: int) -> Budget:
    """How long and in what batches ``n_train`` training images are learned from.

    The final fit, on validation images too, has the same.

    Raises
    ------
    SpecError : a batch was asked for that is larger than the training set.
    """
    batch = settings.batch_size
    if batch is None:
        batch = max(1, min(FEW if n_train < SMALL else BATCH, n_train // 4))
    elif batch > n_train:
        raise SpecError(
            f"batch_size {batch} is larger than the {n_train} training images: set batch_size to "
            f"at most {n_train}, or leave it out with the preset quick"
        )
    steps = settings.steps
    if steps is None:
        steps = min(max(round(PASSES * n_train / batch), STEPS[0]), STEPS[1])
    return Budget(steps, batch)


def recipe(
    settings: Trained,
    cell: Cell,
    *,
    steps: int,
    batch_size: int,
    n_images: int,
    batch_norm: bool,
    label_smoothing: float = 0.0,
    precision: Precision = "float32",
) -> Recipe:
    """One training of a cell.

    Parameters
    ----------
    steps : of this training; those of a rung are fewer than the budget's.
    n_images : that are learned from; the memory of batch norm depends on it.
    batch_norm : whether the network has any. The micro-batch is left out of the recipe where it
        changes nothing.
    label_smoothing : that the network was pretrained with, or 0 where regularisation is off.
    """
    decay = cell.weight_decay
    micro = settings.micro_batch
    return Recipe(
        steps=steps,
        batch_size=batch_size,
        micro_batch=micro if batch_norm and micro is not None and micro < batch_size else None,
        learning_rate=cell.learning_rate,
        momentum=settings.momentum,
        nesterov=settings.nesterov,
        weight_decay=decay / cell.learning_rate if settings.divide_weight_decay else decay,
        decayed=settings.decayed,
        batch_norm_momentum=(
            batch_norm_momentum(n_images, batch_size)
            if batch_norm and settings.batch_norm == "by-epoch"
            else None
        ),
        label_smoothing=label_smoothing,
        precision=precision,
        augmentation=Augmentation(
            crop_scale=settings.crop_scale,
            crop_ratio=settings.crop_ratio,
            flip=settings.flip,
            pixels=settings.pixels,
        ),
    )


def batch_norm_momentum(n_images: int, batch_size: int) -> float:
    """``min(10 / s, 0.1)`` with s steps an epoch, in PyTorch's convention (SimCLR, B.8)."""
    return min(REMEMBERED * batch_size / n_images, QUICKEST)


def reduced_side(settings: Trained, preprocessing: Preprocessing) -> int | None:
    """Pixels that a picture's shorter side is reduced to before it is cropped; None for none."""
    return None if settings.pixels == "original" else round(preprocessing.size * UNREDUCED)
