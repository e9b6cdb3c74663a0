"""What the solver believes of the curvature, and of its own beliefs."""

from __future__ import annotations

import math

from torch import Tensor

from penultimate.solvers.curvature import ExactCurvature, KroneckerCurvature
from penultimate.solvers.extrapolation import Solution
from penultimate.solvers.lbfgs import Memory
from penultimate.solvers.rows import Rows

MEMORY = 20  # pairs of L-BFGS; they outlive the value of l2 they were seen at
# A model of the curvature is made anew when its trace has changed by this much.
RETUNE = 0.2


class Trend:
    """What the steps so far say of the estimate, and of rounding.

    A step should lower the objective by about the estimate that stood before it, and leave
    little. Where it lowered it by more, the model bends too much and the next estimate is too
    small by the same factor; where the estimate fell to q of itself, steps of the same kind will
    add up to 1 / (1 - q) of it. Three steps in a row that gain nothing that can be told from
    rounding, where the estimate could, are a stall; so, in float32, are ten that gain less than
    a tenth of what was estimated, there being float64 to turn to.
    """

    def __init__(self, eps: float) -> None:
        self._visible = 20 * eps
        self._last: tuple[float, float] | None = None
        self._failures = 0
        self._poor = 0
        self._patience = 10 if eps > 1e-10 else math.inf
        self.stalled = False
        self.factor = 1.0

    def leave(self) -> None:
        """Another l2: values before are not to be compared with values after."""
        self._last, self._failures, self._poor, self.stalled = None, 0, 0, False

    def observe(self, objective: float, decrement: float) -> float:
        """The estimate, from the ``decrement`` of the model, after one more step."""
        if self._last is not None:
            before, promised = self._last
            rounding = self._visible * abs(before)
            if promised > 5 * rounding:
                gained = (before - objective) / promised
                q = min(max(decrement / promised, 0.0), 0.8)
                self.factor = min(max(1.0, gained) / (1 - q), 100.0)
                self._failures = self._failures + 1 if before - objective < rounding else 0
                self._poor = self._poor + 1 if gained < 0.1 else 0
            self.stalled = self._failures >= 3 or self._poor >= self._patience
        self._last = objective, decrement
        return decrement * self.factor


class Model:
    """The inverse of the curvature, kept up to date: exact for small problems, else L-BFGS's."""

    def __init__(self) -> None:
        self._memory = Memory(MEMORY)
        self._first: KroneckerCurvature | ExactCurvature | None = None
        self._l2 = math.nan
        self._trace = math.nan
        self._exact = False
        self._before: tuple[Tensor, Tensor, float] | None = None

    def leave(self) -> None:
        """Another l2: gradients before are not to be compared with gradients after."""
        self._before = None

    def update(self, rows: Rows, solution: Solution, G: Tensor, C: Tensor, l2: float) -> None:
        """Take in the gradient ``G`` and the intercept's curvature ``C`` at ``solution``."""
        trace = float(C.trace())
        if rows.hessian_is_cheap:
            H = rows.hessian(solution.margins)
            exact = ExactCurvature(H, l2, n_outputs=len(C), shift_invariant=rows.shift_invariant)
            self._exact = exact.usable
            if exact.usable:
                self._first = exact
                return
        if self._before is not None:
            W, G_before, trace_before = self._before
            self._memory.remember(solution.W - W, G - G_before, l2, _between(trace, trace_before))
        self._before = solution.W, G, trace
        if l2 != self._l2 or not abs(trace - self._trace) <= RETUNE * self._trace:
            self._first = KroneckerCurvature(C / rows.weight, rows.spectrum, l2)
            self._memory.tune(l2, trace)
            self._l2, self._trace = l2, trace

    def step(self, G: Tensor) -> Tensor:
        """The step ``(K, r)`` that answers the gradient."""
        assert self._first is not None
        if self._exact:
            return self._first.solve(G).neg_()
        return self._memory.solve(G, self._first.solve).neg_()


def _between(a: float, b: float) -> float:
    """The mean of what an exponential takes on between ``a`` and ``b``.

    The curvature along a step that lowers it by orders of magnitude is that mean, not the last.
    """
    if min(a, b) <= 0:
        return max(a, b)
    return (a - b) / math.log(a / b) if abs(a - b) > 1e-6 * a else (a + b) / 2
