"""Masked logistic and squared hinge paths against SciPy, and their edges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.linear_model import LogisticRegression as Peer
from solver_problems import Floats, blobs

from penultimate.errors import SolverError
from penultimate.solvers import logistic_path, svm_path
from penultimate.solvers.independent import Independent, Pieces, logistic, squared_hinge

GRID = np.logspace(-3, 4, 8)


def logistic_textbook(m: Floats) -> tuple[Floats, Floats]:
    return np.logaddexp(0, -m), -expit(-m)


def hinge_textbook(m: Floats) -> tuple[Floats, Floats]:
    lack = np.maximum(0, 1 - m)
    return lack**2, -2 * lack


Textbook = Callable[[Floats], tuple[Floats, Floats]]


def minimum(X: Floats, s: Floats, v: Floats, l2: float, phi: Textbook) -> float:
    """The least value, class by class, by SciPy's L-BFGS-B run to the end in float64."""
    total = 0.0
    for k in range(s.shape[1]):

        def value(theta: Floats, k: int = k) -> tuple[float, Floats]:
            loss, slope = phi(s[:, k] * (X @ theta[:-1] + theta[-1]))
            r = v[:, k] * slope * s[:, k]
            gradient = np.append(r @ X + l2 * theta[:-1], r.sum())
            return float(v[:, k] @ loss + l2 / 2 * theta[:-1] @ theta[:-1]), gradient

        result = minimize(
            value,
            np.zeros(X.shape[1] + 1),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": 20000, "maxfun": 40000, "ftol": 0, "gtol": 1e-9, "maxcor": 50},
        )
        total += result.fun
    return total


def multilabel(n: int, d: int, k: int) -> tuple[Floats, NDArray[np.int64], NDArray[np.bool_]]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, d)) + 1
    Y = (X @ rng.normal(size=(d, k)) + 2 * rng.normal(size=(n, k)) > 1).astype(np.int64)
    return X, Y, rng.random((n, k)) > 0.2


@pytest.mark.parametrize("shape", [(60, 5, 3), (30, 50, 4), (200, 60, 14)])
def test_masked_logistic_is_scipys_minimum(shape: tuple[int, int, int]) -> None:
    X, Y, mask = multilabel(*shape)
    w = np.random.default_rng(1).uniform(0.1, 2, shape[0])
    path = logistic_path(X, Y, GRID, mask=mask, sample_weight=w)
    assert path.converged.all(), path.status
    for i, l2 in enumerate(GRID):
        expected = minimum(X, 2.0 * Y - 1, w[:, None] * mask, l2, logistic_textbook)
        assert path.objective[i] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("shape", [(60, 5, 3), (30, 50, 4), (150, 60, 14)])
def test_svm_is_scipys_minimum(shape: tuple[int, int, int]) -> None:
    X, y = blobs(*shape, noise=0.2)
    path = svm_path(X, y, shape[2], GRID)
    assert path.converged.all(), path.status
    s = np.where(y[:, None] == np.arange(shape[2]), 1.0, -1.0)
    for i, l2 in enumerate(GRID):
        expected = minimum(X, s, np.ones_like(s), l2, hinge_textbook)
        assert path.objective[i] == pytest.approx(expected, rel=1e-4)


def test_logistic_solution_is_scikit_learns() -> None:
    X, Y, _ = multilabel(80, 6, 3)
    path = logistic_path(X, Y, [1.0], tolerance=1e-13)
    for k in range(3):
        peer = Peer(C=1.0, solver="newton-cg", tol=1e-12, max_iter=1000).fit(X, Y[:, k])
        np.testing.assert_allclose(path.coef[0, k], peer.coef_[0], atol=1e-5)
        assert path.intercept[0, k] == pytest.approx(peer.intercept_[0], abs=1e-5)


