"""A paper's network trained on its source task, and measured there."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from penultimate.backbones.paper import PaperNetwork
from penultimate.data import Dataset
from penultimate.errors import BackboneError
from penultimate.metrics import score
from penultimate.progress import SILENT, Progress
from penultimate.spec import Preprocessing, Pretrain, Recipe, SourceScore
from penultimate.training import Team, Trained, train
from penultimate.training.pixels import PixelCache
from penultimate.training.stream import TrainingImages
from penultimate.training.views import views

BATCH = {"cpu": 32, "cuda": 256, "mps": 64}  # images at a time, of measuring
TOP = 5
REDUCED = 8 / 7  # of the network's image size, as 256 is to 224

Part = Literal["train", "val"]


@dataclass(frozen=True, eq=False)
class SourceTask:
    """What a network learns from and is measured on.

    Parameters
    ----------
    parts : what it learns from; it is measured on ``test``, and on ``val`` where that is none.
    evaluation : the ``whole`` picture rescaled to the square, or the ``central`` square of it,
        87.5 % of the shorter side, as is customary on ImageNet.
    """

    dataset: Dataset
    pixels: PixelCache
    preprocessing: Preprocessing
    parts: tuple[Part, ...]
    evaluation: Literal["whole", "central"]
    team: Team
    workers: int | None = None
    progress: Progress = SILENT

    @classmethod
    def open(
        cls,
        dataset: Dataset,
        preprocessing: Preprocessing,
        settings: Pretrain,
        cache: Path,
        *,
        limit: int,
        team: Team,
        workers: int | None = None,
        progress: Progress = SILENT,
    ) -> Self:
        """Decode the pictures, where that has not been done, into a folder under ``cache``.

        Parameters
        ----------
        limit : bytes that decoded pictures may take on disk.

        Raises
        ------
        DataError : there are no pictures.
        """
        side = None if settings.pixels == "original" else round(preprocessing.size * REDUCED)
        pixels = PixelCache.open(
            dataset, cache / "pixels", side=side, limit=limit, workers=workers, progress=progress
        )
        return cls(
            dataset,
            pixels,
            preprocessing,
            ("train", "val") if settings.parts == "train+val" else ("train",),
            settings.evaluation,
            team,
            workers,
            progress,
        )

    @property
    def rows(self) -> NDArray[np.int64]:
        """The examples to learn from."""
        return np.sort(np.concatenate([self.dataset.indices(part) for part in self.parts]))

    def train(
        self,
        network: PaperNetwork,
        recipe: Recipe,
        *,
        seed: int,
        identity: str,
        checkpoint: Path,
        snapshots: Collection[int] = (),
        on_snapshot: Callable[[int, Mapping[str, Tensor]], None] | None = None,
        description: str = "training",
    ) -> Trained:
        """Train the network in place; it comes back with the weights to keep. See ``train``."""
        images = TrainingImages(
            self.pixels,
            self.rows,
            self.dataset.labels[self.rows],
            self.preprocessing,
            recipe.augmentation,
            batch_size=recipe.batch_size,
            seed=seed,
            device=self.team.device,
            workers=self.workers,
        )
        return train(
            network,
            images,
            recipe,
            seed=seed,
            identity=identity,
            multi_label=self.dataset.multi_label,
            checkpoint=checkpoint,
            team=self.team,
            progress=self.progress,
            description=description,
            snapshots=snapshots,
            on_snapshot=on_snapshot,
        )

    def measure(self, network: nn.Module) -> tuple[SourceScore, ...]:
        """How good the network is on the parts that it does not learn from, ``test`` last.

        Every process of the team must call it: each looks at its share of the images.
        """
        before = network.training
        network.eval().to(self.team.device)
        found = [self._measure(network, part) for part in ("val", "test") if part not in self.parts]
        network.train(before)
        return tuple(found)

    def _measure(self, network: nn.Module, part: Literal["val", "test"]) -> SourceScore:
        rows = self.dataset.indices(part)
        labels = self.dataset.labels[rows]
        logits = self._logits(network, rows, part)
        found = score(self.dataset.measure, labels, logits)
        return SourceScore(
            part=part,
            measure=self.dataset.measure,
            score=None if math.isnan(found) else found,
            images=len(rows),
            **({} if self.dataset.multi_label else _top(labels, logits)),
        )

    def _logits(
        self, network: nn.Module, rows: NDArray[np.int64], part: str
    ) -> NDArray[np.float64]:
        """(n, K) in the order of ``rows``, of all processes together."""
        team = self.team
        mine = np.arange(team.rank, len(rows), team.world)
        geometry = "whole" if self.evaluation == "whole" else "shorter-side-crop"
        batches = views(
            self.pixels,
            rows[mine],
            self.preprocessing.model_copy(update={"geometry": geometry}),
            self.evaluation,
            batch_size=BATCH[team.device.type],
            device=team.device,
            workers=self.workers,
        )
        logits = torch.zeros(len(rows), len(self.dataset.classes), device=team.device)
        done = 0
        with (
            self.progress.step(f"measuring on {part}", len(mine)) as step,
            torch.inference_mode(),
        ):
            for images in batches:
                here = torch.from_numpy(mine[done : done + len(images)]).to(team.device)
                logits[here] = network(images).float()
                done += len(images)
                step.advance(len(images))
        # Each row was filled by one process and is 0 in all others.
        return team.sum(logits).cpu().double().numpy()


def check_size(network: PaperNetwork, preprocessing: Preprocessing, own: int) -> None:
    """Refuse an image size that the network, its heads included, cannot bear.

    Raises
    ------
    BackboneError : it fails on such images.
    """
    side = preprocessing.size
    try:
        _on_meta(network).train()(torch.empty(2, 3, side, side, device="meta"))
    except RuntimeError as error:
        raise BackboneError(
            f"paper:{network.name} cannot be trained on images of {side} pixels, of which its "
            f"layers leave nothing: choose a larger image size; its own is {own}"
        ) from error


def _on_meta(network: PaperNetwork) -> nn.Module:
    """The same network without weights: shapes only, and nothing is computed."""
    return copy.deepcopy(network).to("meta")


def _top(labels: NDArray[np.integer[Any]], logits: NDArray[np.float64]) -> dict[str, float]:
    """Shares of examples whose class is first, or among the first five; no luck counts."""
    own = logits[np.arange(len(labels)), labels][:, None]
    # An answer that is not a number is wrong, and so is a tie.
    above = (~(logits < own)).sum(axis=1) - 1
    return {"top1": float((above < 1).mean()), "top5": float((above < TOP).mean())}
