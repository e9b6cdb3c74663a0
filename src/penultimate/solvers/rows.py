"""The examples as the solver sees them: blocks of rows, and sums over them.

Everything that depends on the number of examples happens here, block by block, so that a block's
margins stay in the processor's cache. Sums over the examples go through the team, which adds up
the parts of several processes where there are several; everything else in the solver is of the
size of the parameters and the same on each of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from penultimate.solvers.loss import Loss, Summary
from penultimate.solvers.reduction import Reduced
from penultimate.solvers.team import Team

Margins = list[Tensor]
"""Margins ``(n, K)``, in blocks of rows."""

BLOCK_BYTES = 1 << 20
OUTLIER_CAUTION = 30.0  # outliers hide what is left to gain from the model of the curvature
SPOT_BLOCKS = 8
SPOT_ROWS = 64
HESSIAN_SIZE = 800
HESSIAN_WORK = 4e8


def hessian_is_cheap(n: int, n_outputs: int, r: int, *, independent: bool) -> bool:
    """Whether the second derivative itself costs next to nothing, for n rows of r features."""
    blocks, size = (n_outputs, r + 1) if independent else (1, n_outputs * (r + 1))
    return size <= HESSIAN_SIZE and blocks * n * size * size <= HESSIAN_WORK


class Rows:
    """Features with a loss for each block of rows."""

    def __init__(
        self,
        reduced: Reduced,
        losses: Sequence[Loss],
        n_outputs: int,
        team: Team,
    ) -> None:
        self.spectrum = reduced.spectrum
        self.concentrated = reduced.concentrated
        self.dtype = reduced.spectrum.dtype
        self._blocks = reduced.blocks
        self._losses = losses
        self._team = team
        self.shift_invariant = losses[0].shift_invariant
        self.max_curvature = losses[0].max_curvature
        self.caution = losses[0].caution * (OUTLIER_CAUTION if self.concentrated else 1.0)
        weight = sum(loss.weight for loss in losses)
        self.weight = float(team.sum(self.spectrum.new_tensor(weight, dtype=torch.float64)))
        rows = self.spectrum.new_tensor(sum(reduced.blocks.sizes), dtype=torch.int64)
        n = int(team.sum(rows))
        self.hessian_is_cheap = hessian_is_cheap(
            n, n_outputs, len(self.spectrum), independent=not self.shift_invariant
        )

    def margins(self, W: Tensor, b: Tensor) -> Margins:
        """One product forth: the margins of ``W (K, r)`` and ``b (K,)``."""
        intercept, A = b.to(W.dtype), self._blocks.enter(W).T
        return [
            loss.margins(torch.addmm(intercept, self._blocks.block(i), A))
            for i, loss in enumerate(self._losses)
        ]

    def gradient(self, margins: Margins) -> Tensor:
        """One product back: the gradient ``(K, r)`` of the loss by W."""
        blocks = zip(self._losses, margins, strict=True)
        return self._back(loss.residual(m) for loss, m in blocks)

    def _back(self, residuals: Iterator[Tensor]) -> Tensor:
        """The sum over rows of residuals ``(n, K)`` times features."""
        G = next(residuals).T @ self._blocks.block(0)
        for i, residual in enumerate(residuals, start=1):
            G.addmm_(residual.T, self._blocks.block(i))
        return self._blocks.leave(self._team.sum(G))

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
        flat = self._team.sum(flat)
        return Summary(flat[0], flat[1 : 1 + k], flat[1 + k :].reshape(k, k))

    def curvature(self, margins: Margins) -> Margins:
        """What the two functions below need to know of the margins."""
        return [loss.curvature(m) for loss, m in zip(self._losses, margins, strict=True)]

    def spectrum_now(self, margins: Margins) -> Tensor:
        """The spectrum with rows weighted by how much they still bend the loss, (r,).

        A pass over the features; only where some column is mostly one row is it worth that.
        """
        if not self.concentrated:
            return self.spectrum
        squares, total = [], []
        for i, (loss, m) in enumerate(zip(self._losses, margins, strict=True)):
            doubt = loss.doubt(loss.curvature(m))
            squares.append(doubt @ self._blocks.block(i).square())
            total.append(doubt.sum().reshape(1))
        both = self._team.sum(torch.cat([_total(squares), _total(total)]))
        tiny = torch.finfo(both.dtype).tiny
        return both[:-1] * (self.weight / both[-1].clamp(min=tiny))

    def drift(self, curvature: Margins, direction: Margins) -> Tensor:
        """How the gradient by the intercept changes along ``direction``: (K,) float64."""
        blocks = zip(self._losses, curvature, direction, strict=True)
        parts = [loss.bent(c, d).sum(dim=0, dtype=torch.float64) for loss, c, d in blocks]
        return self._team.sum(_total(parts))

    def bent(self, curvature: Margins, direction: Margins) -> Tensor:
        """One product back: how the gradient ``(K, r)`` by W changes along ``direction``."""
        blocks = zip(self._losses, curvature, direction, strict=True)
        return self._back(loss.bent(c, d) for loss, c, d in blocks)

    def slope(self, margins: Margins, direction: Margins, t: float) -> tuple[float, float]:
        """First and second derivative of the loss along ``direction``, at t of it."""
        blocks = zip(self._losses, margins, direction, strict=True)
        parts = [loss.slope(torch.add(m, d, alpha=t), d) for loss, m, d in blocks]
        slope, bend = self._team.sum(_total(parts)).tolist()
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
        flat = self._team.sum(_total(parts)).cpu()
        size = len(others)
        return float(flat[0]), flat[1 : 1 + size], flat[1 + size :].reshape(size, size)

    def hessian(self, margins: Margins) -> Tensor:
        """The loss's second derivative by W and, after each class, its intercept."""
        parts = []
        for i, (loss, m) in enumerate(zip(self._losses, margins, strict=True)):
            Z = self._blocks.block(i)
            parts.append(loss.hessian(m, torch.cat([Z, Z.new_ones(len(Z), 1)], dim=1)))
        return self._team.sum(_total(parts))

    def add_intercept(self, margins: Margins, b: Tensor) -> None:
        """Add ``b (K,)`` to the intercept behind ``margins``, in place."""
        for loss, block in zip(self._losses, margins, strict=True):
            block.add_(loss.of_intercept(b.to(block.dtype)))

    def drifted(self, W: Tensor, b: Tensor, margins: Margins) -> float:
        """By how much tracked margins differ from true ones, at most, on a few rows."""
        worst = torch.zeros((), dtype=W.dtype, device=W.device)
        intercept, A = b.to(W.dtype), self._blocks.enter(W).T
        for i in range(0, len(margins), max(1, len(margins) // SPOT_BLOCKS)):
            Z = self._blocks.block(i)
            picked = slice(0, len(Z), max(1, len(Z) // SPOT_ROWS))
            true = self._losses[i].take(picked).margins(torch.addmm(intercept, Z[picked], A))
            worst = torch.maximum(worst, (true - margins[i][picked]).abs().max())
        return float(self._team.max(worst))


def _total(parts: Sequence[Tensor]) -> Tensor:
    """The sum of tensors of one shape."""
    return parts[0].clone() if len(parts) == 1 else torch.stack(list(parts)).sum(dim=0)
