"""Training runs on a CUDA device: from end to end, and short of its memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import penultimate as pn

pytestmark = pytest.mark.gpu


@pytest.fixture(autouse=True)
def _needs_cuda() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for k, name in enumerate("abc"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(60):
            pixels = random.integers(0, 256, (40, 50, 3), dtype=np.uint8)
            pixels[..., k] //= 2
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{i}.png")
    return tmp_path / "photos"


def study(photos: Path, size: int, **settings: object) -> pn.Study:
    budget = {
        "steps": 20,
        "batch_size": 32,
        "learning_rates": (0.05,),
        "weight_decays": (0.0,),
        "search": "grid",
    }
    return pn.Study(
        backbones=[pn.Backbone(name="resnet18@random", image_size=size)],
        tasks=[f"folder:{photos}"],
        methods=[pn.FromScratch(**{**budget, **settings})],
    )


def test_training_from_scratch_on_the_device_learns_and_is_found_again(
    photos: Path, tmp_path: Path
) -> None:
    results = pn.run(study(photos, 48), tmp_path / "store", device="cuda")
    (result,) = results.results
    assert result.provenance.engine["device"] == "cuda"
    assert result.score > 0.8
    record = results.store.trainings.get(result.final.training)
    assert record.peak_memory > 0
    assert pn.run(study(photos, 48), tmp_path / "store", device="cuda").computed == 0


def test_short_of_memory_it_goes_on_with_smaller_micro_batches(
    photos: Path, tmp_path: Path
) -> None:
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    held = torch.cuda.memory_reserved()
    # Room for the network and some images of this size, not for 32.
    torch.cuda.set_per_process_memory_fraction(min(1.0, (held + 1.2e9) / total))
    try:
        results = pn.run(study(photos, 320, steps=4), tmp_path / "store", device="cuda")
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    (result,) = results.results
    assert result.run.method.micro_batch in (16, 8, 4, 2)
    assert "do not fit into memory" in result.notices[0]
