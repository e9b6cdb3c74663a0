"""Small data sets of pictures of many sizes, and how a network would see them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from penultimate.data import Dataset, load_dataset
from penultimate.progress import Progress
from penultimate.spec import Preprocessing, Task
from penultimate.training.pixels import PixelCache


def write_waves(root: Path, each: int = 12, sides: tuple[int, int] = (40, 120)) -> Path:
    """``root/class/number.png``: smooth colours, two classes, no two pictures alike."""
    random = np.random.default_rng(7)
    for name in "ab":
        (root / name).mkdir(parents=True)
        for number in range(each):
            height, width = random.integers(*sides, 2)
            y, x = np.mgrid[0:height, 0:width]
            waves = np.stack([x / width, y / height, (x + y) / (width + height)], axis=-1)
            phase = random.uniform(0, 6, 3)
            pixels = np.uint8(127.5 + 110 * np.sin(5 * waves + phase))
            Image.fromarray(pixels).save(root / name / f"{number:03}.png")
    return root


def load(folder: Path) -> Dataset:
    return load_dataset(Task(source=f"folder:{folder}"))


def seen(size: int = 32, **settings: object) -> Preprocessing:
    plain = {"size": size, "mean": (0.5, 0.4, 0.3), "std": (0.2, 0.25, 0.5)}
    return Preprocessing.model_validate({**plain, "interpolation": "bilinear", **settings})


def kept(dataset: Dataset, folder: Path, side: int | None = None, **settings: int) -> PixelCache:
    return PixelCache.open(dataset, folder, side=side, **{"limit": 10**9, **settings})


class Notes(Progress):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)
