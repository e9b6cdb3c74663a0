"""Laws of the loss: derivatives against numerical ones, and no digits lost where it is tiny."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import torch

from penultimate.solvers.softmax import Softmax


@pytest.fixture
def loss() -> Softmax:
    generator = torch.Generator().manual_seed(0)
    y = torch.randint(0, 5, (30,), generator=generator)
    w = torch.rand(30, dtype=torch.float64, generator=generator) + 0.1
    return Softmax(y, w, 5)


def logits(seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(30, 5, dtype=torch.float64, generator=generator)


def test_value_is_torchs_cross_entropy(loss: Softmax) -> None:
    L = logits(1)
    expected = torch.nn.functional.cross_entropy(L, loss.labels, reduction="none") @ loss.weights
    assert loss.at(loss.margins(L.clone())).value == pytest.approx(float(expected), rel=1e-14)


def test_residual_is_autograds_gradient(loss: Softmax) -> None:
    L = logits(1).requires_grad_()
    value = torch.nn.functional.cross_entropy(L, loss.labels, reduction="none") @ loss.weights
    (expected,) = torch.autograd.grad(value, L)
    r = loss.residual(loss.at(loss.margins(L.detach().clone())))
    torch.testing.assert_close(r, expected, rtol=1e-12, atol=1e-14)
    assert float(r.sum(dim=1).abs().max()) < 1e-15


def test_slope_and_bend_are_numerical_derivatives(loss: Softmax) -> None:
    M, D = loss.margins(logits(1)), loss.margins(logits(2))
    slope, bend = loss.slope_and_bend(loss.at(M), D)
    h = 1e-4
    up, here, down = (loss.at(M + t * D).value for t in (h, 0.0, -h))
    assert slope == pytest.approx((up - down) / (2 * h), rel=1e-6)
    assert bend == pytest.approx((up - 2 * here + down) / h**2, rel=1e-5)
    assert loss.slope(loss.at(M), D) == pytest.approx(slope, rel=1e-14)


def test_drift_and_curvature_are_numerical_derivatives_of_the_residual(loss: Softmax) -> None:
    M, D = loss.margins(logits(1)), loss.margins(logits(2))
    h = 1e-6

    def summed(direction: torch.Tensor, t: float) -> torch.Tensor:
        return loss.residual(loss.at(M + t * direction)).sum(dim=0)

    expected = (summed(D, h) - summed(D, -h)) / (2 * h)
    torch.testing.assert_close(loss.drift(loss.at(M), D), expected, rtol=1e-7, atol=1e-8)
    C = loss.curvature(loss.at(M))
    for k in range(5):
        E = loss.of_intercept(torch.eye(5, dtype=torch.float64)[k])
        expected = (summed(E, h) - summed(E, -h)) / (2 * h)
        torch.testing.assert_close(C[:, k], expected, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize(
    ("margin", "dtype"),
    [(m, torch.float64) for m in (-700.0, -100.0, -40.0, -1e-9, 0.0, 5.0, 50.0, 800.0)]
    + [(m, torch.float32) for m in (-80.0, -40.0, -1e-4, 0.0, 5.0, 50.0, 800.0)],
)
def test_nothing_is_lost_to_cancellation(margin: float, dtype: torch.dtype) -> None:
    """Two wrong classes at ``margin`` and just below it, against 200 digits."""
    m = torch.tensor([[margin, 0.0, margin - 1]], dtype=dtype)
    loss = Softmax(torch.tensor([1]), torch.ones(1, dtype=dtype), 3)
    at = loss.at(m)
    with mpmath.workdps(200):
        a, b = (mpmath.exp(mpmath.mpf(float(v))) for v in (m[0, 0], m[0, 2]))
        exact = float(mpmath.log(1 + a + b))
        residual = float(-(a + b) / (1 + a + b))
        C00 = float(a * (1 + b) / (1 + a + b) ** 2)
    eps = torch.finfo(dtype).eps
    scale = max(1.0, abs(margin))  # exp turns a rounding of its argument into a relative one
    assert at.value == pytest.approx(exact, rel=4 * eps * scale)
    assert float(loss.residual(at)[0, 1]) == pytest.approx(residual, rel=4 * eps * scale)
    found = float(loss.curvature(at)[0, 0])
    assert found == pytest.approx(C00, rel=8 * eps * scale, abs=float(torch.finfo(dtype).tiny))
    assert math.isfinite(at.value)


def test_intercept_margins(loss: Softmax) -> None:
    b = torch.arange(5, dtype=torch.float64)
    expected = loss.margins(b.repeat(30, 1))
    np.testing.assert_array_equal(loss.of_intercept(b), expected)
