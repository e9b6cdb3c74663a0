"""Two processes that share each batch train what one trains."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tiny_training import fit, network, recipe

from penultimate.errors import SpecError
from penultimate.training import Team
from penultimate.training.team import check_device

HERE = Path(__file__).parent
CASES = ("whole", "pieces", "checkpoint", "uneven", "batch norm")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two gloo processes under torchrun leave, all cases in one go."""
    folder = tmp_path_factory.mktemp("shared")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    done = subprocess.run(
        [*torchrun, "--nproc-per-node", "2", HERE / "two_processes.py", folder, *CASES],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path]),
            "OMP_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("case", ["whole", "pieces", "checkpoint", "batch norm"])
def test_two_processes_train_what_one_does(shared: Path, case: str) -> None:
    first, second = (
        torch.load(shared / f"{case} {rank}.pt", weights_only=True) for rank in range(2)
    )
    model = network(batch_norm=case == "batch norm")
    done = fit(model, recipe(steps=12, average=0.9, weight_decay=0.01))
    for name, value in model.state_dict().items():
        assert torch.equal(first["model"][name], second["model"][name]), name
        torch.testing.assert_close(first["model"][name], value, rtol=1e-5, atol=2e-6, msg=name)
    torch.testing.assert_close(
        first["loss"], torch.from_numpy(done.curve["loss"]), rtol=1e-5, atol=1e-6
    )


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_what_two_processes_cannot_share_is_refused_by_both(shared: Path, rank: int) -> None:
    said = (shared / f"uneven {rank}.txt").read_text()
    assert said.startswith("batch_size 13 cannot be shared evenly by 2 processes")


def test_one_process_is_a_team_of_its_own() -> None:
    team = Team.join("cpu")
    assert (team.rank, team.world, team.device.type) == (0, 1, "cpu")


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(SpecError, match="no device 'tpu'"):
        Team.join("tpu")
    if torch.cuda.device_count() < 8:
        with pytest.raises(SpecError, match=r"no device 'cuda'|start torchrun with --nproc"):
            check_device("cuda", 8)
