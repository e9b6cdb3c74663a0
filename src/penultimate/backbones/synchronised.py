"""Batch norm over all devices that share a batch."""

from __future__ import annotations

import torch
from torch import nn

from penultimate.backbones.gathered import gathered
from penultimate.errors import SpecError


def synchronised(model: nn.Module, device: torch.device) -> nn.Module:
    """The network with batch norms that see the whole batch; parameters stay the same objects.

    timm's conversion knows its own batch norms, which have the activation within them.

    Raises
    ------
    SpecError : PyTorch has no such batch norm for the device.
    """
    if device.type == "cpu":
        return gathered(model)
    if device.type != "cuda":
        raise SpecError(
            f"PyTorch synchronises batch norm between GPUs only, not on {device.type}: train this "
            "network in one process, or on GPUs"
        )
    from timm.layers import convert_sync_batchnorm

    converted: nn.Module = convert_sync_batchnorm(model)
    return converted
