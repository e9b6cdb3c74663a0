"""Losses of each class by itself: logistic (several labels at once) and squared hinge (SVM).

For labels ``s_ik = +-1`` and weights ``v_ik`` (that of the example, or 0 for a pair of example and
class that does not count) the objective is ::

    f(W, b) = sum_ik v_ik phi(m_ik) + (l2 / 2) ||W||_F^2,      m_ik = s_ik (W_k x_i + b_k)

    logistic        phi(m) = log(1 + exp(-m))
    squared hinge   phi(m) = max(0, 1 - m)^2

so that ``l2`` is ``1 / C`` of scikit-learn's LogisticRegression and LinearSVC (which, other than
here, penalises the intercept as well). All classes are solved in one batch, and the tolerance is
on their sum.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from penultimate.solvers.loss import Summary

Pieces = Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]
"""phi and its first and second derivative, of margins."""


def logistic(m: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """``log(1 + exp(-m))``, exact where it is tiny."""
    small = torch.exp(-m.abs())
    wrong = torch.where(m > 0, small, 1.0) / (1 + small)  # the probability of the other label
    return torch.log1p(small) + (-m).clamp(min=0.0), -wrong, small / (1 + small).square()


def squared_hinge(m: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """``max(0, 1 - m)^2``."""
    lack = (1 - m).clamp(min=0.0)
    return lack.square(), -2 * lack, 2 * (lack > 0).to(m.dtype)


CURVATURE: dict[Pieces, float] = {logistic: 0.25, squared_hinge: 2.0}
# An example that comes back inside the margin bends the squared hinge where it was straight.
CAUTION: dict[Pieces, float] = {logistic: 1.0, squared_hinge: 5.0}


class Independent:
    """The sum of ``phi`` over classes, for ``signs (n, K)`` and weights ``(n, K)`` or None."""

    shift_invariant = False

    def __init__(self, phi: Pieces, signs: Tensor, weights: Tensor | None) -> None:
        self._phi, self._signs, self._weights = phi, signs, weights
        self.max_curvature = CURVATURE[phi]
        self.caution = CAUTION[phi]
        n, k = signs.shape
        self.weight = float(n if weights is None else weights.sum(dtype=torch.float64) / k)

    def take(self, rows: slice) -> Independent:
        """The loss of some of the rows."""
        weights = None if self._weights is None else self._weights[rows]
        return Independent(self._phi, self._signs[rows], weights)

    def margins(self, logits: Tensor) -> Tensor:
        """``logits (n, K)`` with the sign of the label; in place."""
        return logits.mul_(self._signs)

    def of_intercept(self, b: Tensor) -> Tensor:
        """What an intercept ``b (K,)`` adds to the margins."""
        return b * self._signs

    def residual(self, margins: Tensor) -> Tensor:
        """Derivative of the loss by the logits, (n, K)."""
        _, first, _ = self._phi(margins)
        return self._weighted(first).mul_(self._signs)

    def summary(self, margins: Tensor) -> Summary:
        """Value, gradient and (diagonal) curvature by the intercept."""
        value, first, second = self._phi(margins)
        return Summary(
            self._weighted(value).sum(dtype=torch.float64),
            self._weighted(first).mul_(self._signs).sum(dim=0, dtype=torch.float64),
            torch.diag(self._weighted(second).sum(dim=0, dtype=torch.float64)),
        )

    def slope(self, margins: Tensor, direction: Tensor) -> Tensor:
        """First and second derivative along ``direction (n, K)``, in margins."""
        _, first, second = self._phi(margins)
        along = self._weighted(first).mul_(direction).sum(dtype=torch.float64)
        bend = self._weighted(second).mul_(direction).mul_(direction).sum(dtype=torch.float64)
        return torch.stack([along, bend])

    def curvature(self, margins: Tensor) -> Tensor:
        """The second derivative, signed as residuals are by margins, (n, K)."""
        _, _, second = self._phi(margins)
        return self._weighted(second) * self._signs

    def doubt(self, curvature: Tensor) -> Tensor:
        """The second derivatives summed over classes, (n,)."""
        return (curvature * self._signs).sum(dim=1)

    def bent(self, curvature: Tensor, direction: Tensor) -> Tensor:
        """How the residual changes along ``direction (n, K)``, in margins."""
        return curvature * direction

    def hessian(self, margins: Tensor, Z: Tensor) -> Tensor:
        """Second derivative by the coefficients of ``Z (n, r)``: (K, r, r), block by block."""
        _, _, second = self._phi(margins)
        weighted = self._weighted(second)
        return torch.stack([Z.T @ (Z * v[:, None]) for v in weighted.T]).double()

    def plane(self, margins: Tensor, directions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Value, gradient (m,) and curvature (m, m) over ``directions (m, n, K)``."""
        value, first, second = self._phi(margins)
        flat = directions.flatten(1)
        bend = (directions * self._weighted(second)).flatten(1) @ flat.T
        return (
            self._weighted(value).sum(dtype=torch.float64),
            (flat @ self._weighted(first).flatten()).double(),
            bend.double(),
        )

    def _weighted(self, rows: Tensor) -> Tensor:
        return rows if self._weights is None else rows * self._weights
