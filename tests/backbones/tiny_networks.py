"""Small networks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

TINY = "test_resnet"  # timm's own: 0.5 million parameters, 96 features


class Pooled(nn.Module):
    """A network as a user writes one: images (N, 3, H, W) to (N, 8)."""

    def __init__(self, seed: int = 0, activation: nn.Module | None = None) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.convolution = nn.Conv2d(3, 8, 5, stride=2)
        self.activation = activation or nn.ReLU()

    def forward(self, images: Tensor) -> Tensor:
        return self.activation(self.convolution(images)).mean((2, 3))
