"""The solvers that are compared, each as its users would write it, over the whole grid."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from solver_cases import GRID
from solver_objective import SoftmaxObjective


@dataclass(frozen=True)
class Answer:
    """Coefficients (P, K, D) and intercepts (P, K) in the order of ``GRID``.

    ``evaluations`` of the objective, or iterations where a solver counts only these.
    """

    coef: np.ndarray
    intercept: np.ndarray
    evaluations: int


def ours(X: np.ndarray, y: np.ndarray, k: int) -> Answer:
    """This package."""
    from penultimate.solvers import softmax_path

    path = softmax_path(X, y, k, GRID)
    return Answer(path.coef, path.intercept, path.evaluations)


def scikit_learn(X: np.ndarray, y: np.ndarray, k: int) -> Answer:
    """The loop that everybody writes. It counts iterations; its evaluations are a few more."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(warm_start=True, max_iter=1000)
    coef, intercept, iterations = [], [], 0
    for l2 in GRID[::-1]:
        model.C = (2 if k == 2 else 1) / l2  # its two classes share one row
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(X, y)
        W, b = _both_rows(model.coef_.copy(), model.intercept_.copy())
        coef.append(W)
        intercept.append(b)
        iterations += int(model.n_iter_[0])
    return Answer(np.stack(coef[::-1]), np.stack(intercept[::-1]), iterations)


def scipy_lbfgs(X: np.ndarray, y: np.ndarray, k: int) -> Answer:
    """SciPy's L-BFGS-B, warm-started, float64."""
    from scipy.optimize import minimize

    X = X.astype(np.float64)
    theta, evaluations = np.zeros(k * (X.shape[1] + 1)), 0
    coef, intercept = [], []
    for l2 in GRID[::-1]:
        options = {"maxiter": 1000, "maxfun": 5000}
        fun = SoftmaxObjective(X, y, k, l2)
        result = minimize(fun, theta, jac=True, method="L-BFGS-B", options=options)
        theta, evaluations = result.x, evaluations + result.nfev
        W, b = fun.parts(theta)
        coef.append(W)
        intercept.append(b)
    return Answer(np.stack(coef[::-1]), np.stack(intercept[::-1]), evaluations)


def torch_lbfgs(X: np.ndarray, y: np.ndarray, k: int) -> Answer:
    """torch.optim.LBFGS, warm-started, float32."""
    import torch

    features, labels = torch.from_numpy(X), torch.from_numpy(y)
    W = torch.zeros(k, X.shape[1], requires_grad=True)
    b = torch.zeros(k, requires_grad=True)
    evaluations = 0
    coef, intercept = [], []
    for l2 in GRID[::-1].tolist():
        optimizer = torch.optim.LBFGS([W, b], max_iter=1000, line_search_fn="strong_wolfe")

        def closure(optimizer: torch.optim.LBFGS = optimizer, l2: float = l2) -> torch.Tensor:
            nonlocal evaluations
            evaluations += 1
            optimizer.zero_grad()
            logits = torch.nn.functional.linear(features, W, b)
            value = torch.nn.functional.cross_entropy(logits, labels, reduction="sum")
            value = value + l2 / 2 * W.square().sum()
            value.backward()
            return value

        optimizer.step(closure)
        coef.append(W.detach().numpy().copy())
        intercept.append(b.detach().numpy().copy())
    return Answer(np.stack(coef[::-1]), np.stack(intercept[::-1]), evaluations)


def liblinear(X: np.ndarray, y: np.ndarray, k: int) -> Answer:
    """Two classes by liblinear, which has no warm start."""
    from sklearn.linear_model import LogisticRegression

    def model(l2: float) -> LogisticRegression:
        return LogisticRegression(solver="liblinear", C=2 / l2, intercept_scaling=100)

    return _one_by_one(model, X, y)


def hinge_ours(X: np.ndarray, y: np.ndarray, k: int) -> Answer:
    """This package, squared hinge."""
    from penultimate.solvers import svm_path

    path = svm_path(X, y, k, GRID)
    return Answer(path.coef, path.intercept, path.evaluations)


def hinge_liblinear(X: np.ndarray, y: np.ndarray, k: int) -> Answer:
    """LinearSVC: liblinear's squared hinge, one class against the rest, in the primal."""
    from sklearn.svm import LinearSVC

    def model(l2: float) -> LinearSVC:
        return LinearSVC(C=1 / l2, dual=False, intercept_scaling=100)

    return _one_by_one(model, X, y)


def _one_by_one(make: Callable[[float], object], X: np.ndarray, y: np.ndarray) -> Answer:
    """Fit every value from nothing."""
    coef, intercept, iterations = [], [], 0
    for l2 in GRID.tolist():
        model = make(l2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(X, y)
        W, b = _both_rows(model.coef_, model.intercept_)
        coef.append(W)
        intercept.append(b)
        iterations += int(np.max(model.n_iter_))
    return Answer(np.stack(coef), np.stack(intercept), iterations)


def _both_rows(W: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two classes as two rows that sum to nought, which is how softmax has them."""
    if len(W) > 1:
        return W, b
    return np.concatenate([-W / 2, W / 2]), np.concatenate([-b / 2, b / 2])


Solver = Callable[[np.ndarray, np.ndarray, int], Answer]
SOLVERS: dict[str, Solver] = {
    "ours": ours,
    "scikit-learn": scikit_learn,
    "scipy": scipy_lbfgs,
    "torch": torch_lbfgs,
    "liblinear": liblinear,
}
HINGE: dict[str, Solver] = {"ours": hinge_ours, "liblinear": hinge_liblinear}