@pytest.mark.parametrize("phi", [logistic, squared_hinge])
def test_derivatives(phi: Pieces) -> None:
    generator = torch.Generator().manual_seed(0)

    def randn(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, dtype=torch.float64, generator=generator)

    signs, v = torch.sign(randn(20, 3)), torch.rand(20, 3, generator=generator).double()
    loss = Independent(phi, signs, v)
    Z, P, D = randn(20, 4), randn(3, 4), randn(3, 4)

    def value(flat: torch.Tensor) -> torch.Tensor:
        return (v * phi(signs * (Z @ flat.reshape(3, 4).T))[0]).sum()

    M, along = loss.margins(Z @ P.T), loss.margins(Z @ D.T)
    gradient = torch.autograd.functional.jacobian(value, P.flatten())
    H = torch.autograd.functional.hessian(value, P.flatten())
    torch.testing.assert_close((loss.residual(M).T @ Z).flatten(), gradient)
    torch.testing.assert_close(torch.block_diag(*loss.hessian(M, Z)), H)
    d = D.flatten()
    expected = torch.stack([gradient @ d, d @ H @ d])
    torch.testing.assert_close(loss.slope(M, along), expected)
    at, slopes, bends = loss.plane(M, torch.stack([along, M]))
    torch.testing.assert_close(at, value(P.flatten()))
    torch.testing.assert_close(slopes[0], expected[0])
    torch.testing.assert_close(bends[0, 0], expected[1])
    torch.testing.assert_close(bends[0, 1], d @ H @ P.flatten())
    summary = loss.summary(M)
    torch.testing.assert_close(summary.gradient, loss.residual(M).sum(dim=0))
    h = 1e-6
    change = loss.residual(M + h * along) - loss.residual(M - h * along)
    bent = loss.bent(loss.curvature(M), along)
    torch.testing.assert_close(bent, change / (2 * h), atol=1e-6, rtol=0)


def test_float32_is_the_same_problem() -> None:
    X, Y, mask = multilabel(500, 80, 12)
    X = X.astype(np.float32)
    single = logistic_path(X, Y, GRID, mask=mask)
    double = logistic_path(X.astype(np.float64), Y, GRID, mask=mask, tolerance=1e-8)
    assert single.converged.all()
    np.testing.assert_allclose(single.objective, double.objective, rtol=1e-4)
    y = Y.argmax(1)
    single = svm_path(X, y, 12, GRID)
    double = svm_path(X.astype(np.float64), y, 12, GRID, tolerance=1e-8)
    assert single.converged.all(), single.status
    np.testing.assert_allclose(single.objective, double.objective, rtol=1e-4)


def test_classes_with_one_label_or_none() -> None:
    X, Y, mask = multilabel(60, 5, 2)
    more = np.hstack([Y, np.ones((60, 1)), np.zeros((60, 1)), Y[:, :1]])
    masks = np.hstack([mask, np.ones((60, 2)), np.zeros((60, 1))])
    path, plain = logistic_path(X, more, [1.0], mask=masks), logistic_path(X, Y, [1.0], mask=mask)
    assert path.objective[0] == pytest.approx(plain.objective[0], rel=1e-4)
    np.testing.assert_array_equal(path.coef[:, 2:], 0)
    np.testing.assert_array_equal(path.intercept[0, 2:], [np.inf, -np.inf, np.nan])
    X3, y = blobs(60, 5, 3)
    svm, plain_svm = svm_path(X3, 2 * y, 6, [1.0]), svm_path(X3, y, 3, [1.0])
    assert svm.objective[0] == pytest.approx(plain_svm.objective[0], rel=1e-4)
    np.testing.assert_array_equal(svm.intercept[0, [1, 3, 5]], -1)


def test_separable_svm_and_logistic_end() -> None:
    X, y = blobs(100, 5, 3, spread=10, noise=0)
    grid = np.logspace(-8, 5, 27)
    assert svm_path(X, y, 3, grid).converged.all()
    assert logistic_path(X, np.eye(3)[y], grid).converged.all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"Y": [0, 1, 1]}, "one column a class"),
        ({"Y": [[0, 2], [1, 0], [1, 1]]}, "label 2 in row 0, column 1"),
        ({"Y": [[0, 1], [1, 0]]}, "one row an example"),
        ({"Y": [[1], [1], [1]]}, "no class has examples both"),
        ({"mask": [[1], [1], [1]]}, "booleans of the labels' shape"),
        ({"mask": np.full((3, 2), 0.5)}, "booleans of the labels' shape"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(arguments: dict[str, Any], words: str) -> None:
    given: dict[str, Any] = {"X": np.eye(3), "Y": np.eye(3)[:, :2], "l2": [1.0]} | arguments
    with pytest.raises(SolverError, match=words) as caught:
        logistic_path(**given)
    assert "\n" not in str(caught.value)
