"""The whole regularisation path, each solution the start of the next."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from penultimate.errors import SolverError
from penultimate.solvers.lbfgs import Memory
from penultimate.solvers.point import Report, Solution, extrapolate, minimise, start
from penultimate.solvers.reduction import Reduced, reduce
from penultimate.solvers.result import Path
from penultimate.solvers.softmax import Softmax
from penultimate.solvers.validation import (
    check_features,
    check_grid,
    check_labels,
    check_tolerance,
    check_weights,
)

MEMORY = 20  # pairs of L-BFGS; they outlive the value of l2 they were seen at


def softmax_path(
    X: NDArray[np.floating] | Tensor,
    y: ArrayLike | Tensor,
    n_classes: int,
    l2: ArrayLike,
    *,
    sample_weight: ArrayLike | Tensor | None = None,
    tolerance: float = 1e-4,
    max_evaluations: int = 1000,
    progress: Callable[[int], object] | None = None,
) -> Path:
    """L2-regularised multinomial logistic regression at every value of ``l2``.

    Minimises ``sum_i w_i CE_i + (l2 / 2) ||W||_F^2`` over ``W (K, D)`` and an intercept that is
    not penalised, so that ``l2`` is ``1 / C`` of scikit-learn (Kornblith et al. 2019, section
    4.1, with the convention of a sum over examples).

    Parameters
    ----------
    X : (n, D) features, NumPy or torch; the work is done on the tensor's device in float64.
    y : (n,) class numbers in [0, n_classes).
    n_classes : K.
    l2 : (P,) positive values, in any order and with repetitions if need be.
    sample_weight : (n,) not negative; ones if None. An example of weight 0 is as good as absent.
    tolerance : how far above its minimum, relative, an objective may end.
    max_evaluations : how many passes forth and back over the features one value of l2 may take.
    progress : called with the number of values just solved.

    Returns
    -------
    A `Path` in the order of ``l2``. The coefficients sum to zero over the classes. A class
    without an example (of positive weight) gets coefficients 0 and intercept ``-inf``, the limit
    in which the objective takes its infimum: such a class is never predicted and has probability
    0, and the others are as if it did not exist.

    Raises
    ------
    SolverError : features that are not finite, labels out of range, fewer than two classes with
        an example, a value of l2 that is not positive, shapes that do not fit.
    """
    features = check_features(X)
    n, d = features.shape
    labels = check_labels(y, n, n_classes)
    grid = check_grid(l2)
    weights = check_weights(sample_weight, n)
    check_tolerance(tolerance, max_evaluations)

    present, labels_present = np.unique(labels[weights > 0], return_inverse=True)
    if len(present) < 2:
        raise SolverError(
            f"every example is of class {present[0]}; a classifier needs examples of at least 2 "
            "classes"
        )
    features = features.to(torch.float64)
    w = torch.from_numpy(weights).to(features.device)
    if not weights.all():
        features, w = features[w > 0], w[w > 0]
    target = torch.from_numpy(labels_present).to(features.device)

    loss = Softmax(target, w, len(present))
    reduced = reduce(features, w)
    solved = _descend(
        loss,
        reduced,
        grid,
        tolerance=tolerance,
        max_evaluations=max_evaluations,
        progress=progress,
    )
    return _assemble(
        solved,
        reduced,
        grid,
        present=present,
        n_classes=n_classes,
        n_features=d,
        tolerance=tolerance,
        max_evaluations=max_evaluations,
    )


Solved = dict[float, tuple[Tensor, Tensor, Report]]


def _descend(
    loss: Softmax,
    reduced: Reduced,
    grid: NDArray[np.float64],
    *,
    tolerance: float,
    max_evaluations: int,
    progress: Callable[[int], object] | None,
) -> Solved:
    """Coefficients, intercept (both in X) and report for each different value, largest first."""
    frequencies = torch.zeros(loss.n_classes, dtype=reduced.Z.dtype, device=reduced.Z.device)
    frequencies.index_add_(0, loss.labels, loss.weights)
    last, before = start(loss, frequencies, reduced.Z.shape[1]), None
    memory = Memory(MEMORY)
    solved: Solved = {}
    for value in np.unique(grid)[::-1].tolist():
        scaled = reduced.l2(value)
        begin: Solution = last if before is None else extrapolate(loss, last, before, scaled)
        solution, report = minimise(
            loss,
            reduced,
            begin,
            scaled,
            memory,
            tolerance=tolerance,
            max_products=2 * max_evaluations,
        )
        last, before = solution, last
        solved[value] = (*reduced.restore(solution.W, solution.b), report)
        if progress is not None:
            progress(int((grid == value).sum()))
    return solved


def _assemble(
    solved: Solved,
    reduced: Reduced,
    grid: NDArray[np.float64],
    *,
    present: NDArray[np.int64],
    n_classes: int,
    n_features: int,
    tolerance: float,
    max_evaluations: int,
) -> Path:
    """The result in the caller's order, with the absent classes put back."""
    coef = np.zeros((len(grid), n_classes, n_features))
    intercept = np.full((len(grid), n_classes), -np.inf)
    for i, value in enumerate(grid.tolist()):
        W, b, _ = solved[value]
        coef[i, present] = W.cpu().numpy()
        intercept[i, present] = b.cpu().numpy()
    reports = [solved[value][2] for value in grid.tolist()]
    return Path(
        l2=grid.copy(),
        coef=coef,
        intercept=intercept,
        objective=np.array([r.objective for r in reports]),
        gradient_norm=np.array([reduced.gradient_norm(r.gradient_norm) for r in reports]),
        suboptimality_bound=np.array([r.bound for r in reports]),
        suboptimality_estimate=np.array([r.estimate for r in reports]),
        converged=np.array([r.outcome.good for r in reports]),
        status=tuple(
            r.outcome.value.format(
                tolerance=tolerance,
                max_evaluations=max_evaluations,
                gap=r.estimate / r.objective,
            )
            for r in reports
        ),
        evaluations=math.ceil(sum(r.products for _, _, r in solved.values()) / 2),
    )
