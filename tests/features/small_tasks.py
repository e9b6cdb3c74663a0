"""Data sets and networks that take milliseconds, and what a cache on the disk holds."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from penultimate.backbones import ResolvedBackbone, resolve
from penultimate.data import Dataset, load_dataset
from penultimate.features import Extractor, Features
from penultimate.spec import Backbone, Task

SIZE = 24


def write_pictures(root: Path, classes: int = 2, each: int = 15, seed: int = 0) -> Path:
    """``root/class/number.png`` of noise: all unlike."""
    random = np.random.default_rng(seed)
    for name in "abcdefgh"[:classes]:
        (root / name).mkdir(parents=True)
        for i in range(each):
            pixels = random.integers(0, 256, (20 + i % 7, 30, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{i:04d}.png")
    return root


def load(folder: Path, **settings: object) -> Dataset:
    return load_dataset(Task.model_validate({"source": f"folder:{folder}", **settings}))


class Slow(nn.Module):
    """Means of small patches, after a while."""

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__()
        self.seconds = seconds
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(5)
            self.convolution = nn.Conv2d(3, 16, 5, stride=2)

    def forward(self, images: Tensor) -> Tensor:
        time.sleep(self.seconds)
        return self.convolution(images).relu().mean((2, 3))


def squared(image: Image.Image) -> Tensor:
    pixels = np.asarray(image.resize((SIZE, SIZE)), dtype=np.float32) / 255
    return torch.from_numpy(pixels).permute(2, 0, 1)


def own(module: nn.Module, transform=squared) -> ResolvedBackbone:
    return resolve(Backbone.from_module(module, transform, "mine"))


def tiny(**settings: object) -> ResolvedBackbone:
    return resolve(Backbone(name="test_resnet@random", **{"image_size": SIZE, **settings}))


def extract(
    backbone: ResolvedBackbone, dataset: Dataset, folder: Path, **settings: object
) -> Features:
    return Extractor(backbone, folder, images=len(dataset), device="cpu", **settings).extract(
        dataset
    )


def rows(features: Features) -> np.ndarray:
    return features.take(np.arange(len(features.rows)))


def place(folder: Path) -> Path:
    """The one cache under ``folder``."""
    (found,) = (path for path in folder.iterdir() if path.is_dir())
    return found
