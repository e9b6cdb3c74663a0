"""The regularisation path of softmax regression: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from penultimate.errors import SolverError
from penultimate.solvers.descent import Settings, Solved, descend
from penultimate.solvers.reduction import Reduced, reduce
from penultimate.solvers.result import Path
from penultimate.solvers.rows import BLOCK_BYTES, Rows, alone, hessian_is_cheap
from penultimate.solvers.softmax import Softmax
from penultimate.solvers.validation import (
    check_features,
    check_grid,
    check_labels,
    check_tolerance,
    check_weights,
)

FLOAT32_TOLERANCE = 1e-6  # below it, float32 is not tried
FLOAT32_SPREAD = 1e5  # columns farther apart in size than this are not mixed in float32


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
    X : (n, D) features, NumPy or torch. The work is done on a tensor's device, in float32 for
        float32 features where that can reach the tolerance, else in float64.
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
    w = None if (weights == 1).all() else torch.from_numpy(weights).to(features.device)
    if w is not None and not weights.all():
        features, w = features[w > 0], w[w > 0]
    target = torch.from_numpy(labels_present).to(features.device)

    problem = SoftmaxProblem(features, target, len(present), w, tolerance)
    solved = descend(problem, grid, Settings(tolerance, max_evaluations, progress))
    coef = np.zeros((len(grid), n_classes, d))
    intercept = np.full((len(grid), n_classes), -np.inf)
    coef[:, present] = solved.coef.numpy()
    intercept[:, present] = solved.intercept.numpy()
    return assemble(grid, coef, intercept, solved, tolerance, max_evaluations)


class SoftmaxProblem:
    """Softmax regression on features that lie in memory."""

    def __init__(
        self, X: Tensor, y: Tensor, n_classes: int, weights: Tensor | None, tolerance: float
    ) -> None:
        self._X, self._y, self._weights = X, y, weights
        self.n_outputs = n_classes
        self.dtype = working_precision(X, tolerance)
        if hessian_is_cheap(len(X), n_classes, min(X.shape)):
            self.dtype = torch.float64

    def build(self, dtype: torch.dtype) -> tuple[Reduced, Rows]:
        """The reduced features and the rows, in ``dtype``."""
        weights = None if self._weights is None else self._weights.to(dtype)
        reduced = reduce(self._X.to(dtype), weights)
        sizes = block_sizes(reduced.Z, self.n_outputs)
        labels = torch.split(self._y, sizes)
        parts = [None] * len(sizes) if weights is None else torch.split(weights, sizes)
        losses = [Softmax(y, w) for y, w in zip(labels, parts, strict=True)]
        return reduced, Rows(reduced, losses, sizes, self.n_outputs, alone)


def working_precision(X: Tensor, tolerance: float) -> torch.dtype:
    """Float32 where the features have no more and it can reach the tolerance."""
    if X.dtype is torch.float64 or tolerance < FLOAT32_TOLERANCE:
        return torch.float64
    spread = X.amax(dim=0) - X.amin(dim=0)
    varying = spread[spread > 0]
    if len(varying) and float(varying.max()) > FLOAT32_SPREAD * float(varying.min()):
        return torch.float64
    return torch.float32


def block_sizes(Z: Tensor, n_outputs: int) -> list[int]:
    """Blocks of rows whose margins stay in a processor's cache; one block on a GPU."""
    n = len(Z)
    rows = n if Z.is_cuda else max(256, BLOCK_BYTES // (n_outputs * Z.element_size()))
    return [min(rows, n - begin) for begin in range(0, n, rows)]


def assemble(
    grid: NDArray[np.float64],
    coef: NDArray[np.float64],
    intercept: NDArray[np.float64],
    solved: Solved,
    tolerance: float,
    max_evaluations: int,
) -> Path:
    """The result, with a sentence for each point."""
    reports = solved.reports
    return Path(
        l2=grid.copy(),
        coef=coef,
        intercept=intercept,
        objective=np.array([r.objective for r in reports]),
        gradient_norm=np.array([r.gradient_norm for r in reports]),
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
        evaluations=solved.evaluations,
    )
