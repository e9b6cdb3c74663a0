"""Small seeded problems, and an independent solution of them, shared by the solver's tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp

Floats = NDArray[np.float64]


def blobs(
    n: int, d: int, k: int, *, spread: float = 1.0, noise: float = 0.1, seed: int = 0
) -> tuple[Floats, NDArray[np.int64]]:
    """Class means ``spread`` apart plus noise, each class present, some labels changed."""
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(k), rng.integers(0, k, n - k)])
    X = spread * rng.normal(size=(k, d))[y] + rng.normal(size=(n, d)) + rng.normal(size=d)
    changed = rng.random(n) < noise
    changed[:k] = False
    return X, np.where(changed, rng.integers(0, k, n), y)


def softmax_objective(
    W: Floats, b: Floats, X: Floats, y: NDArray[np.int64], *, l2: float, w: Floats | None = None
) -> float:
    """The objective, as a textbook writes it."""
    logits = X @ W.T + b
    losses = logsumexp(logits, axis=1) - logits[np.arange(len(y)), y]
    return float((losses if w is None else w * losses).sum() + l2 / 2 * (W**2).sum())


def softmax_minimum(
    X: Floats, y: NDArray[np.int64], k: int, l2: float, w: Floats | None = None
) -> float:
    """The least value of the objective, by SciPy's Newton-CG run to the end in float64."""
    n, d = X.shape
    w = np.ones(n) if w is None else w
    rows = np.arange(n)

    def probabilities(theta: Floats) -> Floats:
        logits = X @ theta[:-k].reshape(k, d).T + theta[-k:]
        return np.exp(logits - logsumexp(logits, axis=1, keepdims=True))

    def value(theta: Floats) -> float:
        return softmax_objective(theta[:-k].reshape(k, d), theta[-k:], X, y, l2=l2, w=w)

    def gradient(theta: Floats) -> Floats:
        r = probabilities(theta)
        r[rows, y] -= 1
        r *= w[:, None]
        return np.concatenate([(r.T @ X + l2 * theta[:-k].reshape(k, d)).ravel(), r.sum(0)])

    def hessian_times(theta: Floats, v: Floats) -> Floats:
        p = probabilities(theta)
        u = X @ v[:-k].reshape(k, d).T + v[-k:]
        r = p * (u - (p * u).sum(1, keepdims=True)) * w[:, None]
        return np.concatenate([(r.T @ X + l2 * v[:-k].reshape(k, d)).ravel(), r.sum(0)])

    result = minimize(
        value,
        np.zeros(k * d + k),
        jac=gradient,
        hessp=hessian_times,
        method="trust-ncg",
        options={"gtol": 1e-9 * n, "maxiter": 2000},
    )
    return float(result.fun)
