"""The parts of the solver, each against its definition."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from penultimate.solvers.curvature import ExactCurvature, KroneckerCurvature, solve_intercept
from penultimate.solvers.memory import Memory
from penultimate.solvers.model import Stall
from penultimate.solvers.reduction import reduce
from penultimate.solvers.search import minimise_along
from penultimate.solvers.softmax import Softmax
from penultimate.solvers.team import Alone


def randn(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


@pytest.mark.parametrize("shape", [(40, 7), (7, 40), (12, 12)])
def test_reduction_keeps_every_inner_product(shape: tuple[int, int]) -> None:
    X = 5 + 3 * randn(*shape)
    w = torch.rand(shape[0], dtype=torch.float64, generator=torch.Generator().manual_seed(1)) + 0.1
    r = reduce(X, w, [len(X)], Alone())
    Z = r.blocks.block(0)
    centred = X - (w @ X) / w.sum()
    torch.testing.assert_close(Z @ Z.T * r.scale**2, centred @ centred.T)
    gram = Z.T @ (Z * w[:, None])
    torch.testing.assert_close(gram, torch.diag(r.spectrum), atol=1e-12 * float(w.sum()), rtol=0)
    assert bool((r.spectrum[:-1] >= r.spectrum[1:] - 1e-12).all())
    identity = torch.eye(min(shape), dtype=torch.float64)
    torch.testing.assert_close(r.basis.T @ r.basis, identity, atol=1e-12, rtol=0)


@pytest.mark.parametrize("shape", [(40, 7), (7, 40)])
def test_restored_parameters_give_the_same_logits_and_penalty(shape: tuple[int, int]) -> None:
    X, w = 5 + 3 * randn(*shape), torch.ones(shape[0], dtype=torch.float64)
    r = reduce(X, w, [len(X)], Alone())
    W, b = randn(4, min(shape), seed=1), randn(4, seed=2)
    coef, intercept = r.restore(W, b)
    torch.testing.assert_close(X @ coef.T + intercept, r.blocks.block(0) @ W.T + b)
    penalty, reduced = coef.square().sum(), W.square().sum()
    torch.testing.assert_close(2.5 * penalty, r.l2(2.5) * reduced)


def test_constant_features_reduce_to_zero() -> None:
    X = torch.full((5, 3), 7.0, dtype=torch.float64)
    r = reduce(X, None, [5], Alone())
    assert r.scale == 1.0
    assert not bool(r.blocks.block(0).any())


def test_kronecker_curvature_is_the_inverse() -> None:
    A, spectrum = randn(4, 4), torch.tensor([5.0, 1.0, 0.0], dtype=torch.float64)
    C = A @ A.T
    G = randn(4, 3, seed=1)
    X = KroneckerCurvature(C, spectrum, 0.3).solve(G)
    torch.testing.assert_close(C @ X * spectrum + 0.3 * X, G)


def test_kronecker_curvature_is_the_hessian_where_p_is_constant() -> None:
    """At W = 0 the model is exact: compare with autograd's Hessian of the objective."""
    X, y = randn(20, 3), torch.arange(20) % 4
    w = torch.ones(20, dtype=torch.float64)
    r, loss = reduce(X, w, [20], Alone()), Softmax(y, None)
    b = torch.log(torch.tensor([5.0, 5.0, 5.0, 5.0], dtype=torch.float64))

    def objective(flat: torch.Tensor) -> torch.Tensor:
        logits = r.blocks.block(0) @ flat.reshape(4, 3).T + b
        cross_entropy = torch.nn.functional.cross_entropy(logits, y, reduction="sum")
        return cross_entropy + 0.35 * flat.square().sum()

    H = torch.autograd.functional.hessian(objective, torch.zeros(12, dtype=torch.float64))
    C = loss.summary(loss.of_intercept(b)).curvature / loss.weight
    G = randn(4, 3, seed=5)
    X = KroneckerCurvature(C, r.spectrum, 0.7).solve(G)
    torch.testing.assert_close((H @ X.flatten()).reshape(4, 3), G)


