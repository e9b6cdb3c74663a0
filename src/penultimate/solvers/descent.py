"""Down the path: from strong to weak regularisation, each solution the start of the next.

The work is done in the features' own precision where the tolerance allows that. Where float32
comes to its end (a stall, or columns too far apart in scale), the rest of the path is done in
float64, from the solution reached.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from penultimate.errors import SolverError
from penultimate.solvers.extrapolation import Solution, extrapolate
from penultimate.solvers.model import Model
from penultimate.solvers.point import Report, minimise
from penultimate.solvers.reduction import Reduced
from penultimate.solvers.result import Outcome
from penultimate.solvers.rows import Rows

# For features scaled to 1. Losses go down with l2, and float32 squares nothing below 1e-19.
FLOAT32_L2 = 1e-12
SMALLEST_L2 = 1e-40
STRIDE = 3.0
ON_THE_WAY = 1e-3  # the tolerance for values of l2 that nobody asked for


class Problem(Protocol):
    """A problem that can be set up in either precision."""

    n_outputs: int
    dtype: torch.dtype
    history: int
    """How many solutions behind the last one the next start is sought among."""

    def build(self, dtype: torch.dtype) -> tuple[Reduced, Rows]:
        """The reduced features and the rows, in ``dtype``."""


@dataclass(frozen=True)
class Settings:
    """How well, and for how long."""

    tolerance: float
    max_evaluations: int
    progress: Callable[[int], object] | None


@dataclass(frozen=True)
class Solved:
    """Solutions for X at every value of the grid, float64, and what is known of them."""

    coef: Tensor
    intercept: Tensor
    reports: list[Report]
    evaluations: int


@dataclass
class _Stage:
    """A stretch of the path in one precision."""

    reduced: Reduced
    rows: Rows
    W: list[Tensor]
    b: list[Tensor]


def descend(problem: Problem, grid: NDArray[np.float64], settings: Settings) -> Solved:
    """Solve at every value of ``grid``, largest first; the answer is in the grid's order."""
    stage = _Stage(*problem.build(problem.dtype), [], [])
    smallest = stage.reduced.l2(float(grid.min()))
    _check_scale(stage.reduced, smallest, float(grid.min()))
    if stage.rows.dtype is torch.float32 and smallest < FLOAT32_L2:
        stage = _Stage(*problem.build(torch.float64), [], [])
    stages = [stage]
    last = _nothing(stage, problem.n_outputs)
    strongest = stage.rows.max_curvature * float(stage.rows.spectrum.max()) * stage.reduced.scale**2
    before: deque[Solution] = deque(maxlen=problem.history)
    model = Model()
    reports: dict[float, Report] = {}
    products = 0
    for value, wanted in schedule(grid, strongest):
        tolerance = settings.tolerance if wanted else max(settings.tolerance, ON_THE_WAY)
        while True:
            l2 = stage.reduced.l2(value)
            solution = extrapolate(stage.rows, last, before, l2, tolerance)
            if stage.rows.drifted(solution.W, solution.b, solution.margins) > settings.tolerance:
                solution.margins = stage.rows.margins(solution.W, solution.b)
                products += 1
            report = minimise(
                stage.rows,
                solution,
                l2,
                model,
                tolerance=tolerance,
                max_products=2 * settings.max_evaluations,
            )
            products += report.products
            if (
                report.outcome is not Outcome.STALLED
                or stage.reduced.spectrum.dtype is torch.float64
            ):
                break
            stage, last = _in_float64(problem, stage.reduced, solution)
            stages.append(stage)
            before.clear()
            model = Model()
        before.append(last)
        last = solution
        if not wanted:
            continue
        stage.W.append(solution.W)
        stage.b.append(solution.b)
        reports[value] = report
        if settings.progress is not None:
            settings.progress(int((grid == value).sum()))
    restored = [s.reduced.restore(torch.stack(s.W), torch.stack(s.b)) for s in stages if s.W]
    # From largest first to the grid's order.
    order = torch.from_numpy(np.unique(-grid, return_inverse=True)[1])
    return Solved(
        torch.cat([coef.cpu() for coef, _ in restored])[order],
        torch.cat([intercept.cpu() for _, intercept in restored])[order],
        [
            _unscaled(reports[value], stages[0].reduced)  # every stage has the same scale
            for value in grid.tolist()
        ],
        (products + 1) // 2,
    )


def schedule(grid: NDArray[np.float64], strongest: float) -> list[tuple[float, bool]]:
    """The values to solve at, largest first, and which of them are the grid's.

    From ``strongest``, where the coefficients are all but nothing, and across wide gaps of the
    grid there are values on the way, at most `STRIDE` apart: from far off, the first steps on
    separable data overshoot by orders of magnitude.
    """
    plan: list[tuple[float, bool]] = []
    previous = strongest
    for value in np.unique(grid)[::-1].tolist():
        steps = math.ceil(math.log(previous / value, STRIDE)) if 0 < value < previous else 0
        plan += [(previous * (value / previous) ** (i / steps), False) for i in range(1, steps)]
        plan.append((value, True))
        previous = min(previous, value)
    return plan


def _check_scale(reduced: Reduced, smallest: float, given: float) -> None:
    """Refuse features so large that the penalty is lost beside them."""
    if smallest < SMALLEST_L2:
        raise SolverError(
            f"features reach {reduced.scale:.0e}, beside which l2 = {given:g} is nothing; "
            "divide the features by a constant"
        )


def _nothing(stage: _Stage, k: int) -> Solution:
    """No coefficients and no intercept; the first step finds the intercept."""
    spectrum = stage.reduced.spectrum
    W, b = spectrum.new_zeros(k, len(spectrum)), spectrum.new_zeros(k, dtype=torch.float64)
    return Solution(W, b, stage.rows.margins(W, b))


def _in_float64(problem: Problem, reduced: Reduced, solution: Solution) -> tuple[_Stage, Solution]:
    """The problem set up anew in float64, and the solution carried over."""
    coef, intercept = reduced.restore(solution.W, solution.b)
    stage = _Stage(*problem.build(torch.float64), [], [])
    if not bool(torch.isfinite(coef).all() and torch.isfinite(intercept).all()):
        return stage, _nothing(stage, len(intercept))
    W, b = stage.reduced.enter(coef, intercept)
    return stage, Solution(W, b, stage.rows.margins(W, b))


def _unscaled(report: Report, reduced: Reduced) -> Report:
    """The report in the units of X: only the gradient's norm has any."""
    return Report(
        report.objective,
        reduced.gradient_norm(report.gradient_norm),
        report.bound,
        report.estimate,
        report.outcome,
        report.products,
    )
