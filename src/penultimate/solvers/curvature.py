"""A model of the curvature that is the same size for every l2 and inverted at once.

The second derivative of the objective by ``W``, in the eigenbasis, is, for softmax, ::

    sum_i w_i (diag p_i - p_i p_i^T)  (x)  z_i z_i^T  +  l2 I

Where p does not depend on z (strong regularisation) it is exactly the Kronecker product ::

    C  (x)  diag(spectrum)  +  l2 I,        C = sum_i w_i (diag p_i - p_i p_i^T) / sum_i w_i,

and elsewhere that is a good first guess: C (K, K) knows which classes are still in doubt
and which are mistaken for each other. With ``C = U diag(eta) U^T`` the inverse is a division by
``eta_a spectrum_j + l2`` between two rotations of the classes. For independent losses C is
diagonal and all else the same.
"""

from __future__ import annotations

import torch
from torch import Tensor


class KroneckerCurvature:
    """The inverse of ``C (x) diag(spectrum) + l2 I``, for ``C (K, K)`` and ``spectrum (r,)``."""

    def __init__(self, C: Tensor, spectrum: Tensor, l2: float) -> None:
        eta, U = torch.linalg.eigh(C)
        self._U: Tensor = U.to(spectrum.dtype)
        scales = eta.clamp_(min=0.0).to(spectrum.dtype)
        self._denominator = torch.outer(scales, spectrum).add_(l2)

    def solve(self, G: Tensor) -> Tensor:
        """The step ``(K, r)`` that answers a gradient ``G (K, r)``."""
        return self._U.mm((self._U.T @ G).div_(self._denominator))


class ExactCurvature:
    """The inverse of the second derivative itself, for problems so small that it can be had.

    With few coefficients, and few examples that still matter, there are directions that only the
    penalty bends; no Kronecker product knows them, and a Newton decrement that does not know
    them is many times too small. ``H`` is that of the loss, by the coefficients and, after those
    of each class, the intercept: (1, K (r + 1), K (r + 1)), or (K, r + 1, r + 1) where classes
    are independent.
    """

    def __init__(self, H: Tensor, l2: float, *, n_outputs: int, shift_invariant: bool) -> None:
        self._k = n_outputs
        r = H.shape[0] * H.shape[1] // n_outputs - 1
        is_intercept = torch.arange(H.shape[1], device=H.device) % (r + 1) == r
        H = H + torch.diag(l2 * (~is_intercept).to(H.dtype))
        if shift_invariant:
            constant = is_intercept.to(H.dtype)
            H += (H.diagonal(dim1=1, dim2=2) @ constant / n_outputs) * torch.outer(
                constant, constant
            )
        diagonal = H.diagonal(dim1=1, dim2=2)
        self._size = diagonal.clamp(min=torch.finfo(H.dtype).tiny).sqrt()
        # An intercept that nothing bends (no example inside the margin) is left alone.
        idle = (diagonal <= 0) & is_intercept
        scaled = H / (self._size[:, :, None] * self._size[:, None, :])
        self._factor, failed = torch.linalg.cholesky_ex(scaled + torch.diag_embed(idle.to(H.dtype)))
        self.usable = not bool(failed.any())

    def solve(self, G: Tensor) -> Tensor:
        """The step ``(K, r)`` that answers a gradient ``G (K, r)``, the intercept following."""
        g = torch.cat([G.double(), G.new_zeros(self._k, 1, dtype=torch.float64)], dim=1)
        scaled = (g.reshape(self._size.shape) / self._size)[:, :, None]
        x = torch.cholesky_solve(scaled, self._factor)[:, :, 0] / self._size
        return x.reshape(self._k, -1)[:, :-1].to(G.dtype)


def solve_intercept(C: Tensor, g: Tensor, *, shift_invariant: bool) -> Tensor:
    """The solution of ``C x = g`` for a curvature ``C (K, K)`` by the intercept.

    Classes are brought to one scale first, because the curvature of a class that is nearly
    decided can be a millionth of another's. Where a shift of all classes changes nothing
    (``shift_invariant``), C is singular along it, and the answer sums to zero.
    """
    size = C.diagonal().clamp(min=torch.finfo(C.dtype).tiny).sqrt()
    scaled = C / torch.outer(size, size)
    if shift_invariant:
        null = size / torch.linalg.vector_norm(size)
        scaled += torch.outer(null, null)
    target = g / size
    factor, failed = torch.linalg.cholesky_ex(scaled)
    if int(failed) == 0:
        x = torch.cholesky_solve(target[:, None], factor)[:, 0]
    else:
        # The eigenvalues of a scaled curvature are of order 1; those at rounding level are noise.
        values, vectors = torch.linalg.eigh(scaled)
        floor = 2 * len(g) * torch.finfo(C.dtype).eps
        x = vectors @ torch.where(values > floor, (vectors.T @ target) / values, 0.0)
    x = x / size
    return x - x.mean() if shift_invariant else x
