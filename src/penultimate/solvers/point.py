"""The minimum at one value of l2: preconditioned L-BFGS with the intercept eliminated.

What is minimised is ``F(W) = min_b f(W, b)``: after every step the intercept is brought to its
minimum at the new margins, which takes a pass or two over (n, K) and no product with the
features. F is strongly convex with constant l2 and its gradient is that of f by W there, so
``||grad||^2 / (2 l2)`` bounds the distance from the minimum at every step.

One iteration is one product forth (the direction's margins), a search along the line, and one
product back (the gradient): two products are the price, however long the search.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from penultimate.solvers.curvature import KroneckerCurvature, solve_intercept
from penultimate.solvers.lbfgs import Memory, dot
from penultimate.solvers.reduction import Reduced
from penultimate.solvers.result import Outcome
from penultimate.solvers.search import Quadratic, minimise_along
from penultimate.solvers.softmax import Softmax, SoftmaxAt

# The Newton decrement of L-BFGS's model can be smaller than the truth, where the model bends
# too much: stop only when it is this much below the tolerance.
SAFETY = 0.1


@dataclass(frozen=True)
class Solution:
    """Parameters in the reduced features, their margins, and the loss there."""

    W: Tensor
    b: Tensor
    margins: Tensor
    at: SoftmaxAt


@dataclass(frozen=True)
class Report:
    """How good a solution is, in the units of the reduced problem."""

    objective: float
    gradient_norm: float
    bound: float
    estimate: float
    outcome: Outcome
    products: int


def start(loss: Softmax, frequencies: Tensor, r: int) -> Solution:
    """The minimum at infinite l2: no coefficients, the intercept of the class frequencies."""
    b = torch.log(frequencies)
    b = b - b.mean()
    margins = loss.of_intercept(b)
    return Solution(b.new_zeros(loss.n_classes, r), b, margins, loss.at(margins))


def eliminate_intercept(loss: Softmax, solution: Solution) -> tuple[Solution, Tensor, Tensor]:
    """The best intercept for the solution's W, with the residual and the curvature there."""
    for _ in range(30):
        residual, C = loss.residual(solution.at), loss.curvature(solution.at)
        g = residual.sum(dim=0)
        step = solve_intercept(C, g)
        if dot(g, step) <= 1e-14 * solution.at.value:
            break
        along = loss.of_intercept(-step)
        found = minimise_along(loss, solution.margins, solution.at, along, Quadratic())
        if found is None:
            break
        solution = Solution(solution.W, solution.b - found.t * step, found.margins, found.at)
    return solution, residual, C


def extrapolate(loss: Softmax, last: Solution, before: Solution, l2: float) -> Solution:
    """The best point for ``l2`` on the line through the last two solutions.

    Solutions move smoothly in log l2, so the secant foretells the next one; how far to go along
    it costs no product with the features, the margins of both being known.
    """
    dW, db = last.W - before.W, last.b - before.b
    direction = last.margins - before.margins
    penalty = Quadratic(0.0, l2 * dot(last.W, dW), l2 * dot(dW, dW))
    found = minimise_along(loss, last.margins, last.at, direction, penalty)
    if found is None:
        return last
    return Solution(last.W + found.t * dW, last.b + found.t * db, found.margins, found.at)


def minimise(
    loss: Softmax,
    features: Reduced,
    solution: Solution,
    l2: float,
    memory: Memory,
    *,
    tolerance: float,
    max_products: int,
) -> tuple[Solution, Report]:
    """The minimum at ``l2`` (in the reduced features' units), from ``solution``.

    ``memory`` may hold what was seen at other values of l2, and is added to.
    """
    Z = features.Z
    products = 0
    step: Tensor | None = None
    old_gradient: Tensor | None = None
    while True:
        solution, residual, C = eliminate_intercept(loss, solution)
        W, at = solution.W, solution.at
        G = residual.T @ Z
        G.add_(W, alpha=l2)
        products += 1
        trace = float(C.trace())
        if step is not None and old_gradient is not None:
            memory.remember(step, (G - old_gradient).sub_(step, alpha=l2), trace)
        curvature = KroneckerCurvature(C / loss.total, features.spectrum, l2)
        d = memory.solve(G, curvature.solve, l2=l2, trace=trace).neg_()
        slope = dot(G, d)
        objective = at.value + l2 / 2 * dot(W, W)
        norm = float(torch.linalg.vector_norm(G))
        report = Report(
            objective, norm, norm**2 / (2 * l2), -slope / 2, Outcome.CONVERGED, products
        )
        if report.bound <= tolerance * objective:
            return solution, replace(report, outcome=Outcome.CERTIFIED)
        if report.estimate <= SAFETY * tolerance * objective:
            return solution, report
        if products + 2 > max_products:
            return solution, replace(report, outcome=Outcome.OUT_OF_EVALUATIONS)
        direction = loss.margins(Z @ d.T)
        products += 1
        # The intercept goes along, so that the line follows the valley of its minima.
        db = solve_intercept(C, loss.drift(at, direction)).neg_()
        direction += loss.of_intercept(db)
        penalty = Quadratic(l2 / 2 * dot(W, W), l2 * dot(W, d), l2 * dot(d, d))
        found = minimise_along(loss, solution.margins, at, direction, penalty)
        if found is None:
            return solution, replace(report, outcome=Outcome.STALLED, products=products)
        step, old_gradient = found.t * d, G
        solution = Solution(W + step, solution.b + found.t * db, found.margins, found.at)
