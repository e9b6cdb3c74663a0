"""The objectives in float64 by the textbook, to measure every solver by; none of ours is used."""

from __future__ import annotations

import numpy as np


class SoftmaxObjective:
    """``sum_i CE_i + (l2 / 2) ||W||^2`` of parameters ``(W, b)`` laid flat: value and gradient.

    Small losses are exact: log(1 + the others), and no probability is subtracted from one.
    """

    def __init__(self, X: np.ndarray, y: np.ndarray, k: int, l2: float) -> None:
        self.X, self.y, self.k, self.l2 = X.astype(np.float64), y, k, l2
        self.rows = np.arange(len(y))

    def __call__(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """The value and the gradient."""
        W, b = self.parts(theta)
        p, _, losses = self.probabilities(W, b)
        p[self.rows, self.y] = -p.sum(axis=1)
        gradient = np.concatenate([(p.T @ self.X + self.l2 * W).ravel(), p.sum(axis=0)])
        return losses.sum() + self.l2 / 2 * float((W**2).sum()), gradient

    def parts(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """``W (K, D)`` and ``b (K,)``."""
        return theta[: -self.k].reshape(self.k, -1), theta[-self.k :]

    def probabilities(
        self, W: np.ndarray, b: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """p (n, K) with 0 in the label's place, the label's own p (n,), the losses (n,)."""
        margins = self.X @ W.T + b
        margins -= margins[self.rows, self.y][:, None]
        margins[self.rows, self.y] = -np.inf
        top = np.maximum(margins.max(axis=1), 0)
        p = np.exp(margins - top[:, None])
        others, label = p.sum(axis=1), np.exp(-top)
        total = others + label
        p /= total[:, None]
        return p, label / total, top + np.log1p(others + np.expm1(-top))


def squared_hinge(X: np.ndarray, y: np.ndarray, coef: np.ndarray, intercept: np.ndarray) -> float:
    """The sum over examples and classes, one against the rest, of the squared hinge."""
    signs = np.where(y[:, None] == np.arange(len(coef)), 1.0, -1.0)
    scores = X.astype(np.float64) @ coef.T + intercept
    return float((np.maximum(0, 1 - signs * scores) ** 2).sum())
