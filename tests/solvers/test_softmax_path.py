"""The path against independent solvers, under the laws of the problem, and at its edges."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression as Peer
from solver_problems import Floats, blobs, softmax_minimum, softmax_objective

from penultimate.errors import SolverError
from penultimate.solvers import Path, softmax_path

GRID = np.logspace(-6, 5, 45)


def check(
    path: Path, X: Floats, y: Any, k: int, *, w: Floats | None = None, every: int = 1
) -> None:
    """Each point says what is true of it: its objective, and that it is at the minimum."""
    assert path.converged.all(), path.status
    for i in range(0, len(path.l2), every):
        stated = softmax_objective(path.coef[i], path.intercept[i], X, y, l2=path.l2[i], w=w)
        assert path.objective[i] == pytest.approx(stated, rel=1e-9)
        minimum = softmax_minimum(X, y, k, path.l2[i], w)
        gap = path.objective[i] - minimum
        assert gap <= 1e-4 * minimum
        assert gap <= path.suboptimality_bound[i] + 1e-8 * minimum


@pytest.mark.parametrize("shape", [(60, 5, 3), (20, 50, 4), (50, 8, 2)])
@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_every_objective_is_scipys_minimum(shape: tuple[int, int, int], noise: float) -> None:
    X, y = blobs(*shape, noise=noise)
    grid = np.logspace(-4, 4, 9)  # below, SciPy's own formula loses the digits to compare
    check(softmax_path(X, y, shape[2], grid), X, y, shape[2])


def test_solution_is_scikit_learns() -> None:
    X, y = blobs(80, 6, 4)
    path = softmax_path(X, y, 4, [0.1, 1.0, 10.0], tolerance=1e-13)
    for i, l2 in enumerate(path.l2):
        peer = Peer(C=1 / l2, solver="newton-cg", tol=1e-12, max_iter=1000).fit(X, y)
        np.testing.assert_allclose(path.coef[i], peer.coef_, atol=1e-5)
        shifted = peer.intercept_ - peer.intercept_.mean()
        np.testing.assert_allclose(path.intercept[i] - path.intercept[i].mean(), shifted, atol=1e-5)


@given(
    n=st.integers(4, 40),
    d=st.integers(1, 40),
    k=st.integers(2, 4),
    log_l2=st.floats(-3, 4),
    spread=st.floats(0, 4),
    noise=st.floats(0, 0.5),
    seed=st.integers(0, 2**32 - 1),
)
@settings(deadline=None, max_examples=40)
def test_random_problems(
    *, n: int, d: int, k: int, log_l2: float, spread: float, noise: float, seed: int
) -> None:
    X, y = blobs(n, d, k, spread=spread, noise=noise, seed=seed)
    check(softmax_path(X, y, k, [10.0**log_l2]), X, y, k)


def test_gradient_norm_is_that_of_the_stated_solution() -> None:
    X, y = blobs(300, 200, 5, noise=0.3)
    X *= 37.0
    path = softmax_path(X, y, 5, [1e2, 1e4])
    for i, l2 in enumerate(path.l2):
        W = torch.tensor(path.coef[i], requires_grad=True)
        b = torch.tensor(path.intercept[i], requires_grad=True)
        logits = torch.from_numpy(X) @ W.T + b
        loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(y), reduction="sum")
        gW, gb = torch.autograd.grad(loss + l2 / 2 * W.square().sum(), (W, b))
        assert path.gradient_norm[i] == pytest.approx(float(gW.norm()), rel=1e-4)
        assert float(gb.norm()) < 1e-3
        bound = path.gradient_norm[i] ** 2 / (2 * l2)  # and a little for the intercept
        assert bound <= path.suboptimality_bound[i] <= 1.001 * bound


def test_grid_in_any_order_with_repetitions() -> None:
    X, y = blobs(60, 5, 3)
    grid = np.array([1.0, 1e-3, 1e2, 1.0, 1e-1])
    path, sorted_path = softmax_path(X, y, 3, grid), softmax_path(X, y, 3, np.unique(grid))
    np.testing.assert_array_equal(path.l2, grid)
    where = np.searchsorted(sorted_path.l2, grid)
    np.testing.assert_array_equal(path.objective, sorted_path.objective[where])
    np.testing.assert_array_equal(path.coef, sorted_path.coef[where])
    assert path.evaluations == sorted_path.evaluations


def test_rotation_and_shift_of_the_features_change_nothing() -> None:
    X, y = blobs(60, 8, 3)
    rng = np.random.default_rng(1)
    rotation = np.linalg.qr(rng.normal(size=(8, 8)))[0]
    grid = np.logspace(-4, 4, 9)
    path = softmax_path(X, y, 3, grid)
    moved = softmax_path(X @ rotation + 100 * rng.normal(size=8), y, 3, grid)
    np.testing.assert_allclose(moved.objective, path.objective, rtol=1e-8)
    np.testing.assert_allclose(moved.coef, path.coef @ rotation, atol=1e-6)


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_scale_of_features_is_a_scale_of_l2(scale: float) -> None:
    X, y = blobs(60, 8, 3)
    path = softmax_path(X, y, 3, GRID)
    scaled = softmax_path(X * scale, y, 3, GRID * scale**2)
    assert scaled.converged.all()
    np.testing.assert_allclose(scaled.objective, path.objective, rtol=1e-8)
    far = softmax_path(X * scale, y, 3, GRID)
    assert far.converged.all(), far.status
    assert np.isfinite(far.coef).all()


def test_columns_of_scales_sixteen_powers_of_ten_apart() -> None:
    X, y = blobs(60, 8, 3)
    X = X * np.array([1e8, 1e-8, 1, 1, 1e4, 1e-4, 1, 1])
    path = softmax_path(X, y, 3, np.logspace(-2, 4, 7))
    assert path.converged.all(), path.status


@pytest.mark.parametrize("shape", [(100, 5, 3), (40, 60, 4)])
def test_separable_data_at_tiny_l2(shape: tuple[int, int, int]) -> None:
    """Losses near 1e-7 and below, where a naive formula has no digits left."""
    X, y = blobs(*shape, spread=10, noise=0)
    path = softmax_path(X, y, shape[2], np.logspace(-12, 5, 45))
    assert path.converged.all(), path.status
    assert path.objective[0] < 1e-8
    assert (np.diff(path.objective) > 0).all()
    tight = softmax_path(X, y, shape[2], path.l2, tolerance=1e-9)
    assert (path.objective <= tight.objective * (1 + 1e-4)).all()
    assert path.evaluations < 45 * 20


def test_collinear_and_constant_features() -> None:
    X, y = blobs(60, 5, 3)
    grid = np.logspace(-4, 4, 9)
    plain = softmax_path(X, y, 3, grid, tolerance=1e-8)
    X = np.hstack([X, X, np.full((60, 2), 3.3)])
    path = softmax_path(X, y, 3, 2 * grid, tolerance=1e-8)
    # Each feature twice: each copy carries half the coefficient, at half the price.
    np.testing.assert_allclose(path.coef[..., :5], plain.coef / 2, atol=1e-4)
    np.testing.assert_allclose(path.coef[..., 5:10], path.coef[..., :5], atol=1e-6)
    np.testing.assert_allclose(path.coef[..., 10:], 0, atol=1e-8)
    np.testing.assert_allclose(path.objective, plain.objective, rtol=1e-6)


def test_only_constant_features() -> None:
    y = np.array([0, 1, 1, 1])
    path = softmax_path(np.full((4, 2), 0.1), y, 2, [1e-6, 1.0])
    assert path.converged.all()
    np.testing.assert_array_equal(path.coef, 0)
    assert path.objective == pytest.approx(-np.log(0.25) - 3 * np.log(0.75))


def test_classes_of_one_example() -> None:
    X, y = blobs(30, 6, 30)
    path = softmax_path(X, y, 30, np.logspace(-5, 3, 9))
    check(path, X, y, 30, every=4)


def test_same_example_with_two_labels() -> None:
    X, y = np.ones((4, 3)), np.array([0, 1, 0, 1])
    X[2:] = 2.0
    path = softmax_path(X, y, 2, GRID)
    np.testing.assert_allclose(path.objective, 4 * np.log(2), rtol=1e-4)
    assert path.converged.all()


def test_absent_classes_are_never_predicted_and_change_nothing() -> None:
    X, y = blobs(60, 5, 3)
    grid = [1e-3, 1.0]
    path, plain = softmax_path(X, 2 * y, 7, grid), softmax_path(X, y, 3, grid)
    np.testing.assert_array_equal(path.objective, plain.objective)
    np.testing.assert_array_equal(path.coef[:, [0, 2, 4]], plain.coef)
    np.testing.assert_array_equal(path.coef[:, [1, 3, 5, 6]], 0)
    assert (path.intercept[:, [1, 3, 5, 6]] == -np.inf).all()


def test_weights_are_repetitions() -> None:
    X, y = blobs(40, 5, 3)
    times = np.random.default_rng(0).integers(0, 4, 40)
    grid = np.logspace(-4, 4, 9)
    weighted = softmax_path(X, y, 3, grid, sample_weight=times)
    repeated = softmax_path(np.repeat(X, times, 0), np.repeat(y, times), 3, grid)
    np.testing.assert_allclose(weighted.objective, repeated.objective, rtol=1e-4)
    check(weighted, X, y, 3, w=times.astype(float))


def test_path_tends_to_the_class_frequencies() -> None:
    X, y = blobs(60, 5, 3)
    path = softmax_path(X, y, 3, [1e12])
    p = np.exp(path.intercept[0]) / np.exp(path.intercept[0]).sum()
    np.testing.assert_allclose(p, np.bincount(y) / 60, atol=1e-6)
    np.testing.assert_allclose(path.coef, 0, atol=1e-8)


def test_float32_torch_and_read_only_features_are_the_same_problem() -> None:
    X, y = blobs(60, 5, 3)
    X = X.astype(np.float32)
    expected = softmax_path(X.astype(np.float64), y, 3, [1e-3, 1.0]).objective
    X.flags.writeable = False
    for features, labels in (
        (X, y),
        (torch.from_numpy(X.copy()), torch.from_numpy(y)),
        (np.asfortranarray(X), y.astype(np.uint8)),
        (X[::-1], y[::-1]),
    ):
        np.testing.assert_allclose(
            softmax_path(features, labels, 3, [1e-3, 1.0]).objective, expected, rtol=1e-4
        )


def test_inputs_are_left_as_they_were() -> None:
    X, y = blobs(40, 5, 3)
    grid = np.array([1.0, 0.1])
    before = X.copy(), y.copy(), grid.copy()
    softmax_path(X, y, 3, grid)
    for a, b in zip((X, y, grid), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_cold_start_at_a_tiny_l2_is_led_there() -> None:
    """One value far down a path of separable data is the value at the end of the path."""
    X, y = blobs(150, 300, 12, spread=3, noise=0)
    alone = softmax_path(X.astype(np.float32), y, 12, [1e-6])
    path = softmax_path(X, y, 12, GRID, tolerance=1e-7)
    assert alone.converged.all()
    assert alone.objective[0] == pytest.approx(path.objective[0], rel=1e-4)


@pytest.mark.parametrize("kind", ["scale 1e8", "offset 1e4", "columns apart", "rarely active"])
def test_hard_features_in_float32(kind: str) -> None:
    """Larger than the exact Hessian takes, in float32 or where it hands over to float64."""
    X, y = blobs(300, 100, 12, spread=0.5, noise=0.1)
    rng = np.random.default_rng(0)
    X = {
        "scale 1e8": X * 1e8,
        "offset 1e4": X + 1e4,
        "columns apart": X * 10.0 ** rng.uniform(-3, 1, 100),
        "rarely active": np.hstack([X, np.zeros((300, 20)), rng.random((300, 20)) < 0.005]),
    }[kind].astype(np.float32)
    path = softmax_path(X, y, 12, GRID)
    tight = softmax_path(X.astype(np.float64), y, 12, GRID, tolerance=1e-7)
    assert path.converged.all(), path.status
    assert tight.converged.all(), tight.status
    np.testing.assert_allclose(path.objective, tight.objective, rtol=1.5e-4)


def test_progress_counts_values() -> None:
    X, y = blobs(40, 5, 3)
    done: list[int] = []
    softmax_path(X, y, 3, [1.0, 0.1, 1.0], progress=done.append)
    assert done == [2, 1]


def test_running_out_of_evaluations_is_said() -> None:
    X, y = blobs(300, 200, 5, noise=0.3)
    path = softmax_path(X, y, 5, [1e-5], max_evaluations=1)
    assert not path.converged[0]
    assert "raise max_evaluations" in path.status[0]
    assert path.evaluations < 20  # one for each value on the way


def test_an_impossible_tolerance_ends_and_is_said() -> None:
    X, y = blobs(100, 10, 5)
    path = softmax_path(X, y, 5, [1e-3, 1.0], tolerance=1e-40)
    for converged, status in zip(path.converged, path.status, strict=True):
        assert converged or "rounding" in status or "max_evaluations" in status


def test_certified_is_said_of_the_bound_only() -> None:
    X, y = blobs(100, 10, 5)
    path = softmax_path(X, y, 5, GRID)
    for i, status in enumerate(path.status):
        certified = path.suboptimality_bound[i] <= 1e-4 * path.objective[i]
        assert ("certified" in status) == certified
        assert "estimated" in status or certified


X3 = np.eye(3)
Y3 = np.array([0, 1, 2])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"X": np.array([[1.0, 2.0], [3.0, np.nan], [0.0, 1.0]])}, "row 1, column 1"),
        ({"X": np.array([[1.0, np.inf], [3.0, 1], [0.0, 1.0]])}, r"\(inf\) in row 0, column 1"),
        ({"X": np.eye(3)[0]}, "one row an example"),
        ({"X": np.zeros((0, 3)), "y": []}, "empty"),
        ({"X": np.array([["a", "b"]] * 3)}, "not numbers"),
        ({"y": np.array([0, 1, 3])}, "label 3 of row 2"),
        ({"y": np.array([0, -1, 2])}, "label -1 of row 1"),
        ({"y": np.array([0, 1])}, "one label an example"),
        ({"y": np.array([0.0, 1.0, 2.0])}, "integers"),
        ({"y": np.array([1, 1, 1])}, "at least 2 classes"),
        ({"n_classes": 1}, "at least 2 classes"),
        ({"l2": [1.0, 0.0]}, r"l2\[1\] is 0"),
        ({"l2": [np.nan]}, "positive and finite"),
        ({"l2": []}, "at least one"),
        ({"l2": 1.0}, "at least one"),
        ({"sample_weight": [1, 1]}, "one weight an example"),
        ({"sample_weight": [1, -1, 1]}, r"sample_weight\[1\] is -1"),
        ({"sample_weight": [0, 0, 0]}, "zero"),
        ({"sample_weight": [1, 0, 0]}, "at least 2 classes"),
        ({"tolerance": 0.0}, "tolerance"),
        ({"max_evaluations": 0}, "max_evaluations"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(arguments: dict[str, Any], words: str) -> None:
    given_arguments: dict[str, Any] = {"X": X3, "y": Y3, "n_classes": 3, "l2": [1.0]} | arguments
    with pytest.raises(SolverError, match=words) as caught:
        softmax_path(**given_arguments)
    assert "\n" not in str(caught.value)


def test_no_warnings_at_the_extremes() -> None:
    X, y = blobs(50, 5, 3, spread=50, noise=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(SolverError, match="divide the features"):
            softmax_path(X * 1e150, y, 3, GRID)
        path = softmax_path(X * 1e10, y, 3, GRID)
        assert np.isfinite(path.objective).all()
        assert path.converged.all()
        path = softmax_path(X * 1e-150, y, 3, GRID)
        assert np.isfinite(path.objective).all()
