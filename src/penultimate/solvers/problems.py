"""Problems whose features lie in memory, set up in the precision that they need."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from penultimate.solvers.loss import Loss
from penultimate.solvers.reduction import Reduced, reduce
from penultimate.solvers.rows import BLOCK_BYTES, Rows, hessian_is_cheap
from penultimate.solvers.team import Team

FLOAT32_TOLERANCE = 1e-6  # below it, float32 is not tried
FLOAT32_SPREAD = 1e5  # columns farther apart in size than this are not mixed in float32
HISTORY = 4  # solutions behind the last one that the next start is sought among

MakeLoss = Callable[[slice, torch.dtype], Loss]
"""The loss of a slice of the rows, in a precision."""


class InMemory:
    """Features ``X (n, D)`` and a loss; ``weights (n,)`` are for the decomposition only."""

    history = HISTORY

    def __init__(
        self,
        X: Tensor,
        n_outputs: int,
        make_loss: MakeLoss,
        weights: Tensor | None,
        *,
        tolerance: float,
        team: Team,
        rotated: bool = False,
    ) -> None:
        self._rotated = rotated
        self._X, self._make_loss, self._weights, self._team = X, make_loss, weights, team
        self.n_outputs = n_outputs
        coupled = make_loss(slice(0, 1), X.dtype).shift_invariant
        n = int(team.sum(torch.tensor(len(X), device=X.device)))
        small = hessian_is_cheap(n, n_outputs, min(n, X.shape[1]), independent=not coupled)
        # Columns of rotated features differ in size by their nature.
        exact = small or needs_float64(X[:, :1] if rotated else X, tolerance)
        wanted = torch.tensor(float(exact), device=X.device)
        self.dtype = torch.float64 if float(team.max(wanted)) > 0 else torch.float32

    def build(self, dtype: torch.dtype) -> tuple[Reduced, Rows]:
        """The reduced features and the rows, in ``dtype``."""
        X = self._X.to(dtype)
        weights = None if self._weights is None else self._weights.to(dtype)
        sizes = block_sizes(X, self.n_outputs)
        losses, begin = [], 0
        for size in sizes:
            losses.append(self._make_loss(slice(begin, begin + size), dtype))
            begin += size
        reduced = reduce(X, weights, sizes, self._team, rotated=self._rotated)
        return reduced, Rows(reduced, losses, self.n_outputs, self._team)


def needs_float64(X: Tensor, tolerance: float) -> bool:
    """Whether float32 would lose digits that the features have or the tolerance asks for."""
    if X.dtype is torch.float64 or tolerance < FLOAT32_TOLERANCE:
        return True
    spread = X.amax(dim=0) - X.amin(dim=0)
    varying = spread[spread > 0]
    return len(varying) > 0 and float(varying.max()) > FLOAT32_SPREAD * float(varying.min())


def block_sizes(X: Tensor, n_outputs: int) -> list[int]:
    """Blocks of rows whose margins stay in a processor's cache; one block on a GPU."""
    n = len(X)
    rows = n if X.is_cuda else max(256, BLOCK_BYTES // (n_outputs * X.element_size()))
    return [min(rows, n - begin) for begin in range(0, n, rows)]
