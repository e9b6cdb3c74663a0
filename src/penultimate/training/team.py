"""The processes that train one network together: this one alone, or those that torchrun started.

Lightning Fabric finds the processes, wraps the network and adds up the gradients.
"""

from __future__ import annotations

import logging
import os
import warnings
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from penultimate.backbones.device import best_device
from penultimate.errors import SpecError

T = TypeVar("T")


class Team:
    """Get one by ``Team.join``.

    Attributes
    ----------
    rank, world : of this process, and how many there are; rank 0 alone writes files.
    device : what this process computes on.
    """

    def __init__(self, fabric: Any) -> None:
        self._fabric = fabric
        self.rank: int = fabric.global_rank
        self.world: int = fabric.world_size
        self.device: torch.device = fabric.device

    @classmethod
    def join(cls, device: str | None = None) -> Team:
        """All processes of this torchrun, or this process alone where there is none.

        Parameters
        ----------
        device : ``cuda``, ``mps`` or ``cpu``; the fastest that is there where not given.

        Raises
        ------
        SpecError : there is no such device, or torchrun started more processes than there are GPUs.
        """
        from lightning_fabric import Fabric
        from lightning_fabric.strategies.ddp import DDPStrategy

        device = device or best_device()
        local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
        world = int(os.environ.get("WORLD_SIZE", "1"))
        check_device(device, local)
        together = torch.distributed.is_torchelastic_launched() and world > 1
        logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # no banners
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # advice for people who write their own loop
            fabric = Fabric(
                accelerator=device,
                devices=local if together else 1,
                num_nodes=world // local if together else 1,
                strategy=DDPStrategy(gradient_as_bucket_view=True) if together else "auto",
            )
            fabric.launch()
        return cls(fabric)

    def share(self, model: nn.Module) -> nn.Module:
        """The network wrapped so that ``backward`` adds up gradients over processes."""
        return self._fabric.setup_module(model, move_to_device=False) if self.world > 1 else model

    def backward(self, loss: Tensor) -> None:
        """Gradients of ``loss``; after the last micro-batch of a step, the mean over processes."""
        self._fabric.backward(loss)

    def unsynchronised(self, shared: nn.Module, enabled: bool) -> AbstractContextManager[Any]:
        """Within it gradients stay this process's own: more micro-batches follow."""
        if self.world == 1 or not enabled:
            return nullcontext()
        context: AbstractContextManager[Any] = self._fabric.no_backward_sync(shared, enabled=True)
        return context

    def sum(self, values: Tensor) -> Tensor:
        """The sum of every process's ``values``."""
        if self.world == 1:
            return values
        total: Tensor = self._fabric.all_reduce(values, reduce_op="sum")
        return total

    def any(self, flag: bool) -> bool:
        """Whether one of the processes says yes."""
        if self.world == 1:
            return flag
        return bool(self.sum(torch.tensor(float(flag), device=self.device)).item() > 0)

    def from_first(self, value: T) -> T:
        """What rank 0 has, for every process."""
        if self.world == 1:
            return value
        sent: T = self._fabric.broadcast(value)
        return sent


def check_device(device: str, processes: int) -> None:
    """Refuse a device that is not there for each of the processes of this machine.

    Raises
    ------
    SpecError : it is not.
    """
    there = {
        "cpu": processes,
        "cuda": torch.cuda.device_count() if torch.cuda.is_available() else 0,
        "mps": int(torch.backends.mps.is_available()),
    }.get(device, 0)
    if there == 0:
        raise SpecError(
            f"there is no device {device!r} that PyTorch can use here: leave it out to compute on "
            f"the fastest that is there, {best_device()!r}"
        )
    if there < processes:
        raise SpecError(
            f"{processes} processes were started and this machine has {there} {device} device"
            f"{'s' if there > 1 else ''}: start torchrun with --nproc-per-node {there}"
        )
