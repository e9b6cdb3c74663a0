"""On a CUDA device batches to learn from are those of the CPU, to a level of 255."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.gpu
LEVEL = 2.02 / 255 / 0.2  # two of 255, after the standard deviation


@pytest.fixture(autouse=True)
def _needs_cuda() -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "lanczos", "box", "hamming"])
def test_cuda_makes_the_batches_and_views_of_the_cpu(tmp_path: Path, interpolation: str) -> None:
    import torch

    from penultimate.data import load_dataset
    from penultimate.spec import Augmentation, Preprocessing, Task
    from penultimate.training.pixels import PixelCache
    from penultimate.training.stream import TrainingImages
    from penultimate.training.views import views

    dataset = load_dataset(Task(source="glyphs"))
    pixels = PixelCache.open(dataset, tmp_path, side=None, limit=10**9)
    preprocessing = Preprocessing(
        size=96, mean=(0.5,) * 3, std=(0.2,) * 3, interpolation=interpolation
    )
    rows = dataset.indices("train")
    batches = {}
    for device in ("cpu", "cuda"):
        source = TrainingImages(
            pixels,
            rows,
            dataset.labels[rows],
            preprocessing,
            # Little contrast is lost by overshoot in so large a crop of so plain a picture.
            Augmentation(crop_scale=(0.5, 1.0)),
            batch_size=64,
            seed=0,
            device=device,
        )
        (batch,) = source.batches(3, 4)
        assert batch.images.device.type == batch.labels.device.type == device
        assert batch.images.is_contiguous(memory_format=torch.channels_last)
        shown = [
            part.cpu()
            for view in ("whole", "central")
            for part in views(pixels, rows[:20], preprocessing, view, batch_size=8, device=device)
        ]
        batches[device] = batch.images.cpu(), torch.cat(shown), batch.labels.cpu()
    for mine, theirs in zip(batches["cuda"][:2], batches["cpu"][:2], strict=True):
        difference = (mine - theirs).abs().numpy()
        # Black and white side by side: the order of the two passes shows where a filter overshoots.
        assert np.quantile(difference, 0.99) <= LEVEL
        assert difference.mean() < 0.2 / 255 / 0.2
    assert torch.equal(batches["cuda"][2], batches["cpu"][2])
