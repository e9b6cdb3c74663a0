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
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Reduced:
    """The features as the solver sees them, and the way back.

    ``Z (n, r)`` with r = min(n, D); ``spectrum (r,)`` is the weighted sum of squares of each
    column of Z; ``basis (D, r)``, ``mean (D,)`` (float64) and ``scale`` as in the formulas above.
    """

    Z: Tensor
    spectrum: Tensor
    basis: Tensor
    mean: Tensor
    scale: float

    def l2(self, l2: float) -> float:
        """The penalty in Z that equals ``l2`` in X."""
        return l2 / self.scale**2

    def gradient_norm(self, norm: float) -> float:
        """The norm of the gradient by ``W_x``, given that by ``W_z``."""
        return norm * self.scale

    def restore(self, W: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """Float64 coefficients ``(..., D)`` and intercept ``(...)`` for X, from those for Z."""
        coef = (W @ self.basis.T).double() / self.scale
        return coef, b.double() - coef @ self.mean


def reduce(X: Tensor, weights: Tensor | None) -> Reduced:
    """Centre, scale and rotate ``X (n, D)``; ``weights (n,)`` are positive, ones if None."""
    mean = weighted_mean(X, weights)
    centred = X - mean.to(X.dtype)
    scale = power_of_two(float(centred.abs().max()))
    centred /= scale
    n, d = centred.shape
    if n < d:
        span, triangle = torch.linalg.qr(centred.T)
        centred = triangle.T
    weighted = centred if weights is None else centred * weights[:, None]
    rotation = torch.linalg.eigh(centred.T @ weighted).eigenvectors.flip(1)
    del weighted
    Z = centred @ rotation
    # The sums of squares of the columns themselves, since eigenvalues of a Gram matrix are
    # known only to eps times the largest one.
    squares = Z.square()
    spectrum = squares.sum(dim=0) if weights is None else weights @ squares
    basis = span @ rotation if n < d else rotation
    return Reduced(Z.contiguous(), spectrum, basis, mean, scale)


def weighted_mean(X: Tensor, weights: Tensor | None) -> Tensor:
    """The mean of the rows, (D,) float64."""
    low, high = X.amin(dim=0), X.amax(dim=0)
    if weights is None:
        mean = X.mean(dim=0, dtype=torch.float64)
    else:
        mean = ((weights / weights.sum()).to(X.dtype) @ X).double()
    # The mean of a constant is that constant, and not its neighbour: else the rounding error
    # would be the only thing that varies, and be taken for a feature.
    return torch.where(low == high, low.double(), mean)


def power_of_two(size: float) -> float:
    """The smallest power of two not below ``size``; 1 for features that are all constant."""
    return 2.0 ** math.ceil(math.log2(size)) if size > 0 else 1.0
