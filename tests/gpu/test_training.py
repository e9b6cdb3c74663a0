"""Training on a CUDA device: precision, memory, several processes, the compiler."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.gpu
TRAINING = Path(__file__).parents[1] / "training"


@pytest.fixture(autouse=True)
def _needs_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    monkeypatch.syspath_prepend(str(TRAINING))


def fit_on(device: str, model: Any, plan: Any, **more: Any) -> Any:
    from tiny_training import ArrayImages, fit, pictures

    from penultimate.training import Team

    images = more.pop("images", None) or pictures()
    stream = ArrayImages(*images, plan.batch_size, device)
    return fit(model, plan, stream, team=Team.join(device), **more)


@pytest.mark.parametrize("compiled", [False, True])
def test_cuda_trains_what_the_cpu_does(compiled: bool) -> None:
    import torch
    from tiny_training import network, recipe

    here, there = network(batch_norm=True), network(batch_norm=True)
    plan = recipe(micro_batch=6, average=0.9)
    fit_on("cpu", here, plan)
    done = fit_on("cuda", there, plan, compiled=compiled)
    assert done.engine.compiled == compiled
    assert done.peak_memory > 0
    for name, value in here.state_dict().items():
        torch.testing.assert_close(there.state_dict()[name].cpu(), value, rtol=1e-3, atol=1e-4)


def test_float32_is_float32_even_where_tf32_was_asked_for() -> None:
    import torch
    from tiny_training import network, recipe

    seen = []

    class Spy(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = network()

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            seen.append((torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()))
            logits: torch.Tensor = self.inner(images)
            return logits

    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        fit_on("cuda", Spy(), recipe(steps=2))
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision(before)
    assert set(seen) == {(False, "highest")}


def test_bfloat16_learns_and_keeps_float32_weights() -> None:
    import torch
    from tiny_training import network, recipe

    model, kinds = network(batch_norm=True), set()
    model[3].register_forward_hook(lambda layer, given, out: kinds.add(out.dtype))
    done = fit_on("cuda", model, recipe(steps=60, precision="bfloat16"))
    assert kinds == {torch.bfloat16}
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert done.final_loss < 0.5 * done.curve["loss"][0]


def test_out_of_memory_it_goes_on_with_less_and_says_so() -> None:
    import torch
    from tiny_training import Notes, network, recipe

    from penultimate.errors import DeviceMemoryError

    class Greedy(torch.nn.Module):
        """Asks for an eighth of the device's memory an image, and a little more."""

        def __init__(self, batch_norm: bool) -> None:
            super().__init__()
            self.inner = network(batch_norm=batch_norm)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            _, whole = torch.cuda.mem_get_info()
            torch.empty(len(images) * whole // 8, dtype=torch.uint8, device="cuda")
            logits: torch.Tensor = self.inner(images)
            return logits

    notes = Notes()
    done = fit_on("cuda", Greedy(False), recipe(steps=3), progress=notes)
    assert done.micro_batch in (3, 6)
    assert "do not fit into the memory of cuda" in notes.said[0]
    with pytest.raises(DeviceMemoryError, match="choose a micro_batch below 12"):
        fit_on("cuda", Greedy(True), recipe(steps=3))


SHARED = """
import torch
import torch.distributed as dist
from tiny_training import ArrayImages, fit, network, pictures, recipe
from penultimate.backbones import synchronised
from penultimate.training import Team

team = Team.join("cuda")
plan = recipe(steps=12, micro_batch=3, batch_norm_momentum=0.2)
model = network(batch_norm=True)
stream = ArrayImages(*pictures(), plan.batch_size, str(team.device))
done = fit(model, plan, stream, team=team)
if team.rank == 0:
    torch.save({"loss": torch.from_numpy(done.curve["loss"]), **model.state_dict()}, "shared.pt")
dist.destroy_process_group()
"""


@pytest.mark.parametrize("processes", [1, 2])
def test_gpus_under_torchrun_train_what_one_does(tmp_path: Path, processes: int) -> None:
    import torch
    from tiny_training import network, recipe

    if torch.cuda.device_count() < processes:
        pytest.skip(f"fewer than {processes} CUDA devices")
    (tmp_path / "shared.py").write_text(SHARED)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    subprocess.run(
        [*torchrun, "--nproc-per-node", str(processes), "shared.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TRAINING), *sys.path])},
        check=True,
        timeout=300,
    )
    shared = torch.load(tmp_path / "shared.pt", weights_only=True, map_location="cpu")
    model = network(batch_norm=True)
    # Synchronised, the micro-batches of two devices are one of twice the size.
    plan = recipe(steps=12, micro_batch=3 * processes, batch_norm_momentum=0.2)
    done = fit_on("cuda", model, plan)
    torch.testing.assert_close(
        shared["loss"], torch.from_numpy(done.curve["loss"]), rtol=1e-3, atol=1e-4
    )
    state = model.state_dict()
    assert set(shared) == {*state, "loss"}
