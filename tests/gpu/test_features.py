"""On a CUDA device the same code gives the same features, to rounding."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.gpu


@pytest.fixture(autouse=True)
def _needs_cuda() -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")


@pytest.mark.parametrize("compiled", [False, True])
def test_cuda_agrees_with_the_cpu(compiled: bool) -> None:
    import torch

    from penultimate.backbones import resolve
    from penultimate.features.engine import eager, ready
    from penultimate.progress import SILENT
    from penultimate.spec import Backbone

    backbone = resolve(Backbone(name="tf_efficientnet_lite0@random"))
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (64, 3, 224, 224), generator=generator, dtype=torch.uint8)
    features = {}
    for device in ("cpu", "cuda"):
        engine = eager("float32", device)
        engine = replace(engine, compiled=compiled and device == "cuda", batch_size=64)
        running = ready(backbone.module, pixels[0], backbone.preprocessing, engine, SILENT)
        assert running.engine == engine
        features[device] = running.run(pixels).numpy()
    scale = np.abs(features["cpu"]).max()
    np.testing.assert_allclose(features["cuda"], features["cpu"], atol=1e-3 * scale, rtol=0)


def test_a_study_runs_on_cuda(tmp_path: Path) -> None:
    import penultimate as pn

    study = pn.Study(backbones=["test_resnet@random"], tasks=["digits"])
    [on_gpu] = pn.run(study, store=tmp_path / "gpu", device="cuda").results
    [on_cpu] = pn.run(study, store=tmp_path / "cpu", device="cpu").results
    assert on_gpu.digest == on_cpu.digest  # the device is provenance, not identity
    assert on_gpu.score == pytest.approx(on_cpu.score, abs=0.02)
