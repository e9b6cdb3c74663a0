"""Laws of the loss: derivatives against numerical ones, and no digits lost where it is tiny."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import torch

from penultimate.solvers.softmax import Softmax

Y = torch.randint(0, 5, (30,), generator=torch.Generator().manual_seed(0))
W = torch.rand(30, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) + 0.1


@pytest.fixture(params=["weighted", "plain"])
def loss(request: pytest.FixtureRequest) -> Softmax:
    return Softmax(Y, W if request.param == "weighted" else None)


def weights(loss: Softmax) -> torch.Tensor:
    return W if loss.weight != 30 else torch.ones_like(W)


def logits(seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(30, 5, dtype=torch.float64, generator=generator)


def test_value_is_torchs_cross_entropy(loss: Softmax) -> None:
    L = logits(1)
    expected = torch.nn.functional.cross_entropy(L, Y, reduction="none") @ weights(loss)
    found = loss.summary(loss.margins(L.clone())).value
    assert float(found) == pytest.approx(float(expected), rel=1e-14)


def test_residual_is_autograds_gradient(loss: Softmax) -> None:
    L = logits(1).requires_grad_()
    value = torch.nn.functional.cross_entropy(L, Y, reduction="none") @ weights(loss)
    (expected,) = torch.autograd.grad(value, L)
    M = loss.margins(L.detach().clone())
    r = loss.residual(M)
    torch.testing.assert_close(r, expected, rtol=1e-12, atol=1e-14)
    assert float(r.sum(dim=1).abs().max()) < 1e-15
    torch.testing.assert_close(loss.summary(M).gradient, expected.sum(dim=0), atol=1e-13, rtol=0)


def test_slope_is_numerical_derivatives(loss: Softmax) -> None:
    M, D = loss.margins(logits(1)), loss.margins(logits(2))
    slope, bend = loss.slope(M, D).tolist()
    h = 1e-4
    up, here, down = (float(loss.summary(M + t * D).value) for t in (h, 0.0, -h))
    assert slope == pytest.approx((up - down) / (2 * h), rel=1e-6)
    assert bend == pytest.approx((up - 2 * here + down) / h**2, rel=1e-5)


def test_plane_agrees_with_lines(loss: Softmax) -> None:
    M, D, E = (loss.margins(logits(seed)) for seed in (1, 2, 3))
    value, gradient, bend = loss.plane(M, torch.stack([D, E]))
    assert float(value) == pytest.approx(float(loss.summary(M).value), rel=1e-14)
    for a, b in ((1.0, 0.0), (0.0, 1.0), (0.7, -0.4)):
        c = torch.tensor([a, b], dtype=torch.float64)
        expected = loss.slope(M, a * D + b * E)
        found = torch.stack([gradient @ c, c @ bend @ c])
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_curvatures_are_numerical_derivatives_of_the_residual(loss: Softmax) -> None:
    M, D = loss.margins(logits(1)), loss.margins(logits(2))
    h = 1e-6
    expected = (loss.residual(M + h * D) - loss.residual(M - h * D)) / (2 * h)
    torch.testing.assert_close(loss.bent(loss.curvature(M), D), expected, rtol=1e-7, atol=1e-8)

    def summed(direction: torch.Tensor, t: float) -> torch.Tensor:
        return loss.residual(M + t * direction).sum(dim=0)

    C = loss.summary(M).curvature
    for k in range(5):
        E = loss.of_intercept(torch.eye(5, dtype=torch.float64)[k])
        expected = (summed(E, h) - summed(E, -h)) / (2 * h)
        torch.testing.assert_close(C[:, k], expected, rtol=1e-7, atol=1e-8)


def test_hessian_is_autograds(loss: Softmax) -> None:
    generator = torch.Generator().manual_seed(4)
    Z = torch.randn(30, 3, dtype=torch.float64, generator=generator)
    P = torch.randn(5, 3, dtype=torch.float64, generator=generator)

    def value(flat: torch.Tensor) -> torch.Tensor:
        losses = torch.nn.functional.cross_entropy(Z @ flat.reshape(5, 3).T, Y, reduction="none")
        return losses @ weights(loss)

    expected = torch.autograd.functional.hessian(value, P.flatten())
    found = loss.hessian(loss.margins(Z @ P.T), Z)
    torch.testing.assert_close(found[0], expected, rtol=1e-10, atol=1e-10)


def test_taking_rows(loss: Softmax) -> None:
    M = loss.margins(logits(1))
    torch.testing.assert_close(
        loss.take(slice(3, 20, 4)).residual(M[3:20:4]), loss.residual(M)[3:20:4]
    )


@pytest.mark.parametrize(
    ("margin", "dtype"),
    [(m, torch.float64) for m in (-700.0, -100.0, -40.0, -1e-9, 0.0, 5.0, 50.0, 800.0)]
    + [(m, torch.float32) for m in (-80.0, -40.0, -1e-4, 0.0, 5.0, 50.0, 800.0)],
)
def test_nothing_is_lost_to_cancellation(margin: float, dtype: torch.dtype) -> None:
    """Two wrong classes at ``margin`` and just below it, against 200 digits."""
    m = torch.tensor([[margin, 0.0, margin - 1]], dtype=dtype)
    loss = Softmax(torch.tensor([1]), None)
    summary = loss.summary(m)
    with mpmath.workdps(200):
        a, b = (mpmath.exp(mpmath.mpf(float(v))) for v in (m[0, 0], m[0, 2]))
        exact = float(mpmath.log(1 + a + b))
        residual = float(-(a + b) / (1 + a + b))
        C00 = float(a * (1 + b) / (1 + a + b) ** 2)
    eps = torch.finfo(dtype).eps
    scale = max(1.0, abs(margin))  # exp turns a rounding of its argument into a relative one
    assert float(summary.value) == pytest.approx(exact, rel=4 * eps * scale)
    assert float(loss.residual(m)[0, 1]) == pytest.approx(residual, rel=4 * eps * scale)
    found = float(summary.curvature[0, 0])
    assert found == pytest.approx(C00, rel=8 * eps * scale, abs=float(torch.finfo(dtype).tiny))
    assert math.isfinite(float(summary.value))


def test_intercept_margins(loss: Softmax) -> None:
    b = torch.arange(5, dtype=torch.float64)
    np.testing.assert_array_equal(loss.of_intercept(b), loss.margins(b.repeat(30, 1)))
