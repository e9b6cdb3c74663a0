"""What the trainings of one call have in common: device, pixels, the network at work."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import torch

from penultimate.backbones import TrainableNetwork, trainable
from penultimate.data import Dataset
from penultimate.errors import BackboneError, SpecError
from penultimate.execution.plan import Planned
from penultimate.progress import Progress
from penultimate.spec import FromScratch, LinearProbe
from penultimate.store import ResultStore
from penultimate.training import Team
from penultimate.training.pixels import PixelCache


@dataclass(eq=False)
class Workshop:
    """Tools for training, each made when it is first used.

    Parameters
    ----------
    limit : bytes of decoded images on disk; half of what is free where None.
    tensorboard : a folder for logs of every training; none where None.
    """

    store: ResultStore
    device: str | None
    workers: int | None
    limit: int | None
    tensorboard: Path | None
    command: str
    progress: Progress
    _pixels: tuple[Dataset, int | None, PixelCache] | None = field(default=None, init=False)
    _network: tuple[tuple[object, ...], TrainableNetwork] | None = field(default=None, init=False)

    @cached_property
    def team(self) -> Team:
        """This process and its device.

        Raises
        ------
        SpecError : torchrun started several: they would wait for each other's leases.
        """
        if (
            int(os.environ.get("WORLD_SIZE", "1")) > 1
            and torch.distributed.is_torchelastic_launched()
        ):
            raise SpecError(
                "a study's trainings are shared by processes that know nothing of each other: "
                "without torchrun, start the same command once for each GPU, with "
                "CUDA_VISIBLE_DEVICES=0, 1, ... and one --store"
            )
        return Team.join(self.device)

    def pixels(self, dataset: Dataset, side: int | None) -> PixelCache:
        """The decoded images of a data set; those that were asked for last stay open."""
        kept = self._pixels
        if kept is None or kept[0] is not dataset or kept[1] != side:
            folder = self.store.root / "pixels"
            cache = PixelCache.open(
                dataset,
                folder,
                side=side,
                limit=_half(folder) if self.limit is None else self.limit,
                workers=self.workers,
                progress=self.progress,
            )
            self._pixels = kept = dataset, side, cache
        return kept[2]

    def network(self, planned: Planned) -> TrainableNetwork:
        """What a run's trainings begin with; it stays as it is, they take copies.

        Raises
        ------
        BackboneError : its weights are no longer those that were planned with.
        """
        settings = planned.run.method
        assert not isinstance(settings, LinearProbe)
        key = (
            planned.run.weights,
            planned.run.preprocessing,
            planned.run.seed,
            len(planned.dataset.classes),
            settings.head,
            settings.regularisation,
        )
        if self._network is None or self._network[0] != key:
            self._network = None  # one network in memory at a time
            network = trainable(
                planned.spec.backbone,
                classes=len(planned.dataset.classes),
                seed=planned.run.seed,
                random=isinstance(settings, FromScratch),
                head=settings.head,
                regularisation=settings.regularisation,
            )
            if network.weights != planned.run.weights:
                raise BackboneError(
                    f"the weights of {planned.spec.backbone.display} have changed while the study "
                    "ran: run it again"
                )
            self._network = key, network
        return self._network[1]


def _half(folder: Path) -> int:
    """Half of the disk that is free or that the folder already takes."""
    folder.mkdir(parents=True, exist_ok=True)
    used = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return (shutil.disk_usage(folder).free + used) // 2
