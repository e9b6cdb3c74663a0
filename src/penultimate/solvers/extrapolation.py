"""Where the path goes next: the best point in the plane of the last solutions.

Solutions move smoothly in log l2, so that a polynomial through the last ones foretells the next.
Rather than trust a polynomial, whose coefficients multiply the errors of the solutions, the
objective at the new l2 is itself minimised over the plane through the last solutions. Their
margins being known, that takes no product with the features: Newton's method in as many
variables as there are solutions behind the last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from penultimate.solvers.rows import Margins, Rows

NEWTON_STEPS = 8
ENOUGH = 0.02  # of the tolerance: the plane is only a start


@dataclass
class Solution:
    """Parameters in the reduced features, ``W (K, r)`` and ``b (K,)``, and their margins."""

    W: Tensor
    b: Tensor
    margins: Margins

    def copy(self) -> Solution:
        """The same, to be kept while this one moves on; W and b are replaced, never changed."""
        return Solution(self.W, self.b, [block.clone() for block in self.margins])


def extrapolate(
    rows: Rows, last: Solution, before: Sequence[Solution], l2: float, tolerance: float
) -> Solution:
    """A start for ``l2`` from the ``last`` solution and those ``before`` it."""
    if not before:
        return last.copy()
    dW = torch.stack([last.W - other.W for other in before])
    flat = dW.flatten(1)
    gram = (flat @ flat.T).double().cpu()
    pull = (flat @ last.W.flatten()).double().cpu()
    constant = float(last.W.square().sum())
    margins = [other.margins for other in before]

    def at(c: Tensor) -> tuple[float, Tensor, Tensor]:
        value, gradient, bend = rows.plane(last.margins, margins, c)
        penalty = constant / 2 + float(c @ pull) + float(c @ gram @ c) / 2
        return value + l2 * penalty, gradient + l2 * (pull + gram @ c), bend + l2 * gram

    c = torch.zeros(len(before), dtype=torch.float64)
    value, gradient, bend = at(c)
    for _ in range(NEWTON_STEPS):
        step = _newton(bend, gradient)
        if -float(gradient @ step) / 2 <= ENOUGH * tolerance * value:
            break
        size = 1.0
        while size > 1e-3:
            trial = at(c + size * step)
            if trial[0] < value:
                break
            size /= 4
        else:
            break
        c, (value, gradient, bend) = c + size * step, trial
    return Solution(
        last.W + torch.tensordot(c.to(dW), dW, 1),
        last.b + sum(float(a) * (last.b - other.b) for a, other in zip(c, before, strict=True)),
        [
            m + sum(float(a) * (m - other[i]) for a, other in zip(c, margins, strict=True))
            for i, m in enumerate(last.margins)
        ],
    )


def _newton(bend: Tensor, gradient: Tensor) -> Tensor:
    """``-bend^-1 gradient``, but nothing along directions that are at rounding level.

    The last solutions lie nearly on a line; the scale of each direction is taken out first.
    """
    size = bend.diagonal().clamp(min=torch.finfo(bend.dtype).tiny).sqrt()
    values, vectors = torch.linalg.eigh(bend / torch.outer(size, size))
    along = vectors.T @ (gradient / size)
    step = torch.where(values > 1e-7 * values[-1], along / values, 0.0)
    answer: Tensor = vectors @ step
    return -answer / size
