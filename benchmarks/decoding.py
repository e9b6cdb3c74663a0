"""What decoding once saves, and how fast batches to learn from are made.

    python benchmarks/decoding.py --runs 3             about 3 minutes on one core

Photographs are stood in for by large smooth pictures with noise, saved as JPEG (500 x 375, quality
90). Peers, with as many threads each: torchvision's transforms of the kind that people write
(``Image.open``, ``RandomResizedCrop``, ``RandomHorizontalFlip``, ``ToTensor``, ``Normalize``) in a
thread pool, from files each time. Ours: the same crops from pixels that were decoded once, original
and reduced to a shorter side of 256.

Quality beside speed: the largest and the mean difference, in levels of 255, between our batch and
torchvision's ``resized_crop`` of the same boxes; and for reduced pixels, how far they are from the
original's crops.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from penultimate.data import Dataset, load_dataset
from penultimate.spec import Augmentation, Preprocessing, Task
from penultimate.training.boxes import boxes, draw
from penultimate.training.pixels import PixelCache
from penultimate.training.stream import CROPS, TrainingImages

SIZE = 224
BATCH = 32
SEEN = Preprocessing(
    size=SIZE, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), interpolation="bilinear"
)


def write_photographs(folder: Path, count: int) -> Dataset:
    """Two classes of JPEG files."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[0:375, 0:500]
    for number in range(count):
        place = folder / "ab"[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        rate, phase = random.uniform(0.01, 0.1, (2, 3)), random.uniform(0, 6, 3)
        waves = np.sin(x[..., None] * rate[0] + y[..., None] * rate[1] + phase)
        pixels = 127.5 + 90 * waves + random.normal(0, 12, (375, 500, 3))
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(
            place / f"{number:04}.jpg", quality=90
        )
    return load_dataset(Task(source=f"folder:{folder}"))


def stream(cache: PixelCache, workers: int) -> TrainingImages:
    rows = np.arange(len(cache))
    labels = cache.dataset.labels
    return TrainingImages(
        cache, rows, labels, SEEN, Augmentation(), batch_size=BATCH, seed=0, workers=workers
    )


def ours(cache: PixelCache, workers: int) -> float:
    """Seconds of one epoch of batches."""
    steps = len(cache) // BATCH
    started = time.perf_counter()
    for _ in stream(cache, workers).batches(0, steps):
        pass
    return time.perf_counter() - started


def torchvisions(dataset: Dataset, workers: int) -> float:
    """Seconds of one epoch of batches, as one would write it."""
    from torchvision import transforms

    transform = transforms.Compose(
        [
            transforms.RandomResizedCrop(SIZE, antialias=True),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(SEEN.mean, SEEN.std),
        ]
    )
    paths = dataset.images.paths

    def read(path: str) -> torch.Tensor:
        with Image.open(path) as picture:
            return transform(picture.convert("RGB"))

    started = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        for first in range(0, len(paths) - BATCH + 1, BATCH):
            torch.stack(list(pool.map(read, paths[first : first + BATCH]))).contiguous(
                memory_format=torch.channels_last
            )
    return time.perf_counter() - started


def differences(dataset: Dataset, cache: PixelCache) -> tuple[float, float]:
    """Largest and mean difference in levels to torchvision's crops of the same boxes."""
    from torchvision.transforms.v2 import functional

    source = stream(cache, 1)
    (batch,) = source.batches(0, 1)
    std, mean = (torch.tensor(v).view(1, 3, 1, 1) for v in (SEEN.std, SEEN.mean))
    levels = (batch.images * std + mean) * 255
    rows = source.order(0)
    draws = draw(np.random.default_rng((0, CROPS, 0)), BATCH)
    found = []
    for number, row in enumerate(rows):
        one = draws.part(number, number + 1)
        picture = dataset.image(int(row))
        sides = (np.array([picture.height]), np.array([picture.width]))
        # Of a reduced picture the same part, so that its box is found in the original.
        (box,) = boxes(one, *sides, Augmentation()).tolist()
        crop = functional.resized_crop(picture, *box, [SIZE, SIZE], antialias=True)
        if one.flips[0] < 0.5:
            crop = functional.horizontal_flip(crop)
        found.append((levels[number] - functional.pil_to_tensor(crop)).abs())
    every = torch.stack(found)
    return float(every.max()), float(every.mean())


def one_run(images: int, workers: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dataset = write_photographs(folder / "photos", images)
        figures: dict[str, float] = {}
        for side, called in ((None, "original"), (256, "reduced")):
            limit = {"side": side, "limit": 10**11, "workers": workers}
            started = time.perf_counter()
            cache = PixelCache.open(dataset, folder / "pixels", **limit)
            figures[f"{called}: decoding, once (s)"] = time.perf_counter() - started
            figures[f"{called}: MB on disk"] = cache.bytes_on_disk / 1e6
            started = time.perf_counter()
            cache = PixelCache.open(dataset, folder / "pixels", **limit)
            figures[f"{called}: opening again (s)"] = time.perf_counter() - started
            ours(cache, workers)
            figures[f"{called}: epoch (s)"] = ours(cache, workers)
            figures[f"{called}: images/s"] = images // BATCH * BATCH / ours(cache, workers)
        each_time = PixelCache.open(dataset, folder / "none", side=None, limit=0, workers=workers)
        figures["decoded each time: epoch (s)"] = ours(each_time, workers)
        seconds = torchvisions(dataset, workers)
        figures["torchvision: epoch (s)"] = seconds
        figures["torchvision: images/s"] = images // BATCH * BATCH / seconds
        original = PixelCache.open(
            dataset, folder / "pixels", side=None, limit=10**11, workers=workers
        )
        largest, mean = differences(dataset, original)
        figures["original: largest difference (levels)"] = largest
        figures["original: mean difference (levels)"] = mean
        reduced = PixelCache.open(
            dataset, folder / "pixels", side=256, limit=10**11, workers=workers
        )
        figures["reduced: mean difference (levels)"] = differences(dataset, reduced)[1]
    return figures


def main() -> None:
    """Several runs; medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.workers)
    runs = []
    for _ in range(arguments.runs):
        runs.append(one_run(arguments.images, arguments.workers))
        print(json.dumps(runs[-1]), flush=True)
    for name in runs[0]:
        print(f"{name:42}{statistics.median(run[name] for run in runs):12.4g}")


if __name__ == "__main__":
    main()
