"""The float64 minimum at the protocol's 45 values of l2 on the digits' features.

    python tests/solvers/reference/digits_features.py DIR
    python tests/solvers/reference/make_digits_reference.py \
        DIR/features.npy DIR/labels.npy tests/solvers/reference/digits.json

Independent of the package: NumPy and SciPy only. Each value is solved by SciPy's L-BFGS-B, on
the objective as it stands in the features as they are, until strong convexity certifies
the objective to within 1e-6 (relative) of the minimum or SciPy can do no more; the certified
distance is kept beside the number. The intercept is eliminated by Newton's method before the
certificate is taken, which makes the function of W strongly convex with constant l2.

The split is 60/20/20 by a permutation with seed 0. The chosen value is that of the best
validation accuracy, the largest among equals; the test predictions are of the model fitted anew
at that value to training and validation examples.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.special import softmax

GRID = np.logspace(-6, 5, 45)
GOAL = 1e-6


def split(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row numbers of train, validation and test."""
    order = np.random.default_rng(0).permutation(n)
    a, b = round(0.6 * n), round(0.8 * n)
    return order[:a], order[a:b], order[b:]


class Objective:
    """``sum_i CE_i + (l2 / 2) ||W||^2`` of the flat parameters (W, b), in float64."""

    def __init__(self, X: np.ndarray, y: np.ndarray, K: int, l2: float) -> None:
        self.X, self.y, self.K, self.l2 = X, y, K, l2
        self.rows = np.arange(len(y))

    def __call__(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        W, b = self.unpack(theta)
        logits = self.X @ W.T + b
        margins = logits - logits[self.rows, self.y][:, None]
        # log(1 + sum over the others) stays exact where the loss is tiny.
        margins[self.rows, self.y] = -np.inf
        top = np.maximum(margins.max(axis=1), 0)
        others = np.exp(margins - top[:, None])
        label = np.exp(-top)
        losses = top + np.log1p(others.sum(axis=1) + np.expm1(-top))
        r = others / (others.sum(axis=1) + label)[:, None]
        r[self.rows, self.y] = -r.sum(axis=1)
        value = losses.sum() + self.l2 / 2 * (W**2).sum()
        return value, np.concatenate([(r.T @ self.X + self.l2 * W).ravel(), r.sum(axis=0)])

    def unpack(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """W (K, D) and b (K,)."""
        return theta[: -self.K].reshape(self.K, -1), theta[-self.K :]

    def with_best_intercept(self, theta: np.ndarray) -> np.ndarray:
        """The parameters with b at its minimum: Newton's method, damped by halving."""
        theta = theta.copy()
        W, _ = self.unpack(theta)
        for _ in range(50):
            value, gradient = self(theta)
            g = gradient[-self.K :]
            p = softmax(self.X @ W.T + theta[-self.K :], axis=1)
            step = np.linalg.lstsq(np.diag(p.sum(0)) - p.T @ p, g, rcond=1e-13)[0]
            for halving in range(30):
                trial = theta.copy()
                trial[-self.K :] -= step / 2**halving
                if self(trial)[0] < value:
                    theta = trial
                    break
            else:
                return theta
        return theta


def solve(X: np.ndarray, y: np.ndarray, K: int, l2: float, theta: np.ndarray) -> tuple:
    """Parameters, objective and certified relative distance, started from ``theta``."""
    objective = Objective(X, y, K, l2)
    certified = np.inf
    for _ in range(20):
        result = minimize(
            objective,
            theta,
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": 20_000, "maxfun": 40_000, "ftol": 0, "gtol": 0, "maxcor": 100},
        )
        theta = objective.with_best_intercept(result.x)
        value, gradient = objective(theta)
        before, certified = certified, (gradient[:-K] ** 2).sum() / (2 * l2) / value
        if certified <= GOAL or certified > 0.5 * before:
            break
    return theta, value, certified


def main() -> None:
    """Solve and write."""
    features, labels, out = (Path(a) for a in sys.argv[1:])
    X, y = np.load(features).astype(np.float64), np.load(labels)
    K = int(y.max()) + 1
    train, val, test = split(len(y))
    theta = np.zeros(K * X.shape[1] + K)
    points = []
    for l2 in GRID[::-1]:
        theta, value, certified = solve(X[train], y[train], K, l2, theta)
        W, b = Objective(X[train], y[train], K, l2).unpack(theta)
        right = int(((X[val] @ W.T + b).argmax(axis=1) == y[val]).sum())
        points.append({"l2": l2, "objective": value, "certified": certified, "val_right": right})
        print(points[-1], file=sys.stderr, flush=True)
    best = max(points, key=lambda p: (p["val_right"], p["l2"]))
    both = np.concatenate([train, val])
    theta, value, certified = solve(X[both], y[both], K, best["l2"], np.zeros_like(theta))
    W, b = Objective(X[both], y[both], K, best["l2"]).unpack(theta)
    out.write_text(
        json.dumps(
            {
                "made_by": "tests/solvers/reference/make_digits_reference.py",
                "features_mean_square": float((X**2).mean()),
                "points": points[::-1],
                "chosen": {"l2": best["l2"], "objective": value, "certified": certified},
                "test_predictions": (X[test] @ W.T + b).argmax(axis=1).tolist(),
            },
            indent=1,
        )
        + "\n"
    )


if __name__ == "__main__":
    main()
