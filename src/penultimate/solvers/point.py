"""The minimum at one value of l2: Newton's method with the intercept eliminated.

What is minimised is ``F(W) = min_b f(W, b)``: after every step the intercept is brought to its
minimum at the new margins, which takes a pass or two over (n, K) and no product with the
features. F is strongly convex with constant l2 and its gradient is that of f by W there, so
``||grad||^2 / (2 l2)`` bounds the distance from the minimum at every step.

Each Newton step is found by conjugate gradients (`newton.py`), two products with the features an
iteration, and scaled by a search along its line, which needs none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch

from penultimate.solvers.curvature import solve_intercept
from penultimate.solvers.extrapolation import Solution
from penultimate.solvers.loss import Summary
from penultimate.solvers.memory import dot
from penultimate.solvers.model import Model, Stall
from penultimate.solvers.newton import newton_step
from penultimate.solvers.result import Outcome
from penultimate.solvers.rows import Margins, Rows
from penultimate.solvers.search import minimise_along

# The estimate is of second order and, for large problems, from a model: stop only when it is this
# much below the tolerance, and solve Newton's equations to this much of it.
SAFETY = 0.25
SOLVED = 0.1
LONGEST = 30.0  # step of an intercept, in logits
# Small problems are solved to this, relative, whatever the tolerance.
POLISHED = 1e-17


@dataclass(frozen=True)
class Line:
    """The objective along a line of margins; the penalty's slope at 0, and its bend, are given."""

    rows: Rows
    margins: Margins
    direction: Margins
    pull: float
    weight: float

    def derivatives(self, t: float) -> tuple[float, float]:
        """First and second derivative at t."""
        slope, bend = self.rows.slope(self.margins, self.direction, t)
        return slope + self.pull + t * self.weight, bend + self.weight


@dataclass(frozen=True)
class Report:
    """How good a solution is, in the units of the reduced problem."""

    objective: float
    gradient_norm: float
    bound: float
    estimate: float
    outcome: Outcome
    products: int


def eliminate_intercept(rows: Rows, solution: Solution) -> tuple[Summary, float]:
    """Bring the intercept to its minimum; how far from it, at most, the value may remain.

    Newton's method: from nearby, as after every step, it takes one or two corrections.
    """
    accuracy = 1e-14 if solution.W.dtype is torch.float64 else 1e-9
    summary = rows.summary(solution.margins)
    left = math.inf
    for _ in range(50):
        if not math.isfinite(float(summary.value)):
            break
        step = solve_intercept(
            summary.curvature, summary.gradient, shift_invariant=rows.shift_invariant
        ).neg_()
        # Where every example is decided the curvature is nearly nought and tells nothing.
        step *= min(1.0, LONGEST / max(float(step.abs().max()), LONGEST))
        before, left = left, -float(summary.gradient @ step) / 2
        if left <= accuracy * float(summary.value):
            break
        if left > before / 4:
            # Far from the minimum, or at rounding level: look along the line.
            if left < 1e3 * accuracy * float(summary.value):
                break
            direction = [torch.zeros_like(block) for block in solution.margins]
            rows.add_intercept(direction, step)
            line = Line(rows, solution.margins, direction, 0.0, 0.0)
            step *= minimise_along(line.derivatives, -2 * left)
        rows.add_intercept(solution.margins, step)
        solution.b = solution.b + step
        summary = rows.summary(solution.margins)
    return summary, max(left, 0.0)


def minimise(
    rows: Rows,
    solution: Solution,
    l2: float,
    model: Model,
    *,
    tolerance: float,
    max_products: int,
) -> Report:
    """Move ``solution`` to the minimum at ``l2`` (in the reduced features' units).

    ``model`` may hold what was seen at other values of l2, and is added to.
    """
    products = 0
    polish = 3 if rows.hessian_is_cheap else 0
    stall = Stall(torch.finfo(solution.W.dtype).eps)
    while True:
        summary, left = eliminate_intercept(rows, solution)
        if not math.isfinite(float(summary.value)):
            return Report(math.inf, math.inf, math.inf, math.inf, Outcome.STALLED, products)
        W, C = solution.W, summary.curvature
        G = rows.gradient(solution.margins).add_(W, alpha=l2)
        products += 1
        model.update(rows, solution.margins, C, l2)
        objective = float(summary.value) + l2 / 2 * dot(W, W)
        stall.observe(objective)
        norm = float(torch.linalg.vector_norm(G))
        # The intercept is not quite at its minimum: its share, and what it hides of G.
        hidden = math.sqrt(2 * left * rows.max_curvature * float(rows.spectrum.max()))
        bound = left + (norm + hidden) ** 2 / (2 * l2)
        estimate = min(rows.caution * model.decrement(G), bound)
        report = Report(objective, norm, bound, estimate, Outcome.STALLED, products)
        if bound <= tolerance * objective:
            report = replace(report, outcome=Outcome.CERTIFIED)
        elif estimate <= SAFETY * tolerance * objective:
            report = replace(report, outcome=Outcome.CONVERGED)
        if report.outcome.good:
            # Newton's last steps double the digits, and for small problems they cost nothing.
            polish -= 1
            if polish < 0 or estimate <= POLISHED * objective or products + 3 > max_products:
                return report
        elif stall.stalled:
            return report
        elif products + 3 > max_products:
            return replace(report, outcome=Outcome.OUT_OF_EVALUATIONS)
        step = newton_step(
            rows,
            solution.margins,
            G,
            C,
            model,
            l2,
            enough=SOLVED * tolerance * objective / rows.caution,
            max_products=max_products - products - 1,
        )
        products += step.products
        model.ratio = step.ratio
        stall.promise(objective, step.decrement)
        slope = dot(G, step.W)
        t = 0.0
        if slope < 0:
            pull, weight = l2 * dot(W, step.W), l2 * dot(step.W, step.W)
            line = Line(rows, solution.margins, step.margins, pull, weight)
            t = minimise_along(line.derivatives, slope)
        # Less than rounding moves W at all: no step can be told from none.
        if not t * math.sqrt(dot(step.W, step.W)) > torch.finfo(W.dtype).eps * math.sqrt(dot(W, W)):
            return replace(report, products=products)
        solution.W, solution.b = W + t * step.W, solution.b + t * step.b
        for block, along in zip(solution.margins, step.margins, strict=True):
            block.add_(along, alpha=t)
