"""Batch norm over all processes that share a batch, where PyTorch has none: on CPUs."""

from __future__ import annotations

from typing import Any, Self

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


class _Sum(torch.autograd.Function):
    """The sum over processes; the gradient of a sum is the sum of gradients."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        total = values.contiguous().clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.contiguous().clone()
        dist.all_reduce(total)
        return total


class GatheredBatchNorm(nn.BatchNorm2d):
    """Statistics are of every process's images, of which each has as many as any other.

    Made ``of`` another batch norm, whose parameters and buffers it takes over; timm's has dropout
    and an activation within it, which come after.
    """

    @classmethod
    def of(cls, norm: _BatchNorm) -> Self:
        """In place of ``norm``: the same tensors."""
        made = cls(norm.num_features, eps=norm.eps, momentum=norm.momentum, affine=False)
        made.affine, made.track_running_stats = norm.affine, norm.track_running_stats
        made.weight, made.bias = norm.weight, norm.bias
        for name, buffer in norm.named_buffers(recurse=False):
            made.register_buffer(name, buffer)
        for name in ("drop", "act"):
            if hasattr(norm, name):
                setattr(made, name, getattr(norm, name))
        return made.train(norm.training)

    def forward(self, input: Tensor) -> Tensor:
        """Maps (N, C, H, W) of this process, normalised."""
        output = self._normalised(input) if self.training else super().forward(input)
        for name in ("drop", "act"):
            if hasattr(self, name):
                output = getattr(self, name)(output)
        return output

    def _normalised(self, maps: Tensor) -> Tensor:
        shape = (1, -1, 1, 1)
        count = maps.numel() // maps.shape[1] * dist.get_world_size()
        mean: Tensor = _Sum.apply(maps.sum((0, 2, 3))) / count
        centred = maps - mean.view(shape)
        squares = centred.square().sum((0, 2, 3))
        variance: Tensor = _Sum.apply(squares) / count
        self._remember(mean.detach(), variance.detach() * (count / max(count - 1, 1)))
        scale = (variance + self.eps).rsqrt() * self.weight
        return centred * scale.view(shape) + self.bias.view(shape)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        if self.running_mean is None or self.running_var is None:
            return
        momentum = self.momentum
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if momentum is None:  # the mean of all batches so far
                momentum = 1.0 / float(self.num_batches_tracked)
        self.running_mean.lerp_(mean, float(momentum or 0))
        self.running_var.lerp_(variance, float(momentum or 0))


def gathered(model: nn.Module) -> nn.Module:
    """The network with such batch norms, in place; parameters stay the same objects."""
    if isinstance(model, _BatchNorm):
        return model if isinstance(model, GatheredBatchNorm) else GatheredBatchNorm.of(model)
    for name, child in model.named_children():
        made = gathered(child)
        if made is not child:
            setattr(model, name, made)
    return model
