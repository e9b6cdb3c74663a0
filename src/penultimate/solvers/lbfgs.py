"""The memory of L-BFGS: curvature seen along the last steps, over a given first guess.

Nocedal and Wright, Numerical Optimization (2006), algorithm 7.4 (the two-loop recursion). Three
things are particular here. The first guess of the inverse is a whole operator, not a number. The
memory outlives the value of l2: a pair is ``s`` and ``y = H s`` with ``H = H_loss + l2 I``, so
what is kept is ``H_loss s``, and ``l2 s`` is added when it is used. And because H_loss shrinks as
the fit improves (on separable data in proportion to l2), what is kept is scaled by the trace of
the curvature now over that at the time. Without this, half again as many evaluations were
needed on separable data, and the Newton decrement came out up to a hundred times too small.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import torch
from torch import Tensor


def dot(a: Tensor, b: Tensor) -> float:
    """The inner product of two tensors of one shape."""
    return float(torch.dot(a.reshape(-1), b.reshape(-1)))


class Memory:
    """The last ``size`` pairs of step and change of the loss's gradient (without the penalty)."""

    def __init__(self, size: int) -> None:
        self._pairs: deque[tuple[Tensor, Tensor, float, float, float]] = deque(maxlen=size)

    def remember(self, s: Tensor, y: Tensor, trace: float) -> None:
        """Keep a step, and the change ``y`` that it made to the gradient of the loss alone.

        ``trace`` is the size of the loss's curvature, in any unit, at the time.
        """
        sy = dot(s, y)
        # The loss is convex: less than nothing can only be rounding, and says nothing.
        if sy > 0 and trace > 0:
            self._pairs.append((s, y, sy, dot(s, s), trace))

    def solve(
        self, G: Tensor, first: Callable[[Tensor], Tensor], *, l2: float, trace: float
    ) -> Tensor:
        """The inverse curvature at ``l2`` applied to ``G``, with ``first`` as the first guess.

        ``trace`` is the size of the loss's curvature now.
        """
        pairs = [
            (s, (trace / then) * y + l2 * s, (trace / then) * sy + l2 * ss)
            for s, y, sy, ss, then in self._pairs
        ]
        q = G.clone()
        alphas: list[float] = []
        for s, y, sy in reversed(pairs):
            alpha = dot(s, q) / sy
            alphas.append(alpha)
            q.sub_(y, alpha=alpha)
        d = first(q)
        for (s, y, sy), alpha in zip(pairs, reversed(alphas), strict=True):
            d.add_(s, alpha=alpha - dot(y, d) / sy)
        return d
