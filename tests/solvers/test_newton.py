"""The Newton step against the Hessian itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from solver_problems import blobs

from penultimate.solvers.extrapolation import Solution
from penultimate.solvers.model import Model
from penultimate.solvers.newton import Step, newton_step
from penultimate.solvers.point import eliminate_intercept
from penultimate.solvers.problems import InMemory
from penultimate.solvers.rows import Rows
from penultimate.solvers.softmax import Softmax
from penultimate.solvers.team import Alone


def at_a_point(
    monkeypatch: pytest.MonkeyPatch,
    l2: float,
    *,
    n: int = 90,
    d: int = 6,
    k: int = 4,
    seed: int = 0,
) -> tuple[Rows, Solution, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Rows, a point with its intercept at the minimum, gradient, curvatures by b and by W."""
    monkeypatch.setattr("penultimate.solvers.rows.HESSIAN_SIZE", 0)
    X, y = blobs(n, d, k, noise=0.3, seed=seed)
    labels = torch.from_numpy(y)
    problem = InMemory(
        torch.from_numpy(X),
        k,
        lambda rows, _: Softmax(labels[rows], None),
        None,
        tolerance=1e-9,
        team=Alone(),
    )
    _, rows = problem.build(torch.float64)
    W = torch.from_numpy(np.random.default_rng(seed).normal(size=(k, d)))
    b = torch.zeros(k, dtype=torch.float64)
    solution = Solution(W, b, rows.margins(W, b))
    summary, _ = eliminate_intercept(rows, solution)
    G = rows.gradient(solution.margins) + l2 * W
    full = rows.hessian(solution.margins)[0].reshape(k, d + 1, k, d + 1)
    ww = full[:, :d, :, :d].reshape(k * d, k * d) + l2 * torch.eye(k * d, dtype=torch.float64)
    wb, bb = full[:, :d, :, d].reshape(k * d, k), full[:, d, :, d]
    return rows, solution, G, summary.curvature, ww - wb @ torch.linalg.pinv(bb) @ wb.T


def step_from(
    rows: Rows, solution: Solution, G: torch.Tensor, C: torch.Tensor, l2: float, enough: float
) -> tuple[Step, Model]:
    model = Model()
    model.update(rows, solution.margins, C, l2)
    step = newton_step(rows, solution.margins, G, C, model, l2, enough=enough, max_products=1000)
    return step, model


@pytest.mark.parametrize("l2", [1e-6, 1e-2, 1e2])
def test_step_decrement_and_margins_are_those_of_the_hessian(
    monkeypatch: pytest.MonkeyPatch, l2: float
) -> None:
    monkeypatch.setattr("penultimate.solvers.newton.ACCURACY", 0.0)
    rows, solution, G, C, H = at_a_point(monkeypatch, l2)
    step, _ = step_from(rows, solution, G, C, l2, enough=0.0)
    exact = torch.linalg.solve(H, -G.flatten())
    torch.testing.assert_close(step.W.flatten(), exact, rtol=1e-4, atol=1e-4 * exact.abs().max())
    assert step.decrement == pytest.approx(-float(G.flatten() @ exact) / 2, rel=1e-6)
    for made, true in zip(step.margins, rows.margins(step.W, step.b), strict=True):
        torch.testing.assert_close(made, true, atol=1e-9, rtol=1e-9)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 1000),
    log_l2=st.floats(-6, 3),
    d=st.integers(2, 30),
    k=st.integers(2, 6),
)
def test_what_is_missing_of_the_decrement_is_no_more_than_said(
    seed: int, log_l2: float, d: int, k: int
) -> None:
    """Steps are cut short where a tenth of the decrement is missing at most, as `enough` asks."""
    l2 = 10.0**log_l2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("penultimate.solvers.newton.ACCURACY", 0.0)
        rows, solution, G, C, H = at_a_point(patch, l2, d=d, k=k, seed=seed)
        whole = float(G.flatten() @ torch.linalg.solve(H, G.flatten())) / 2
        step, model = step_from(rows, solution, G, C, l2, enough=0.05 * whole)
    assert 0.9 * whole <= step.decrement <= whole * (1 + 1e-6)
    # The model's own decrement, times the ratio that was found, covers the true one.
    assert step.ratio * float((G * model.solve(G)).sum()) / 2 >= 0.9 * whole


def test_few_products_are_allowed_and_two_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, solution, G, C, _ = at_a_point(monkeypatch, 1e-6)
    model = Model()
    model.update(rows, solution.margins, C, 1e-6)
    step = newton_step(rows, solution.margins, G, C, model, 1e-6, enough=0.0, max_products=1)
    assert step.products == 2
    assert float((step.W * G).sum()) < 0, "a way down all the same"