@given(st.integers(2, 8), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_intercept_system(k: int, seed: int) -> None:
    """Laplacians whose classes differ in size by many powers of ten are solved all the same."""
    rng = np.random.default_rng(seed)
    size = 10.0 ** rng.uniform(-6, 0, k)
    shared = torch.from_numpy(np.outer(size, size) * rng.uniform(0.5, 1, (k, k)))
    shared = shared + shared.T
    shared.fill_diagonal_(0)
    C = torch.diag(shared.sum(1)) - shared
    x = torch.from_numpy(rng.normal(size=k))
    x = x - x.mean()
    g = C @ x
    found = solve_intercept(C, g, shift_invariant=True)
    torch.testing.assert_close(C @ found, g, rtol=1e-7, atol=1e-9 * float(g.abs().max()))
    assert abs(float(found.sum())) < 1e-8 * float(found.abs().max())


def test_intercept_of_independent_classes() -> None:
    C = torch.diag(torch.tensor([2.0, 1e-9, 0.0], dtype=torch.float64))
    g = torch.tensor([1.0, 1e-9, 0.0], dtype=torch.float64)
    expected = torch.tensor([0.5, 1.0, 0.0], dtype=torch.float64)
    torch.testing.assert_close(solve_intercept(C, g, shift_invariant=False), expected)


def test_exact_curvature_eliminates_the_intercept() -> None:
    """The answer is that of the Schur complement, which is the Hessian of min over b."""
    X, y = randn(20, 3), torch.arange(20) % 4
    loss = Softmax(y, None)
    Z = torch.cat([X, torch.ones(20, 1, dtype=torch.float64)], dim=1)
    H = loss.hessian(loss.margins(randn(20, 4, seed=7)), Z)
    full = H.reshape(4, 4, 4, 4).clone()
    for c in range(4):
        full[c, :3, c, :3] += 0.7 * torch.eye(3, dtype=torch.float64)
    ww = full[:, :3, :, :3].reshape(12, 12)
    wb, bb = full[:, :3, :, 3].reshape(12, 4), full[:, 3, :, 3]
    schur = ww - wb @ torch.linalg.pinv(bb) @ wb.T
    G = randn(4, 3, seed=8)
    exact = ExactCurvature(H, 0.7, n_outputs=4, shift_invariant=True)
    assert exact.usable
    torch.testing.assert_close(schur @ exact.solve(G).flatten(), G.flatten())


def pair(H: torch.Tensor, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    s = randn(2, 3, seed=seed)
    return s, (H @ s.flatten()).reshape(2, 3)


def test_memory_meets_the_secant_equation_at_another_l2_and_size() -> None:
    """Seen at curvature H + 0.1 I, used where the curvature is H / 2 + 0.3 I."""
    A = randn(6, 6)
    identity = torch.eye(6, dtype=torch.float64)
    H = A @ A.T
    memory = Memory(3)
    for seed in range(5):
        memory.remember(*pair(H + 0.1 * identity, seed), l2=0.1, trace=8.0)
    memory.tune(0.3, trace=4.0)
    s, y = pair(H / 2 + 0.3 * identity, 4)
    torch.testing.assert_close(memory.solve(y, lambda q: 2 * q), s)


def test_memory_of_a_full_space_is_the_inverse() -> None:
    """After as many conjugate steps as dimensions, L-BFGS is the inverse of the Hessian."""
    A = randn(4, 4)
    H = A @ A.T + torch.eye(4, dtype=torch.float64)
    memory = Memory(4)
    for s in torch.linalg.eigh(H).eigenvectors.T:
        memory.remember(s.reshape(1, 4), (H @ s).reshape(1, 4), l2=1.0, trace=1.0)
    g = randn(1, 4, seed=3)
    exact = torch.linalg.solve(H, g.flatten()).reshape(1, 4)
    torch.testing.assert_close(memory.solve(g, lambda q: 0.1 * q), exact)


def test_memory_forgets_what_has_no_curvature() -> None:
    memory = Memory(4)
    memory.remember(randn(1, 4), -randn(1, 4), l2=1.0, trace=1.0)
    g = randn(1, 4, seed=3)
    torch.testing.assert_close(memory.solve(g, lambda q: 0.1 * q), 0.1 * g)


@pytest.mark.parametrize("gain, rounds", [(0.0, 3), (0.05, 4)])
def test_steps_that_gain_too_little_are_a_stall(gain: float, rounds: int) -> None:
    """Nothing at all three times; a twentieth of what was promised four times, in float32."""
    stall, objective = Stall(1e-7), 10.0
    for done in range(rounds):
        assert not stall.stalled, f"after {done}"
        stall.promise(objective, 1.0)
        objective -= gain
        stall.observe(objective)
    assert stall.stalled


def test_a_good_step_ends_a_row_of_bad_ones() -> None:
    stall = Stall(1e-7)
    for objective in (10.0, 10.0, 9.0, 9.0, 9.0):
        stall.observe(objective)
        stall.promise(objective, 1.0)
    assert not stall.stalled


def test_what_rounding_hides_is_no_stall() -> None:
    stall = Stall(1e-7)
    for _ in range(5):
        stall.promise(10.0, 1e-6)
        stall.observe(10.0)
    assert not stall.stalled


def softmax_line(
    y: torch.Tensor, M: torch.Tensor, D: torch.Tensor, bend: float
) -> tuple[Callable[[float], tuple[float, float]], float]:
    loss = Softmax(y, None)

    def derivatives(t: float) -> tuple[float, float]:
        first, second = loss.slope(M + t * D, D).tolist()
        return first + t * bend, second + bend

    return derivatives, derivatives(0.0)[0]


def test_search_finds_the_minimum_along_a_line() -> None:
    y = torch.arange(30) % 3
    loss = Softmax(y, None)
    M = loss.margins(randn(30, 3))
    derivatives, slope = softmax_line(y, M, -loss.margins(loss.residual(M)), 0.2)
    t = minimise_along(derivatives, slope, accuracy=1e-10)
    assert derivatives(t)[0] == pytest.approx(0.0, abs=1e-8)


def test_search_survives_separable_examples() -> None:
    """The loss falls like exp(-t) for ever; only the penalty ends it."""
    M = torch.zeros(4, 2, dtype=torch.float64)
    D = torch.tensor([[0.0, -1.0]] * 4, dtype=torch.float64)
    derivatives, slope = softmax_line(torch.zeros(4, dtype=torch.long), M, D, 1e-12)
    assert 20 < minimise_along(derivatives, slope, accuracy=1e-12) < 35
