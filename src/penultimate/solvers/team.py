"""The processes that share the examples: one, or those of a torch.distributed group.

Each process holds some of the rows and does the arithmetic of the size of the parameters itself;
what it needs of the others are sums over rows. Every process takes the same decisions, since it
decides on the same sums.
"""

from __future__ import annotations

from typing import Protocol

import torch.distributed as dist
from torch import Tensor


class Team(Protocol):
    """Adds up and compares tensors over processes, in place."""

    alone: bool

    def sum(self, part: Tensor) -> Tensor:
        """The sum of every process's ``part``."""

    def max(self, part: Tensor) -> Tensor:
        """The largest of every process's ``part``, element by element."""


class Alone:
    """One process."""

    alone = True

    def sum(self, part: Tensor) -> Tensor:
        """``part`` itself."""
        return part

    def max(self, part: Tensor) -> Tensor:
        """``part`` itself."""
        return part


class Group:
    """The processes of a torch.distributed group."""

    alone = False

    def __init__(self, group: dist.ProcessGroup) -> None:
        self._group = group

    def sum(self, part: Tensor) -> Tensor:
        """The sum of every process's ``part``."""
        dist.all_reduce(part, op=dist.ReduceOp.SUM, group=self._group)
        return part

    def max(self, part: Tensor) -> Tensor:
        """The largest of every process's ``part``."""
        dist.all_reduce(part, op=dist.ReduceOp.MAX, group=self._group)
        return part
