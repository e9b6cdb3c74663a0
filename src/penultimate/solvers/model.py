"""What the solver believes of the curvature, and of its own beliefs."""

from __future__ import annotations

import math

from torch import Tensor

from penultimate.solvers.curvature import ExactCurvature, KroneckerCurvature
from penultimate.solvers.memory import Memory, dot
from penultimate.solvers.rows import Margins, Rows

MEMORY = 20  # directions that are remembered; they outlive the value of l2 they were seen at
# A model of the curvature is made anew when its trace has changed by this much.
RETUNE = 0.2
FIRST_RATIO = 4.0  # of the decrement to what the model says of it, before anything is known


class Model:
    """The inverse of the curvature: exact for small problems, else a first guess with a memory."""

    def __init__(self) -> None:
        self._memory = Memory(MEMORY)
        self._seen: list[tuple[Tensor, Tensor]] = []
        self._first: KroneckerCurvature | ExactCurvature | None = None
        self._l2 = math.nan
        self._trace = math.nan
        self._exact = False
        self.ratio = FIRST_RATIO
        """By how much the true decrement is larger than the model's, at worst."""

    def update(self, rows: Rows, margins: Margins, C: Tensor, l2: float) -> None:
        """Be the model at ``margins``, where the intercept's curvature is ``C (K, K)``."""
        trace = float(C.trace())
        if rows.hessian_is_cheap:
            H = rows.hessian(margins)
            exact = ExactCurvature(H, l2, n_outputs=len(C), shift_invariant=rows.shift_invariant)
            self._exact = exact.usable
            if exact.usable:
                self._first, self.ratio = exact, 1.0
                return
        for p, Hp in self._seen:
            self._memory.remember(p, Hp, self._l2, self._trace)
        self._seen.clear()
        if l2 != self._l2 or not abs(trace - self._trace) <= RETUNE * self._trace:
            self._first = KroneckerCurvature(C / rows.weight, rows.spectrum_now(margins), l2)
            self._memory.tune(l2, trace)
            self._l2, self._trace = l2, trace

    def solve(self, G: Tensor) -> Tensor:
        """The inverse applied to ``G (K, r)``."""
        assert self._first is not None
        if self._exact:
            return self._first.solve(G)
        return self._memory.solve(G, self._first.solve)

    def remember(self, p: Tensor, Hp: Tensor) -> None:
        """Take in a direction and its product with the curvature, from the next update on.

        Not at once: conjugate gradients need one and the same preconditioner all the way.
        """
        if not self._exact:
            self._seen.append((p, Hp))
            del self._seen[:-MEMORY]

    def decrement(self, G: Tensor) -> float:
        """Half of ``G H^-1 G``, as experience corrects what the model says of it."""
        return self.ratio * dot(G, self.solve(G)) / 2


class Stall:
    """Whether steps have stopped to gain anything.

    Three steps in a row that gain nothing that can be told from rounding, where what was promised
    could, are a stall; so, in float32, are four that gain less than a tenth of it, there being
    float64 to turn to.
    """

    def __init__(self, eps: float) -> None:
        self._visible = 20 * eps
        self._patience = 4 if eps > 1e-10 else math.inf
        self._last: tuple[float, float] | None = None
        self._failures = 0
        self._poor = 0

    @property
    def stalled(self) -> bool:
        """Whether it is so."""
        return self._failures >= 3 or self._poor >= self._patience

    def promise(self, objective: float, decrement: float) -> None:
        """A step is made from ``objective`` that should lower it by ``decrement``."""
        self._last = objective, decrement

    def observe(self, objective: float) -> None:
        """This is where it led to."""
        if self._last is None:
            return
        before, promised = self._last
        rounding = self._visible * abs(before)
        if promised > 5 * rounding:
            gained = before - objective
            self._failures = self._failures + 1 if gained < rounding else 0
            self._poor = self._poor + 1 if gained < 0.1 * promised else 0
