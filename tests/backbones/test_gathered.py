"""Batch norm over two processes against one that has the whole batch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import torch
from gathered_processes import IMAGES, images, network, passed

from penultimate.backbones.gathered import GatheredBatchNorm, gathered


def test_two_processes_are_one_with_the_whole_batch(tmp_path: Path) -> None:
    script = Path(__file__).with_name("gathered_processes.py")
    subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", str(script), str(tmp_path)),
        ],
        check=True,
        capture_output=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    one, two = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2))
    whole = passed(network(), images(), IMAGES)
    assert one.keys() == two.keys() == whole.keys()
    torch.testing.assert_close(torch.cat([one["output"], two["output"]]), whole["output"])
    for name, value in whole.items():
        if name.startswith("grad"):
            torch.testing.assert_close(one[name] + two[name], value)
        elif name != "output":
            torch.testing.assert_close(one[name], value)
            assert torch.equal(one[name], two[name])


def test_parameters_stay_the_same_objects() -> None:
    before = network()
    parameters, names = list(before.parameters()), list(before.state_dict())
    after = gathered(before)
    assert all(a is b for a, b in zip(after.parameters(), parameters, strict=True))
    assert list(after.state_dict()) == names
    assert sum(isinstance(module, GatheredBatchNorm) for module in after.modules()) == 3
    assert gathered(after) is after
