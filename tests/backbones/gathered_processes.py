"""One of several processes that share a batch; what it finds goes into a file. See the test."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
import torch.distributed as dist
from timm.layers import BatchNormAct2d
from torch import Tensor, nn

from penultimate.backbones.gathered import gathered

IMAGES = 6


def network() -> nn.Module:
    """Batch norms of PyTorch's and of timm's, the first of a scale that is not trained."""
    torch.manual_seed(0)
    made = nn.Sequential(
        nn.Conv2d(3, 4, 3, bias=False),
        nn.BatchNorm2d(4, momentum=0.3),
        nn.Sequential(nn.Conv2d(4, 5, 2), BatchNormAct2d(5, eps=1e-3)),
        nn.BatchNorm2d(5, momentum=None),
        nn.Flatten(),
        nn.Linear(5 * 9, 2),
    )
    made[1].weight.requires_grad_(False)
    return made.double()


def images() -> Tensor:
    """Far from centred, so that a careless variance would show."""
    generator = torch.Generator().manual_seed(1)
    return 50 + torch.randn(IMAGES, 3, 6, 6, generator=generator, dtype=torch.float64)


def passed(made: nn.Module, part: Tensor, whole: int) -> dict[str, Tensor]:
    """Two passes in training, gradients of the last, and what it answers afterwards."""
    for _ in range(2):
        made.zero_grad()
        output = made.train()(part)
        (output.square().sum() / whole).backward()
    found = {f"grad {n}": p.grad for n, p in made.named_parameters() if p.grad is not None}
    found |= {f"state {name}": value for name, value in made.state_dict().items()}
    return found | {"output": output.detach(), "answer": made.eval()(images()).detach()}


if __name__ == "__main__":
    dist.init_process_group("gloo")
    rank, world = dist.get_rank(), dist.get_world_size()
    mine = images().chunk(world)[rank]
    torch.save(passed(gathered(network()), mine, IMAGES), Path(sys.argv[1]) / f"{rank}.pt")
    dist.destroy_process_group()
