"""Features decomposed once: the same solutions, for any of the rows."""

from __future__ import annotations

import numpy as np
import pytest
from solver_problems import blobs

from penultimate.errors import SolverError
from penultimate.solvers import decompose, logistic_path, softmax_path, svm_path

GRID = [1e-4, 1e-1, 1e2]


@pytest.mark.parametrize("n, d", [(120, 20), (40, 100)])
def test_rows_of_a_decomposition_have_the_solutions_of_those_rows(n: int, d: int) -> None:
    X, y = blobs(n, d, 3, noise=0.2)
    some = slice(0, 3 * n // 4)
    decomposed = decompose(X)
    for rows in (slice(0, n), some):
        found = softmax_path(decomposed.rows(rows), y[rows], 3, GRID, tolerance=1e-9)
        plain = softmax_path(X[rows], y[rows], 3, GRID, tolerance=1e-9)
        assert found.converged.all()
        np.testing.assert_allclose(found.objective, plain.objective, rtol=1e-8)
        np.testing.assert_allclose(found.coef, plain.coef, atol=1e-4 * np.abs(plain.coef).max())
        logits = X @ found.coef[1].T + found.intercept[1]
        np.testing.assert_allclose(logits, X @ plain.coef[1].T + plain.intercept[1], atol=1e-3)


def test_other_losses_take_one_too() -> None:
    X, y = blobs(90, 12, 3, noise=0.2)
    Y = y[:, None] == np.arange(3)
    decomposed = decompose(X)
    pairs = [
        (logistic_path(decomposed, Y, GRID), logistic_path(X, Y, GRID)),
        (svm_path(decomposed, y, 3, GRID), svm_path(X, y, 3, GRID)),
    ]
    for found, plain in pairs:
        assert found.coef.shape == plain.coef.shape
        np.testing.assert_allclose(found.objective, plain.objective, rtol=2e-4)


def test_an_absent_class_stays_absent() -> None:
    X, y = blobs(90, 12, 3)
    kept = y != 2
    decomposed = decompose(X).rows(np.flatnonzero(kept))
    path = softmax_path(decomposed, y[kept], 3, GRID)
    assert np.isneginf(path.intercept[:, 2]).all()
    assert not path.coef[:, 2].any()


def test_float32_decides_as_the_paths_do() -> None:
    X, _ = blobs(60, 8, 3)
    small = X.astype(np.float32)
    assert str(decompose(small).Z.dtype) == "torch.float32"
    assert str(decompose(small, tolerance=1e-9).Z.dtype) == "torch.float64"


def test_features_that_are_not_finite_are_refused() -> None:
    X, _ = blobs(60, 8, 3)
    X[3, 4] = np.nan
    with pytest.raises(SolverError, match="row 3, column 4"):
        decompose(X)


def test_features_that_are_off_for_all_images_change_nothing() -> None:
    # A thousand columns of zeros among 1,280, as a network's last activations can be on small
    # pictures: LAPACK's float32 gives up on their Gram matrix.
    X, y = blobs(1400, 300, 4, noise=2.0)
    wide = np.zeros((len(X), 1280), dtype=np.float32)
    used = np.random.default_rng(0).permutation(1280)[: X.shape[1]]
    wide[:, used] = X
    found = softmax_path(decompose(wide), y, 4, GRID, tolerance=1e-4)
    plain = softmax_path(X, y, 4, GRID, tolerance=1e-4)
    assert found.converged.all()
    np.testing.assert_allclose(found.objective, plain.objective, rtol=2e-4)
    off = np.delete(found.coef, used, axis=2)
    np.testing.assert_allclose(off, 0.0, atol=1e-4 * np.abs(plain.coef).max())
