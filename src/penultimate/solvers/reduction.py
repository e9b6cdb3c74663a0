"""One decomposition of the features that serves every value of l2.

Let ``mu`` be the weighted mean of the features, ``s`` a power of two (scaling by it is exact)
and ``V`` the eigenvectors of the weighted, centred Gram matrix ::

    Z = (X - mu) / s @ V,      V^T (X - mu)^T diag(w) (X - mu) V / s^2 = diag(spectrum)

The objective is invariant to a rotation of the features and, the intercept being free, to a
shift, so the problem in Z with ``l2 / s^2`` is the same problem, and its solution is carried
back by ``W_x = W_z V^T / s``, ``b_x = b_z - W_x mu``. In Z the curvature of the data is nearly
diagonal, for all l2 at once.

With fewer examples than features the solution lies in the span of the centred examples. A QR
decomposition of their transpose gives an orthonormal basis of that span and the coordinates in
it, exactly, and the rest works on n coordinates in place of D. No direction is ever dropped for
having a small eigenvalue: at weak regularisation small directions carry the fit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from penultimate.solvers.eigenbasis import eigenbasis
from penultimate.solvers.team import Team

OUTLIER = 0.5  # of a column's sum of squares: an example that has more of it
FEW = 20  # examples, among which one is easily half of a column


class Blocks(Protocol):
    """The features in blocks of rows, in coordinates that may still have to be rotated."""

    @property
    def sizes(self) -> Sequence[int]:
        """How many rows each block has."""

    def block(self, i: int) -> Tensor:
        """Block i: (sizes[i], d)."""

    def enter(self, W: Tensor) -> Tensor:
        """Coefficients ``(K, r)`` of Z as coefficients ``(K, d)`` of the blocks."""

    def leave(self, G: Tensor) -> Tensor:
        """A gradient ``(K, d)`` by coefficients of the blocks as one ``(K, r)`` by those of Z."""


class Resident:
    """Z itself, in memory."""

    def __init__(self, Z: Tensor, sizes: Sequence[int]) -> None:
        self.sizes = sizes
        self._blocks = torch.split(Z, list(sizes))

    def block(self, i: int) -> Tensor:
        """Block i of Z."""
        return self._blocks[i]

    def enter(self, W: Tensor) -> Tensor:
        """``W`` itself."""
        return W

    def leave(self, G: Tensor) -> Tensor:
        """``G`` itself."""
        return G


@dataclass(frozen=True)
class Reduced:
    """The features as the solver sees them, and the way back.

    ``blocks`` give Z ``(n, r)``, r = min(n, D); ``spectrum (r,)`` is the weighted sum of squares
    of each column of Z; ``basis (D, r)``, ``mean (D,)`` (float64) and ``scale`` as in the
    formulas above; no basis where the features came in it.
    """

    blocks: Blocks
    spectrum: Tensor
    basis: Tensor | None
    mean: Tensor
    scale: float
    concentrated: bool = False
    """Whether some column is mostly one example, an outlier; not looked for on disk."""

    def l2(self, l2: float) -> float:
        """The penalty in Z that equals ``l2`` in X."""
        return l2 / self.scale**2

    def gradient_norm(self, norm: float) -> float:
        """The norm of the gradient by ``W_x``, given that by ``W_z``."""
        return norm * self.scale

    def restore(self, W: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """Float64 coefficients ``(..., D)`` and intercept ``(...)`` for X, from those for Z."""
        coef = (W if self.basis is None else W @ self.basis.T).double() / self.scale
        return coef, b.double() - coef @ self.mean

    def enter(self, coef: Tensor, intercept: Tensor) -> tuple[Tensor, Tensor]:
        """The way there: ``coef (K, D)`` and ``intercept (K,)`` of X as W and b of Z."""
        W = coef.to(self.spectrum.device, self.spectrum.dtype)
        b = intercept.to(self.mean.device) + coef.to(self.mean) @ self.mean
        return self.scale * (W if self.basis is None else W @ self.basis), b


def reduce(
    X: Tensor,
    weights: Tensor | None,
    sizes: Sequence[int],
    team: Team,
    *,
    rotated: bool = False,
) -> Reduced:
    """Centre, scale and rotate ``X (n, D)``; ``weights (n,)`` are positive, ones if None.

    ``rotated`` features are left as they lie: rows of a `Decomposition`.
    """
    if weights is None:
        total, parts = X.new_tensor(len(X), dtype=torch.float64), X.sum(dim=0, dtype=torch.float64)
    else:
        total = weights.sum(dtype=torch.float64)
        parts = (weights @ X).double()
    mean = mean_of(team.sum(parts), team.sum(total), -team.max(-X.amin(dim=0)), team.max(X.amax(0)))
    centred = X - mean.to(X.dtype)
    scale = power_of_two(float(team.max(centred.abs().max())))
    centred /= scale
    if rotated:
        return _reduced(centred, weights, sizes, team, None, mean, scale)
    n, d = centred.shape
    narrow = n < d and team.alone
    if narrow:
        span, triangle = torch.linalg.qr(centred.T)
        centred = triangle.T
    weighted = centred if weights is None else centred * weights[:, None]
    rotation = eigenbasis(team.sum(centred.T @ weighted))
    del weighted
    Z = (centred @ rotation).contiguous()
    basis = span @ rotation if narrow else rotation
    return _reduced(Z, weights, sizes, team, basis, mean, scale)


def _reduced(
    Z: Tensor,
    weights: Tensor | None,
    sizes: Sequence[int],
    team: Team,
    basis: Tensor | None,
    mean: Tensor,
    scale: float,
) -> Reduced:
    """With the sums of squares of the columns themselves.

    Eigenvalues of a Gram matrix are known only to eps times the largest one.
    """
    squares = Z.square()
    if weights is not None:
        squares *= weights[:, None]
    spectrum = team.sum(squares.sum(dim=0))
    # Columns at rounding level are noise, whatever its shape.
    visible = spectrum > torch.finfo(Z.dtype).eps * spectrum.max()
    largest = team.max(squares.amax(dim=0))
    concentrated = bool(((largest > OUTLIER * spectrum) & visible).any()) and len(Z) > FEW
    return Reduced(Resident(Z, sizes), spectrum, basis, mean, scale, concentrated)


def mean_of(total: Tensor, weight: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """The mean of rows, (D,) float64, from their weighted sum and their range.

    The mean of a constant is that constant, and not its neighbour: else the rounding error would
    be the only thing that varies, and be taken for a feature.
    """
    return torch.where(low == high, low.double(), total / weight)


def power_of_two(size: float) -> float:
    """The smallest power of two not below ``size``; 1 for features that are all constant."""
    return 2.0 ** math.ceil(math.log2(size)) if size > 0 else 1.0
