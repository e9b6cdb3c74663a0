"""The Newton step by preconditioned conjugate gradients, its margins made on the way.

Solves ``H d = -g`` for the second derivative H of ``F(W) = min_b f(W, b)``, which is never formed:
a product with it is one product of the features forth (the direction's margins) and one back.
The intercept follows every direction to where it stays at its minimum (the Schur complement).
Since margins are linear, those of the step are summed up along with it and cost nothing more.

The decrement ``g H^-1 g / 2``, which is how far the quadratic model lies above its minimum, grows
from iteration to iteration by known amounts (Hestenes and Stiefel 1952; Strakos and Tichy 2002).
What is missing of it is estimated twice: from how fast these amounts fall, and from the
preconditioner's own decrement, which every residual has for nothing, times the ratio by which that
was out before. The amounts then tell the ratio anew.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from penultimate.solvers.curvature import solve_intercept
from penultimate.solvers.memory import dot
from penultimate.solvers.model import Model
from penultimate.solvers.rows import Margins, Rows

LOOK_BACK = 4  # iterations that the fall of the gains is judged by
SLOWEST = 0.95  # fall from one to the next that is reckoned with
ACCURACY = 0.05  # of the decrement: Newton's next step mends the rest
FORGET = 0.8  # of the ratio seen before, which what is seen now cannot fall below


@dataclass
class Step:
    """A direction ``W (K, r)``, ``b (K,)`` with its ``margins``.

    ``decrement`` is what the quadratic model promises; ``ratio`` how many times what the
    preconditioner said of it, at worst; ``products`` with the features were needed.
    """

    W: Tensor
    b: Tensor
    margins: Margins
    decrement: float
    ratio: float
    products: int


def newton_step(
    rows: Rows,
    margins: Margins,
    G: Tensor,
    C: Tensor,
    model: Model,
    l2: float,
    *,
    enough: float,
    max_products: int,
) -> Step:
    """The step that answers the gradient ``G (K, r)``, to where little is missing of it.

    Parameters
    ----------
    C : (K, K) curvature by the intercept.
    enough : how much of the decrement, in the objective's units, may be missing in any case.
    max_products : at least two are made.
    """
    curvature = rows.curvature(margins)
    step = Step(torch.zeros_like(G), torch.zeros_like(C[0]), [], 0.0, 0.0, 0)
    r = G.neg()
    z = model.solve(r)
    rz = dot(r, z)
    p = z
    gains: list[float] = []
    guesses: list[float] = []
    while True:
        along = rows.margins(p, torch.zeros_like(step.b))
        db = solve_intercept(
            C, rows.drift(curvature, along), shift_invariant=rows.shift_invariant
        ).neg_()
        rows.add_intercept(along, db)
        Hp = rows.bent(curvature, along).add_(p, alpha=l2)
        step.products += 2
        bend = dot(p, Hp)
        if not (bend > 0 and rz > 0):  # rounding
            break
        size = rz / bend
        _add(step, p, db, along, size)
        model.remember(p, Hp)
        gains.append(size * rz / 2)
        guesses.append(rz / 2)
        r = r.sub_(Hp, alpha=size)
        z = model.solve(r)
        before, rz = rz, dot(r, z)
        exact = rz <= 1e-12 * 2 * guesses[0]
        missing = max(_tail(gains), model.ratio * rz / 2)
        solved = missing <= max(ACCURACY * sum(gains), enough)
        if exact or solved or step.products + 2 > max_products:
            break
        p = z.add(p, alpha=rz / before)
    step.decrement = sum(gains)
    step.ratio = max(_ratio(gains, guesses), FORGET * model.ratio)
    return step


def _add(step: Step, p: Tensor, db: Tensor, along: Margins, size: float) -> None:
    """Add ``size`` of a direction, whose margins are used up."""
    step.W.add_(p, alpha=size)
    step.b.add_(db, alpha=size)
    if step.margins:
        for block, more in zip(step.margins, along, strict=True):
            block.add_(more, alpha=size)
    else:
        step.margins = [block.mul_(size) for block in along]


def _tail(gains: list[float]) -> float:
    """What is still to come after ``gains`` that fall like a geometric series."""
    back = min(LOOK_BACK, len(gains) - 1)
    q = (gains[-1] / gains[-1 - back]) ** (1 / back) if back else SLOWEST
    q = min(q, SLOWEST)
    return gains[-1] * q / (1 - q)


def _ratio(gains: list[float], guesses: list[float]) -> float:
    """What was really to be gained over what the preconditioner said, at worst.

    What is left at iteration j is what all from there on gained, and what did not come any more.
    """
    if not gains:
        return 0.0
    left, worst = _tail(gains), 0.0
    for gain, guess in zip(reversed(gains), reversed(guesses), strict=True):
        left += gain
        worst = max(worst, left / guess)
    return worst
