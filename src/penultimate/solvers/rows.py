"""The examples as the solver sees them: blocks of rows, and sums over them.

Everything that depends on the number of examples happens here, block by block, so that a block's
margins stay in the processor's cache. Sums over the examples go through ``gather``, which adds
up the parts of several processes where there are several; everything else in the solver is of
the size of the parameters and the same on each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from penultimate.solvers.loss import Loss, Summary
from penultimate.solvers.reduction import Reduced

Margins = list[Tensor]
"""Margins ``(n, K)``, in blocks of rows."""

Gather = Callable[[Tensor], Tensor]
"""Adds up a tensor over the processes that share the examples, in place."""

BLOCK_BYTES = 1 << 20
SPOT_CHECK = 64
HESSIAN_SIZE = 800
HESSIAN_WORK = 4e8


def alone(part: Tensor) -> Tensor:
    """The sum over one process."""
    return part


def hessian_is_cheap(n: int, n_outputs: int, r: int, *, independent: bool) -> bool:
    """Whether the second derivative itself costs next to nothing, for n rows of r features."""
    blocks, size = (n_outputs, r + 1) if independent else (1, n_outputs * (r + 1))
    return size <= HESSIAN_SIZE and blocks * n * size * size <= HESSIAN_WORK


class Rows:
    """Features ``Z (n, r)`` with a loss for each block of rows."""

    def __init__(
        self,
        reduced: Reduced,
        losses: Sequence[Loss],
        sizes: Sequence[int],
        n_outputs: int,
        gather: Gather,
    ) -> None:
        self.spectrum = reduced.spectrum
        self._features = torch.split(reduced.Z, list(sizes))
        self._losses = losses
        self._gather = gather
        self.shift_invariant = losses[0].shift_invariant
        self.max_curvature = losses[0].max_curvature
        self.caution = losses[0].caution
        device = reduced.Z.device
        weight = torch.tensor(sum(loss.weight for loss in losses), dtype=torch.float64)
        self.weight = float(gather(weight.to(device)))
        n = int(gather(torch.tensor(len(reduced.Z), device=device)))
        self.hessian_is_cheap = hessian_is_cheap(
            n, n_outputs, len(self.spectrum), independent=not self.shift_invariant
        )

    def margins(self, W: Tensor, b: Tensor) -> Margins:
        """One product forth: the margins of ``W (K, r)`` and ``b (K,)``."""
        intercept = b.to(W.dtype)
        return [
            loss.margins(torch.addmm(intercept, Z, W.T))
            for Z, loss in zip(self._features, self._losses, strict=True)
        ]

    def gradient(self, margins: Margins) -> Tensor:
        """One product back: the gradient ``(K, r)`` of the loss by W."""
        parts = zip(self._features, self._losses, margins, strict=True)
        first, loss, block = next(parts)
        G = loss.residual(block).T @ first
        for Z, loss, block in parts:
            G.addmm_(loss.residual(block).T, Z)
        return self._gather(G)

    def summary(self, margins: Margins) -> Summary:
        """Value, gradient and curvature by the intercept."""
        blocks = zip(self._losses, margins, strict=True)
        parts = [loss.summary(block) for loss, block in blocks]
        k = len(parts[0].gradient)
        flat = torch.cat(
            [
                _total([p.value for p in parts]).reshape(1),
                _total([p.gradient for p in parts]),
                _total([p.curvature for p in parts]).reshape(-1),
            ]
        )
        flat = self._gather(flat)
        return Summary(flat[0], flat[1 : 1 + k], flat[1 + k :].reshape(k, k))

    def drift(self, margins: Margins, direction: Margins) -> Tensor:
        """How the gradient by the intercept changes along ``direction``: (K,)."""
        blocks = zip(self._losses, margins, direction, strict=True)
        return self._gather(_total([loss.drift(m, d) for loss, m, d in blocks]))

    def slope(self, margins: Margins, direction: Margins, t: float) -> tuple[float, float]:
        """First and second derivative of the loss along ``direction``, at t of it."""
        blocks = zip(self._losses, margins, direction, strict=True)
        parts = [loss.slope(torch.add(m, d, alpha=t), d) for loss, m, d in blocks]
        slope, bend = self._gather(_total(parts)).tolist()
        return slope, bend

    def plane(
        self, margins: Margins, others: Sequence[Margins], c: Tensor
    ) -> tuple[float, Tensor, Tensor]:
        """Value, gradient and curvature by c, of the margins ``m + sum_a c_a (m - others_a)``."""
        parts = []
        for i, (loss, m) in enumerate(zip(self._losses, margins, strict=True)):
            directions = torch.stack([m - other[i] for other in others])
            there = m + torch.tensordot(c.to(m), directions, 1)
            value, gradient, bend = loss.plane(there, directions)
            parts.append(torch.cat([value.reshape(1), gradient, bend.reshape(-1)]))
        flat = self._gather(_total(parts)).cpu()
        size = len(others)
        return float(flat[0]), flat[1 : 1 + size], flat[1 + size :].reshape(size, size)

    def hessian(self, margins: Margins) -> Tensor:
        """The loss's second derivative by W and, after each class, its intercept."""
        parts = [
            loss.hessian(m, torch.cat([Z, Z.new_ones(len(Z), 1)], dim=1))
            for Z, loss, m in zip(self._features, self._losses, margins, strict=True)
        ]
        return self._gather(_total(parts))

    def add_intercept(self, margins: Margins, b: Tensor) -> None:
        """Add ``b (K,)`` to the intercept behind ``margins``, in place."""
        for loss, block in zip(self._losses, margins, strict=True):
            block.add_(loss.of_intercept(b.to(block.dtype)))

    def drifted(self, W: Tensor, b: Tensor, margins: Margins) -> float:
        """By how much tracked margins differ from true ones, at most, on a few rows."""
        worst = torch.zeros((), dtype=W.dtype, device=W.device)
        for Z, loss, block in zip(self._features, self._losses, margins, strict=True):
            every = max(1, len(Z) // SPOT_CHECK)
            picked = slice(0, len(Z), every)
            logits = torch.addmm(b.to(W.dtype), Z[picked], W.T)
            error = loss.take(picked).margins(logits) - block[picked]
            worst = torch.maximum(worst, error.abs().max())
        return float(self._gather(worst))


def _total(parts: Sequence[Tensor]) -> Tensor:
    """The sum of tensors of one shape."""
    return parts[0].clone() if len(parts) == 1 else torch.stack(list(parts)).sum(dim=0)
