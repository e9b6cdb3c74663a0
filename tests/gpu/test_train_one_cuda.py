"""A network trained and scored on a CUDA device is worth what one on the CPU is, to rounding."""

from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.gpu


@pytest.fixture(autouse=True)
def _needs_cuda() -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")


def test_scores_of_one_network_agree_and_training_learns_on_either(tmp_path) -> None:
    from penultimate.backbones import trainable
    from penultimate.data import load_dataset
    from penultimate.methods.cell import Cell, recipe
    from penultimate.methods.train_one import scores_of, train_one
    from penultimate.spec import Backbone, FineTune, Task
    from penultimate.training import Team
    from penultimate.training.pixels import PixelCache

    dataset = load_dataset(Task(source="digits"), seed=0, cache=tmp_path / "scans")
    pixels = PixelCache.open(dataset, tmp_path / "pixels", side=None, limit=10**8)
    n = len(dataset.indices("train"))
    how = recipe(
        FineTune(flip=False), Cell(0.05, 0.0), steps=120, batch_size=32, n_images=n, batch_norm=True
    )
    reached = {}
    for device in ("cpu", "cuda"):
        team = Team.join(device)
        network = trainable(
            Backbone(name="test_resnet@random", image_size=24), classes=10, seed=0, head="random"
        )
        found = train_one(network, how, pixels, ("train",), seed=0, identity="a", team=team)
        reached[device] = found.outcome.scores["whole"]
    assert min(reached.values()) > 0.6
    assert reached["cuda"] == pytest.approx(reached["cpu"], abs=0.1)  # training makes rounding grow
    rows = dataset.indices("val")
    scores = [
        scores_of(network, pixels, rows, "central", how, Team.join(device))
        for device in ("cuda", "cpu")
    ]
    np.testing.assert_allclose(*scores, atol=2e-3 * np.abs(scores[0]).max(), rtol=0)
