"""Softmax cross-entropy as a function of the margins, kept exact where it is tiny.

The objective that the whole package speaks of, for features ``X (n, D)``, labels ``y (n,)``,
weights of examples ``w (n,)``, coefficients ``W (K, D)`` and intercept ``b (K,)``, is ::

    f(W, b) = sum_i w_i CE_i + (l2 / 2) ||W||_F^2,      CE_i = -log p_i[y_i],
    p_i     = softmax(W x_i + b)

a **sum** over examples, with an intercept that is not penalised: ``l2`` is ``1 / C`` of
scikit-learn.

This file knows the first term only, and knows it as a function of the margins ::

    m_ik = (W_k x_i + b_k) - (W_y x_i + b_y),   y = y_i,      so that m_iy = 0,

which are linear in (W, b), so that a step along a known direction needs no product with X. In
margins nothing is a difference of nearly equal numbers:

    CE_i              = log(1 + sum_{k != y} exp m_ik)        (not logsumexp minus a logit)
    dCE_i / dlogit_ik = p_ik                       for k != y
    dCE_i / dlogit_iy = -sum_{k != y} p_ik                    (not p - 1)
    sum_i w_i (diag p_i - p_i p_i^T) = the Laplacian of the graph with weights
                                       sum_i w_i p_ik p_il    (not p - p^2)

so a loss of 1e-12 is known to as many digits as a loss of 1, in float32 too, which is what weak
regularisation of separable data asks for.
"""

from __future__ import annotations

import torch
from torch import Tensor

from penultimate.solvers.loss import Summary


class Softmax:
    """Weighted softmax cross-entropy of labels ``y (n,)``; ``weights (n,)``, ones if None."""

    max_curvature = 0.5  # the largest eigenvalue of diag p - p p^T (Boehning 1992)
    shift_invariant = True
    caution = 1.0

    def __init__(self, y: Tensor, weights: Tensor | None) -> None:
        self._y, self._w = y, weights
        self._column = y[:, None]
        self._weights = None if weights is None else weights[:, None]
        self.weight = float(len(y) if weights is None else weights.sum(dtype=torch.float64))

    def take(self, rows: slice) -> Softmax:
        """The loss of some of the rows."""
        return Softmax(self._y[rows], None if self._w is None else self._w[rows])

    def margins(self, logits: Tensor) -> Tensor:
        """``logits (n, K)`` relative to the label's, zero there by construction; in place."""
        return logits.sub_(logits.gather(1, self._column))

    def of_intercept(self, b: Tensor) -> Tensor:
        """The margins (n, K) of a model that is only an intercept ``b (K,)``."""
        return b[None, :] - b[self._column]

    def residual(self, margins: Tensor) -> Tensor:
        """Derivative of the loss by the logits, (n, K); its rows sum to zero."""
        p, _, _ = self._probabilities(margins)
        r = self._weighted(p)
        return r.scatter_(1, self._column, -r.sum(dim=1, keepdim=True))

    def summary(self, margins: Tensor) -> Summary:
        """Value, gradient and curvature by the intercept."""
        p, label, losses = self._probabilities(margins)
        weighted = self._weighted(p)
        # The label's part of the gradient: minus the others, row by row, then class by class.
        gradient = weighted.sum(dim=0, dtype=torch.float64)
        gradient.index_add_(0, self._column[:, 0], weighted.sum(dim=1).double(), alpha=-1.0)
        p.scatter_(1, self._column, label)
        shared = (p.T @ self._weighted(p)).double()
        shared.fill_diagonal_(0.0)
        return Summary(
            self._weighted(losses).sum(dtype=torch.float64),
            gradient,
            torch.diag(shared.sum(dim=1)) - shared,
        )

    def slope(self, margins: Tensor, direction: Tensor) -> Tensor:
        """First and second derivative along ``direction (n, K)``, in margins."""
        p, _, _ = self._probabilities(margins)
        along = p.mul_(direction)
        mean = along.sum(dim=1, keepdim=True)
        variance = along.mul_(direction).sum(dim=1, keepdim=True).sub_(mean * mean)
        both = torch.cat([mean, variance.clamp_(min=0.0)], dim=1)
        return self._weighted(both).sum(dim=0, dtype=torch.float64)

    def curvature(self, margins: Tensor) -> Tensor:
        """The probabilities (n, K), the label's own included."""
        p, label, _ = self._probabilities(margins)
        return p.scatter_(1, self._column, label)

    def doubt(self, curvature: Tensor) -> Tensor:
        """The sum over classes of p (1 - p), (n,), without 1 - p of the label."""
        label = curvature.gather(1, self._column)
        p = curvature.scatter(1, self._column, 0.0)
        others = p.sum(dim=1, keepdim=True)
        return self._weighted(label * others + (p * (1 - p)).sum(dim=1, keepdim=True))[:, 0]

    def bent(self, curvature: Tensor, direction: Tensor) -> Tensor:
        """How the residual changes along ``direction (n, K)``, in margins: zero for the label."""
        mean = torch.linalg.vecdot(curvature, direction)
        return self._weighted((direction - mean[:, None]).mul_(curvature))

    def hessian(self, margins: Tensor, Z: Tensor) -> Tensor:
        """Second derivative by the coefficients of ``Z (n, r)``: (1, K r, K r)."""
        p = self.curvature(margins)
        k, r = p.shape[1], Z.shape[1]
        scaled = (p[:, :, None] * Z[:, None, :]).flatten(1)
        H = -(self._weighted(scaled).T @ scaled).double().reshape(k, r, k, r)
        for c in range(k):
            H[c, :, c] = 0.0
            # Each row of blocks sums to zero: p - p^2 without the subtraction.
            H[c, :, c] = -H[c].sum(dim=1)
        return H.reshape(1, k * r, k * r)

    def plane(self, margins: Tensor, directions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Value, gradient (m,) and curvature (m, m) over ``directions (m, n, K)``."""
        p, _, losses = self._probabilities(margins)
        weighted = self._weighted(p)
        along = directions * weighted
        # The mean is wanted without the weight, the sum with it.
        mean = (directions * p).sum(dim=2) if weighted is not p else along.sum(dim=2)
        weighted_mean = along.sum(dim=2)
        m = len(directions)
        bend = along.reshape(m, -1) @ directions.reshape(m, -1).T - weighted_mean @ mean.T
        return (
            self._weighted(losses).sum(dtype=torch.float64),
            weighted_mean.sum(dim=1, dtype=torch.float64),
            bend.double(),
        )

    def _probabilities(self, margins: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """p (n, K) with zero in the label's place, the label's p (n, 1), the losses (n, 1)."""
        top = margins.amax(dim=1, keepdim=True)  # >= 0, since the label's own margin is 0
        p = torch.exp(margins - top)
        p.scatter_(1, self._column, 0.0)
        others = p.sum(dim=1, keepdim=True)
        losses = top + torch.log1p(others + torch.expm1(-top))
        label = torch.exp(-top)
        total = others.add_(label)
        return p.div_(total), label.div_(total), losses

    def _weighted(self, rows: Tensor) -> Tensor:
        return rows if self._weights is None else rows * self._weights
