"""What the solver asks of a loss: a few passes over margins, in blocks of rows.

A loss is a convex function of each row's logits. The solver never touches labels; it keeps
*margins* ``(n, K)``, the form of the logits in which the loss loses no digits, which is linear in
(W, b), and asks for sums over rows. Each softmax, logistic and squared hinge is one small file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True)
class Summary:
    """The loss and its derivatives by the intercept, summed over rows.

    ``value`` (), ``gradient (K,)`` and ``curvature (K, K)`` are float64.
    """

    value: Tensor
    gradient: Tensor
    curvature: Tensor


class Loss(Protocol):
    """The loss of the rows of one block."""

    max_curvature: float
    """No example of weight 1 bends the loss by its logits more than this."""

    shift_invariant: bool
    """Whether a constant added to all logits of a row changes nothing (softmax)."""

    caution: float
    """By how much the Newton decrement may be too small because the curvature jumps."""

    weight: float
    """The sum of the rows' weights."""

    def take(self, rows: slice) -> Loss:
        """The loss of some of the rows."""

    def margins(self, logits: Tensor) -> Tensor:
        """Margins ``(n, K)`` from logits; may work in place."""

    def of_intercept(self, b: Tensor) -> Tensor:
        """What an intercept ``b (K,)`` adds to the margins: ``(n, K)``."""

    def residual(self, margins: Tensor) -> Tensor:
        """Derivative of the loss by the logits: ``(n, K)``, weights included."""

    def summary(self, margins: Tensor) -> Summary:
        """Value, gradient and curvature by the intercept."""

    def slope(self, margins: Tensor, direction: Tensor) -> Tensor:
        """First and second derivative along ``direction``, at ``margins``: (2,) float64."""

    def curvature(self, margins: Tensor) -> Tensor:
        """What `bent` needs to know of the margins, ``(n, K)``: computed once, used often."""

    def doubt(self, curvature: Tensor) -> Tensor:
        """The curvature of each row by its logits, summed over classes: ``(n,)``."""

    def bent(self, curvature: Tensor, direction: Tensor) -> Tensor:
        """How the residual changes along ``direction``, both ``(n, K)``, weights included."""

    def hessian(self, margins: Tensor, Z: Tensor) -> Tensor:
        """Second derivative by all coefficients of ``Z (n, r)``, float64.

        (1, K r, K r), or one block a class, (K, r, r), where classes are independent.
        """

    def plane(self, margins: Tensor, directions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Value (), gradient (m,) and curvature (m, m) over ``directions (m, n, K)``, float64."""
