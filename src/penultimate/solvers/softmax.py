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

so a loss of 1e-12 is known to as many digits as a loss of 1, which is what weak regularisation
of separable data asks for.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class SoftmaxAt:
    """The loss and what its derivatives are made of, at one set of margins.

    ``value`` is ``sum_i w_i CE_i``; ``p (n, K)`` are the probabilities with **zero** in the
    place of the label, ``p_label (n,)`` those of the label.
    """

    value: float
    p: Tensor
    p_label: Tensor


class Softmax:
    """Weighted softmax cross-entropy of ``y (n,)`` with ``w (n,)``, both on one device."""

    def __init__(self, y: Tensor, weights: Tensor, n_classes: int) -> None:
        self.n_classes = n_classes
        self.weights = weights
        self.total = float(weights.sum(dtype=torch.float64))
        self.labels = y
        self._column = y[:, None]

    def margins(self, logits: Tensor) -> Tensor:
        """``logits (n, K)`` relative to the label's, zero there by construction; in place."""
        return logits.sub_(logits.gather(1, self._column))

    def of_intercept(self, b: Tensor) -> Tensor:
        """The margins (n, K) of a model that is only an intercept ``b (K,)``."""
        return b[None, :] - b[self._column]

    def at(self, margins: Tensor) -> SoftmaxAt:
        """Loss and probabilities at ``margins (n, K)``."""
        top = margins.amax(dim=1, keepdim=True)  # >= 0, since the label's own margin is 0
        p = torch.exp(margins - top)
        p.scatter_(1, self._column, 0.0)
        others = p.sum(dim=1, keepdim=True)
        label = torch.exp(-top)
        losses = top + torch.log1p(others + torch.expm1(-top))
        total = others + label
        value = float((losses[:, 0] * self.weights).sum(dtype=torch.float64))
        return SoftmaxAt(value, p.div_(total), (label / total)[:, 0])

    def residual(self, at: SoftmaxAt) -> Tensor:
        """Derivative of the loss by the logits, (n, K); its rows sum to zero."""
        r = at.p * self.weights[:, None]
        return r.scatter_(1, self._column, -r.sum(dim=1, keepdim=True))

    def slope(self, at: SoftmaxAt, direction: Tensor) -> float:
        """First derivative of the loss along ``direction (n, K)``, in margins."""
        along = torch.einsum("nk,nk->n", at.p, direction)
        return float((along * self.weights).sum(dtype=torch.float64))

    def slope_and_bend(self, at: SoftmaxAt, direction: Tensor) -> tuple[float, float]:
        """First and second derivative of the loss along ``direction (n, K)``, in margins."""
        weighted = at.p * direction
        mean = weighted.sum(dim=1)
        variance = torch.einsum("nk,nk->n", weighted, direction) - mean.square()
        bend = (variance.clamp_(min=0) * self.weights).sum(dtype=torch.float64)
        return float((mean * self.weights).sum(dtype=torch.float64)), float(bend)

    def drift(self, at: SoftmaxAt, direction: Tensor) -> Tensor:
        """How the residual, summed over examples, changes along ``direction``: (K,)."""
        mean = torch.einsum("nk,nk->n", at.p, direction)
        change = at.p * (direction - mean[:, None])
        change.scatter_(1, self._column, (-at.p_label * mean)[:, None])
        return torch.mv(change.T, self.weights)

    def curvature(self, at: SoftmaxAt) -> Tensor:
        """``sum_i w_i (diag p_i - p_i p_i^T)``: (K, K), the second derivative by the intercept."""
        p = at.p.scatter(1, self._column, at.p_label[:, None])
        shared = p.T @ (p * self.weights[:, None])
        shared.fill_diagonal_(0.0)
        return torch.diag(shared.sum(dim=1)) - shared
