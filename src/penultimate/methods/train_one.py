"""One training of a network on a data set, and what validation says of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from penultimate.backbones import TrainableNetwork
from penultimate.errors import DataError
from penultimate.methods.outcome import CellOutcome, View
from penultimate.methods.scoring import mean_loss, network_scores
from penultimate.metrics import score
from penultimate.progress import SILENT, Progress
from penultimate.spec import Recipe
from penultimate.training import Figures, Team, Trained, train
from penultimate.training.pixels import PixelCache
from penultimate.training.stream import TrainingImages

Learned = Literal["train", "val"]
BOTH: tuple[View, ...] = ("whole", "central")


@dataclass(frozen=True, eq=False)
class TrainedOnce:
    """What the loop said, and what validation says; the network holds the weights to score.

    ``outcome`` has no scores where the training diverged, or learned from validation too.
    """

    trained: Trained
    outcome: CellOutcome


def train_one(
    network: TrainableNetwork,
    recipe: Recipe,
    pixels: PixelCache,
    parts: Sequence[Learned],
    *,
    seed: int,
    identity: str,
    views: Sequence[View] = BOTH,
    checkpoint: Path | None = None,
    team: Team | None = None,
    workers: int | None = None,
    compiled: bool | None = None,
    progress: Progress = SILENT,
    description: str = "training",
    listen: Callable[[Figures], None] | None = None,
) -> TrainedOnce:
    """Train ``network.module`` in place; score it on validation where it has not learned from it.

    The test part is no argument, and is not looked at.

    Parameters
    ----------
    network : as ``trainable`` built it: it must not have been trained before.
    pixels : of the data set, whose labels and parts are taken.
    parts : that it learns from: ``("train",)`` for a cell, ``("train", "val")`` for the final fit.
    seed : of the order of the images, of crops and flips, and of dropout.
    identity, checkpoint, team, compiled, progress, description, listen : see ``train``.
    views : how validation images are seen.
    workers : threads that cut images out; one a core by default.

    Raises
    ------
    DataError : there is no validation example to score.
    SpecError, BackboneError, CheckpointError, DeviceMemoryError : see ``train``.
    """
    dataset = pixels.dataset
    scored = "val" not in parts
    validation = dataset.indices("val")
    if scored and len(validation) == 0:
        raise DataError(
            f"{dataset.name} has no validation example to choose a cell on: give the task more "
            "images"
        )
    team = team or Team.join()
    rows = np.concatenate([dataset.indices(part) for part in parts])
    trained = train(
        network.module,
        TrainingImages(
            pixels,
            rows,
            dataset.labels[rows],
            network.preprocessing,
            recipe.augmentation,
            batch_size=recipe.batch_size,
            seed=seed,
            device=team.device,
            workers=workers,
        ),
        recipe,
        seed=seed,
        identity=identity,
        multi_label=dataset.multi_label,
        checkpoint=checkpoint,
        team=team,
        compiled=compiled,
        progress=progress,
        description=description,
        listen=listen,
    )
    scores: dict[str, float] = {}
    losses: dict[str, float] = {}
    if scored and trained.status == "finished":
        labels = dataset.labels[validation]
        for view in views:
            found = scores_of(network, pixels, validation, view, recipe, team, workers)
            scores[view] = score(dataset.measure, labels, found)
            losses[view] = mean_loss(labels, found)
    return TrainedOnce(
        trained,
        CellOutcome(trained.status, trained.steps, scores, losses, trained.reason),
    )


def scores_of(
    network: TrainableNetwork,
    pixels: PixelCache,
    rows: NDArray[np.int64],
    view: View,
    recipe: Recipe,
    team: Team | None = None,
    workers: int | None = None,
) -> NDArray[np.float64]:
    """What a trained network makes of the examples ``rows``: as ``predictions_frame`` wants it.

    Log probabilities (n, K), or log odds where an image can have several labels. Every process of
    a team gets all of them.
    """
    team = team or Team.join()
    return network_scores(
        network.module,
        pixels,
        rows,
        network.preprocessing,
        view,
        multi_label=pixels.dataset.multi_label,
        precision=recipe.precision,
        device=str(team.device),
        workers=workers,
    )
