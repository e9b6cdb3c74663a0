"""The regularisation paths: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from penultimate.errors import SolverError
from penultimate.solvers.decomposition import Decomposed
from penultimate.solvers.descent import Settings, Solved, descend
from penultimate.solvers.independent import Independent, Pieces, logistic, squared_hinge
from penultimate.solvers.place import Place
from penultimate.solvers.result import Path
from penultimate.solvers.softmax import Softmax
from penultimate.solvers.validation import (
    check_grid,
    check_labels,
    check_mask,
    check_settings,
    check_targets,
    check_weights,
)

Features = NDArray[np.floating] | Tensor | Decomposed


def softmax_path(
    X: Features,
    y: ArrayLike | Tensor,
    n_classes: int,
    l2: ArrayLike,
    *,
    sample_weight: ArrayLike | Tensor | None = None,
    tolerance: float = 1e-4,
    max_evaluations: int = 1000,
    progress: Callable[[int], object] | None = None,
    memory: int | None = None,
    device: torch.device | str | None = None,
    group: dist.ProcessGroup | None = None,
) -> Path:
    """L2-regularised multinomial logistic regression at every value of ``l2``.

    Minimises ``sum_i w_i CE_i + (l2 / 2) ||W||_F^2`` over ``W (K, D)`` and an intercept that is
    not penalised, so that ``l2`` is ``1 / C`` of scikit-learn (Kornblith et al. 2019, section
    4.1, with the convention of a sum over examples).

    Parameters
    ----------
    X : (n, D) features, NumPy or torch, or rows of what `decompose` gave. The work is done on a
        tensor's device, in float32 for float32 features where that can reach the tolerance, else
        in float64.
    y : (n,) class numbers in [0, n_classes).
    n_classes : K.
    l2 : (P,) positive values, in any order and with repetitions if need be.
    sample_weight : (n,) not negative; ones if None. An example of weight 0 is as good as absent.
    tolerance : how far above its minimum, relative, an objective may end.
    max_evaluations : how many passes forth and back over the features one value of l2 may take.
    progress : called with the number of values just solved.
    memory : in bytes, for features, labels and margins. A NumPy array that does not fit,
        memory-mapped as a rule, is read in blocks, some five times for each value of l2.
        None holds everything in memory. The parameters come on top: some 120 arrays (K, D), the
        path itself, and four arrays (D, D).
    device : where to work; None is where X is. Features on MPS, which has no float64, are worked
        on by the CPU.
    group : of torch.distributed, each process passing its own rows, at least one, and all the
        same ``l2``. Each returns the whole answer.

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
    place = Place(X, memory, device, group)
    n, d = place.shape
    labels = check_labels(y, n, n_classes)
    grid = check_grid(l2)
    weights = check_weights(sample_weight, n)
    check_settings(tolerance, max_evaluations)

    counts = torch.from_numpy(np.bincount(labels[weights > 0], minlength=n_classes))
    present = np.flatnonzero(place.team.sum(counts.to(place.device)).cpu().numpy())
    if len(present) < 2:
        raise SolverError(
            f"every example is of class {present[0]}; a classifier needs examples of at least 2 "
            "classes"
        )
    # A class that has examples of weight 0 only may be called any other: they weigh nothing.
    numbers = np.searchsorted(present, labels).clip(max=len(present) - 1)
    target = torch.from_numpy(numbers).to(place.device)
    w = None if (weights == 1).all() else torch.from_numpy(weights).to(place.device)

    def make_loss(rows: slice, dtype: torch.dtype) -> Softmax:
        return Softmax(target[rows], None if w is None else w[rows].to(dtype))

    problem = place.problem(len(present), make_loss, w, tolerance)
    settings = Settings(tolerance, max_evaluations, progress)
    solved = descend(problem, grid, settings)
    coef = np.zeros((len(grid), n_classes, d))
    intercept = np.full((len(grid), n_classes), -np.inf)
    coef[:, present] = solved.coef.numpy()
    intercept[:, present] = solved.intercept.numpy()
    return _assemble(grid, *place.restore(coef, intercept), solved, settings)


def logistic_path(
    X: Features,
    Y: ArrayLike | Tensor,
    l2: ArrayLike,
    *,
    mask: ArrayLike | Tensor | None = None,
    sample_weight: ArrayLike | Tensor | None = None,
    tolerance: float = 1e-4,
    max_evaluations: int = 1000,
    progress: Callable[[int], object] | None = None,
    memory: int | None = None,
    device: torch.device | str | None = None,
    group: dist.ProcessGroup | None = None,
) -> Path:
    """Independent logistic regressions, one a class, at every value of ``l2`` (several labels).

    Minimises ``sum_ik w_i mask_ik log(1 + exp(-s_ik (W_k x_i + b_k))) + (l2 / 2) ||W||_F^2``
    with s = +1 where Y is 1 and -1 where it is 0; the intercept is not penalised.

    Parameters
    ----------
    Y : (n, K) of 0 and 1, or booleans: whether the example has the label.
    mask : (n, K) booleans: whether the pair counts; all do if None.

    The others, and what is raised, are as for `softmax_path`.

    Returns
    -------
    A `Path`; objective and tolerance are those of the sum over classes. A class with only one
    label (among pairs that count) gets coefficients 0 and intercept ``+inf`` or ``-inf``, where
    the objective takes its infimum; one without any pair that counts gets an intercept of NaN.
    """
    settings = Settings(tolerance, max_evaluations, progress)
    targets = check_targets(Y)
    place = Place(X, memory, device, group)
    return _independent(
        place,
        targets,
        l2,
        phi=logistic,
        limit=np.inf,
        mask=mask,
        weights=sample_weight,
        s=settings,
    )


