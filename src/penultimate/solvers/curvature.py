"""A model of the curvature that is the same size for every l2 and inverted at once.

The second derivative of the objective by ``W``, in the eigenbasis, is ::

    sum_i w_i (diag p_i - p_i p_i^T)  (x)  z_i z_i^T  +  l2 I

Where p does not depend on z (strong regularisation) it is exactly the Kronecker product ::

    C  (x)  diag(spectrum)  +  l2 I,        C = sum_i w_i (diag p_i - p_i p_i^T) / sum_i w_i,

and elsewhere that is a good start for L-BFGS: C (K, K) knows which classes are still in doubt
and which are mistaken for each other. With ``C = U diag(eta) U^T`` the inverse is a division by
``eta_a spectrum_j + l2`` between two rotations of the classes.
"""

from __future__ import annotations

import torch
from torch import Tensor


class KroneckerCurvature:
    """The inverse of ``C (x) diag(spectrum) + l2 I``, for ``C (K, K)`` and ``spectrum (r,)``."""

    def __init__(self, C: Tensor, spectrum: Tensor, l2: float) -> None:
        eta, U = torch.linalg.eigh(C)
        self._U: Tensor = U
        self._denominator = torch.outer(eta.clamp_(min=0.0), spectrum) + l2

    def solve(self, G: Tensor) -> Tensor:
        """The step ``(K, r)`` that answers a gradient ``G (K, r)``."""
        return self._U.mm((self._U.T @ G) / self._denominator)


def solve_intercept(C: Tensor, g: Tensor) -> Tensor:
    """The solution of ``C x = g`` for a Laplacian ``C (K, K)`` and ``g (K,)`` that sums to zero.

    C is singular (a constant added to every class changes nothing); the answer sums to zero.
    Classes are brought to one scale first, because the curvature of a class that is nearly
    decided can be a millionth of another's.
    """
    size = C.diagonal().clamp(min=torch.finfo(C.dtype).tiny).sqrt()
    null = size / torch.linalg.vector_norm(size)
    scaled = C / torch.outer(size, size) + torch.outer(null, null)
    # The eigenvalues of a scaled Laplacian lie in [0, 2]; those at rounding level are noise.
    values, vectors = torch.linalg.eigh(scaled)
    floor = 2 * len(g) * torch.finfo(C.dtype).eps
    along = vectors.T @ (g / size)
    x: Tensor = vectors.mv(torch.where(values > floor, along / values, 0.0)).div_(size)
    return x - x.mean()
