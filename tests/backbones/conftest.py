"""Checkpoints of a small network."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny_networks import TINY
from torch import Tensor

from penultimate.backbones.timm import build_timm


@pytest.fixture
def state() -> dict[str, Tensor]:
    """The weights of a tiny network, unlike those of any seed that a test uses."""
    return build_timm(f"{TINY}@random", seed=77).network.state_dict()


@pytest.fixture
def saved(tmp_path: Path):
    """Write an object as a ``.pth`` file; returns the backbone's name."""

    def save(content: object, file: str = "weights.pth") -> str:
        torch.save(content, tmp_path / file)
        return f"{TINY}@{tmp_path / file}"

    return save
