"""Problems whose features lie in memory, set up in the precision that they need."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from penultimate.solvers.loss import Loss
from penultimate.solvers.reduction import Reduced, reduce
from penultimate.solvers.rows import BLOCK_BYTES, Rows, alone, hessian_is_cheap

FLOAT32_TOLERANCE = 1e-6  # below it, float32 is not tried
FLOAT32_SPREAD = 1e5  # columns farther apart in size than this are not mixed in float32

MakeLoss = Callable[[slice, torch.dtype], Loss]
"""The loss of a slice of the rows, in a precision."""


class InMemory:
    """Features ``X (n, D)`` and a loss; ``weights (n,)`` are for the decomposition only."""

    def __init__(
        self,
        X: Tensor,
        n_outputs: int,
        make_loss: MakeLoss,
        weights: Tensor | None,
        tolerance: float,
    ) -> None:
        self._X, self._make_loss, self._weights = X, make_loss, weights
        self.n_outputs = n_outputs
        coupled = make_loss(slice(0, 1), X.dtype).shift_invariant
        small = hessian_is_cheap(len(X), n_outputs, min(X.shape), independent=not coupled)
        self.dtype = torch.float64 if small else working_precision(X, tolerance)

    def build(self, dtype: torch.dtype) -> tuple[Reduced, Rows]:
        """The reduced features and the rows, in ``dtype``."""
        weights = None if self._weights is None else self._weights.to(dtype)
        reduced = reduce(self._X.to(dtype), weights)
        sizes = block_sizes(reduced.Z, self.n_outputs)
        losses, begin = [], 0
        for size in sizes:
            losses.append(self._make_loss(slice(begin, begin + size), dtype))
            begin += size
        return reduced, Rows(reduced, losses, sizes, self.n_outputs, alone)


def working_precision(X: Tensor, tolerance: float) -> torch.dtype:
    """Float32 where the features have no more and it can reach the tolerance."""
    if X.dtype is torch.float64 or tolerance < FLOAT32_TOLERANCE:
        return torch.float64
    spread = X.amax(dim=0) - X.amin(dim=0)
    varying = spread[spread > 0]
    if len(varying) and float(varying.max()) > FLOAT32_SPREAD * float(varying.min()):
        return torch.float64
    return torch.float32


def block_sizes(Z: Tensor, n_outputs: int) -> list[int]:
    """Blocks of rows whose margins stay in a processor's cache; one block on a GPU."""
    n = len(Z)
    rows = n if Z.is_cuda else max(256, BLOCK_BYTES // (n_outputs * Z.element_size()))
    return [min(rows, n - begin) for begin in range(0, n, rows)]
