"""Float64 minima of the solver's problems, each certified; run to the end, once.

    python benchmarks/solver_reference.py features           minutes
    python benchmarks/solver_reference.py synthetic          an hour or so on two cores

An inexact Newton method: SciPy's conjugate gradients solve each Newton system with products of
the true Hessian, and a line search follows. Nothing of the package takes part. The minimum over W
and b with the intercept at its own minimum is strongly convex with constant l2, so that a point
whose gradient by W is g, and by b nought, lies at most ``||g||^2 / (2 l2)`` above it: that is
the figure ``within``, relative, and it is driven below 1e-6 (or as far as float64 goes).

Kept for each of the 45 values of l2: the objective, that bound, the accuracy on validation.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from scipy.sparse.linalg import LinearOperator, cg

from penultimate.io import write_json
from solver_cases import GRID, problem
from solver_objective import SoftmaxObjective

REFERENCES = Path(__file__).parent / "results" / "solver-references"
CERTIFIED = 1e-6
ENOUGH = 1e-9  # the estimate at which to stop where the bound cannot get there


def newton(fun: SoftmaxObjective, theta: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """Minimise from ``theta``; ``squares (D,)`` are the sums of squares of the columns of X."""
    l2 = fun.l2
    value, gradient = fun(theta)
    for step_number in range(60):
        W, b = fun.parts(theta)
        p, label, _ = fun.probabilities(W, b)
        full = p.copy()
        full[fun.rows, fun.y] = label

        def product(
            flat: np.ndarray, full: np.ndarray = full, label: np.ndarray = label
        ) -> np.ndarray:
            V, v = fun.parts(flat)
            along = fun.X @ V.T + v
            along -= along[fun.rows, fun.y][:, None]  # relative to the label, as the losses are
            mean = (full * along).sum(axis=1)
            u = full * (along - mean[:, None])
            u[fun.rows, fun.y] = -label * mean
            return np.concatenate([(u.T @ fun.X + l2 * V).ravel(), u.sum(axis=0)])

        # Classes differ in how much they are in doubt, columns in size: a diagonal first guess.
        doubt = (full * (1 - full)).sum(axis=0) / len(fun.y)
        doubt = np.maximum(doubt, 1e-300)
        diagonal = np.concatenate(
            [(doubt[:, None] * squares + l2).ravel(), np.maximum(doubt * len(fun.y), 1e-12)]
        )
        n = len(theta)
        hessian = LinearOperator((n, n), matvec=product, dtype=np.float64)
        guess = LinearOperator((n, n), matvec=lambda g, d=diagonal: g / d, dtype=np.float64)
        accuracy = min(0.1, max(1e-8, 0.1**step_number))
        step, _ = cg(hessian, -gradient, rtol=accuracy, maxiter=2000, M=guess)
        promised = -float(gradient @ step) / 2
        size = 1.0
        while size > 1e-6:
            trial_value, trial_gradient = fun(theta + size * step)
            if trial_value <= value - 1e-4 * size * promised:
                break
            size /= 2
        else:
            return theta  # rounding
        theta, value, gradient = theta + size * step, trial_value, trial_gradient
        if bound(fun, gradient) <= CERTIFIED * value or promised <= ENOUGH * CERTIFIED * value:
            return theta
    return theta


def settled(fun: SoftmaxObjective, theta: np.ndarray) -> np.ndarray:
    """The same with the intercept at its minimum, which the bound takes for granted."""
    W, b = fun.parts(theta.copy())
    for _ in range(50):
        p, label, _ = fun.probabilities(W, b)
        full = p.copy()
        full[fun.rows, fun.y] = label
        p[fun.rows, fun.y] = -p.sum(axis=1)
        gradient = p.sum(axis=0)
        step = np.linalg.lstsq(np.diag(full.sum(axis=0)) - full.T @ full, -gradient, rcond=1e-13)[0]
        if -float(gradient @ step) <= 1e-14 * fun(theta)[0]:
            break
        b = b + step
    return np.concatenate([W.ravel(), b])


def bound(fun: SoftmaxObjective, gradient: np.ndarray) -> float:
    """How far above the minimum, by strong convexity, where the intercept is at its own."""
    return float((gradient[: -fun.k] ** 2).sum()) / (2 * fun.l2)


def main() -> None:
    """Solve from strong to weak; write what is found as it is found."""
    for name in sys.argv[1:]:
        data = problem(name)
        k = int(data["y"].max()) + 1
        # In the eigenbasis of the centred features, columns are uncorrelated.
        X = data["X"].astype(np.float64)
        mean = X.mean(axis=0)
        basis = np.linalg.svd(X - mean, full_matrices=False)[2].T
        Z, Z_val = (X - mean) @ basis, (data["X_val"] - mean) @ basis
        squares = (Z**2).sum(axis=0)
        theta = np.zeros(k * (Z.shape[1] + 1))
        kept: list[dict[str, float]] = []
        for l2 in GRID[::-1].tolist():
            began = time.perf_counter()
            fun = SoftmaxObjective(Z, data["y"], k, l2)
            theta = settled(fun, newton(fun, settled(fun, theta), squares))
            value, gradient = fun(theta)
            within = bound(fun, gradient) / value
            W, b = fun.parts(theta)
            right = int(((Z_val @ W.T + b).argmax(axis=1) == data["y_val"]).sum())
            accuracy = right / len(data["y_val"])
            record = {
                "l2": l2,
                "objective": float(value),
                "within": float(within),
                "accuracy": accuracy,
            }
            kept.insert(0, record)
            print(record, f"{time.perf_counter() - began:.0f} s", flush=True)
            write_json(REFERENCES / f"{name}.json", kept)


if __name__ == "__main__":
    main()