def svm_path(
    X: Features,
    y: ArrayLike | Tensor,
    n_classes: int,
    l2: ArrayLike,
    *,
    sample_weight: ArrayLike | Tensor | None = None,
    tolerance: float = 1e-4,
    max_evaluations: int = 1000,
    progress: Callable[[int], object] | None = None,
    memory: int | None = None,
    device: torch.device | str | None = None,
    group: dist.ProcessGroup | None = None,
) -> Path:
    """Linear support vector machines, each class against the rest, at every value of ``l2``.

    Minimises ``sum_ik w_i max(0, 1 - s_ik (W_k x_i + b_k))^2 + (l2 / 2) ||W||_F^2`` with s = +1
    for the example's class and -1 for the others; the intercept is not penalised (scikit-learn's
    LinearSVC penalises it).

    Parameters, and what is raised, are as for `softmax_path`.

    Returns
    -------
    A `Path`; objective and tolerance are those of the sum over classes. A class without an
    example gets coefficients 0 and intercept -1, at which it costs nothing.
    """
    settings = Settings(tolerance, max_evaluations, progress)
    place = Place(X, memory, device, group)
    n, _ = place.shape
    labels = check_labels(y, n, n_classes)
    targets = np.zeros((n, n_classes), dtype=bool)
    targets[np.arange(n), labels] = True
    return _independent(
        place,
        targets,
        l2,
        phi=squared_hinge,
        limit=1.0,
        mask=None,
        weights=sample_weight,
        s=settings,
    )


def _independent(
    place: Place,
    targets: NDArray[np.bool_],
    l2: ArrayLike,
    *,
    phi: Pieces,
    limit: float,
    mask: ArrayLike | Tensor | None,
    weights: ArrayLike | Tensor | None,
    s: Settings,
) -> Path:
    """A path of a loss that is independent between classes; ``limit`` is where one label ends."""
    n, d = place.shape
    if len(targets) != n:
        raise SolverError(
            f"labels have {len(targets)} rows where the features have {n}; pass one row an example"
        )
    grid = check_grid(l2)
    w = check_weights(weights, n)
    counts = check_mask(mask, targets.shape) & (w > 0)[:, None]
    check_settings(s.tolerance, s.max_evaluations)

    seen = np.stack([(targets & counts).any(axis=0), (~targets & counts).any(axis=0)])
    together = place.team.max(torch.from_numpy(seen.astype(np.int64)).to(place.device))
    positive, negative = together.cpu().numpy().astype(bool)
    both = np.flatnonzero(positive & negative)
    if len(both) == 0:
        raise SolverError(
            "no class has examples both with and without it; a classifier needs both for at "
            "least one class"
        )
    device = place.device
    # Signs are kept in a byte each: beside long features they must not count.
    signs = torch.from_numpy(np.where(targets[:, both], 1, -1).astype(np.int8)).to(device)
    pairs = w[:, None] * counts[:, both]
    v = None if (pairs == 1).all() else torch.from_numpy(pairs.astype(np.float32)).to(device)

    def make_loss(rows: slice, dtype: torch.dtype) -> Independent:
        return Independent(phi, signs[rows].to(dtype), None if v is None else v[rows].to(dtype))

    row_weights = None if v is None else v.mean(dim=1)
    problem = place.problem(len(both), make_loss, row_weights, s.tolerance)
    solved = descend(problem, grid, s)
    k = targets.shape[1]
    coef = np.zeros((len(grid), k, d))
    intercept = np.where(positive, limit, np.where(negative, -limit, np.nan))
    intercepts = np.tile(intercept, (len(grid), 1))
    coef[:, both] = solved.coef.numpy()
    intercepts[:, both] = solved.intercept.numpy()
    return _assemble(grid, *place.restore(coef, intercepts), solved, s)


def _assemble(
    grid: NDArray[np.float64],
    coef: NDArray[np.float64],
    intercept: NDArray[np.float64],
    solved: Solved,
    settings: Settings,
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
                tolerance=settings.tolerance,
                max_evaluations=settings.max_evaluations,
                gap=r.estimate / r.objective,
            )
            for r in reports
        ),
        evaluations=solved.evaluations,
    )
