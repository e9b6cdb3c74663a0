"""Curvature seen along the last directions, put on top of a first guess: L-BFGS's formula.

Nocedal and Wright, Numerical Optimization (2006), algorithm 7.4 (the two-loop recursion), here the
preconditioner of conjugate gradients (Morales and Nocedal 2000): the directions of the last solves
are conjugate, so that what they saw is taken out of the next one. Two things are particular. The
memory outlives the value of l2: a pair is ``s`` and ``y = H s`` with ``H = H_loss + l2 I``, so
what is kept is ``H_loss s``, and ``l2 s`` is added for the l2 at hand. And because H_loss shrinks
as the fit improves (on separable data in proportion to l2), what is kept is scaled by the trace
of the curvature now over that at the time.
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
    """The last ``size`` pairs of a direction and what the curvature makes of it."""

    def __init__(self, size: int) -> None:
        # What was seen: s, H_loss s, and the size of H_loss at the time.
        self._seen: deque[tuple[Tensor, Tensor, float]] = deque(maxlen=size)
        # The same for the l2 at hand: s, y, s y.
        self._pairs: deque[tuple[Tensor, Tensor, float]] = deque(maxlen=size)

    def tune(self, l2: float, trace: float) -> None:
        """Make the pairs those of ``l2`` and of a loss whose curvature has this ``trace``."""
        self._pairs.clear()
        for s, y, then in self._seen:
            self._append(s, torch.mul(y, trace / then).add_(s, alpha=l2))

    def remember(self, s: Tensor, y: Tensor, l2: float, trace: float) -> None:
        """Keep a direction ``s`` and ``y = H s``, at ``l2``."""
        loss_part = y.sub(s, alpha=l2)
        # The loss is convex: less than nothing can only be rounding, and says nothing.
        if dot(s, loss_part) > 0 and trace > 0:
            self._seen.append((s, loss_part, trace))
            self._append(s, y)

    def solve(self, G: Tensor, first: Callable[[Tensor], Tensor]) -> Tensor:
        """The inverse curvature applied to ``G``, with ``first`` as the guess to improve."""
        q = G.clone()
        alphas: list[float] = []
        for s, y, sy in reversed(self._pairs):
            alpha = dot(s, q) / sy
            alphas.append(alpha)
            q.sub_(y, alpha=alpha)
        d = first(q)
        for (s, y, sy), alpha in zip(self._pairs, reversed(alphas), strict=True):
            d.add_(s, alpha=alpha - dot(y, d) / sy)
        return d

    def _append(self, s: Tensor, y: Tensor) -> None:
        sy = dot(s, y)
        if sy > 0:
            self._pairs.append((s, y, sy))
