"""What is refused before any work is done, and with which words."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from penultimate.errors import SolverError


def check_features(X: object) -> Tensor:
    """``X`` as a finite (n, D) float tensor, n and D at least 1; the data are not copied."""
    if not isinstance(X, Tensor):
        array = np.asarray(X)
        if array.dtype not in (np.float32, np.float64):
            try:
                array = array.astype(np.float64)
            except (TypeError, ValueError) as error:
                raise SolverError(
                    f"features of type {array.dtype} are not numbers; pass float32 or float64"
                ) from error
        if not array.flags.writeable or any(stride < 0 for stride in array.strides):
            array = array.copy()  # torch refuses negative strides, and warns of read-only memory
        X = torch.from_numpy(array)
    X = X.detach()
    if X.dtype not in (torch.float32, torch.float64):
        X = X.to(torch.float64 if not X.is_floating_point() else torch.float32)
    if X.ndim != 2:
        raise SolverError(
            f"features have shape {tuple(X.shape)}; pass one row an example, one column a feature"
        )
    n, d = X.shape
    if n == 0 or d == 0:
        raise SolverError(
            f"features of shape ({n}, {d}) are empty; pass at least one example and one feature"
        )
    finite = torch.isfinite(X)
    if not bool(finite.all()):
        row, column = (int(i) for i in torch.nonzero(~finite)[0])
        bad = int((~finite).sum())
        raise SolverError(
            f"features hold {bad} value{'s' if bad > 1 else ''} that are not finite, the first "
            f"({float(X[row, column])}) in row {row}, column {column}; remove or repair such "
            "examples"
        )
    return X


def check_labels(y: object, n: int, n_classes: int) -> NDArray[np.int64]:
    """``y`` as (n,) class numbers in [0, n_classes)."""
    if n_classes < 2:
        raise SolverError(f"a classifier needs at least 2 classes, and n_classes is {n_classes}")
    labels = y.detach().cpu().numpy() if isinstance(y, Tensor) else np.asarray(y)
    if labels.shape != (n,):
        raise SolverError(
            f"labels have shape {labels.shape} where the features have {n} rows; pass one label "
            "an example"
        )
    if not np.issubdtype(labels.dtype, np.integer):
        raise SolverError(
            f"labels of type {labels.dtype} are not class numbers; pass integers from 0 to "
            f"{n_classes - 1}"
        )
    wrong = np.flatnonzero((labels < 0) | (labels >= n_classes))
    if len(wrong):
        raise SolverError(
            f"label {labels[wrong[0]]} of row {wrong[0]} is not a class number from 0 to "
            f"{n_classes - 1}; number the classes from 0, or raise n_classes"
        )
    return labels.astype(np.int64)


def check_targets(Y: object) -> NDArray[np.bool_]:
    """``Y`` as (n, K) booleans."""
    targets = Y.detach().cpu().numpy() if isinstance(Y, Tensor) else np.asarray(Y)
    if targets.ndim != 2:
        raise SolverError(
            f"labels have shape {targets.shape}; pass one row an example, one column a class"
        )
    wrong = np.argwhere((targets != 0) & (targets != 1))
    if len(wrong):
        row, column = wrong[0]
        raise SolverError(
            f"label {targets[row, column]} in row {row}, column {column} is neither 0 nor 1; pass "
            "1 where the example has the label, and leave pairs that do not count to the mask"
        )
    return targets.astype(bool)


def check_mask(mask: object, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """``mask`` as booleans of ``shape``; None means that everything counts."""
    if mask is None:
        return np.ones(shape, dtype=bool)
    array = mask.detach().cpu().numpy() if isinstance(mask, Tensor) else np.asarray(mask)
    if array.shape != shape or not (array.dtype == bool or np.isin(array, (0, 1)).all()):
        raise SolverError(
            f"the mask is of shape {array.shape} and type {array.dtype}; pass booleans of the "
            f"labels' shape {shape}, True where a pair of example and class counts"
        )
    return array.astype(bool)


def check_grid(l2: ArrayLike) -> NDArray[np.float64]:
    """``l2`` as (P,) positive, finite float64, P at least 1."""
    grid = np.asarray(l2, dtype=np.float64)
    if grid.ndim != 1 or len(grid) == 0:
        raise SolverError(f"l2 has shape {grid.shape}; pass a list of at least one value")
    wrong = np.flatnonzero(~(np.isfinite(grid) & (grid > 0)))
    if len(wrong):
        raise SolverError(
            f"l2[{wrong[0]}] is {grid[wrong[0]]:g}; every value must be positive and finite, since "
            "without a penalty the minimum need not exist"
        )
    return grid


def check_weights(sample_weight: object, n: int) -> NDArray[np.float64]:
    """``sample_weight`` as (n,) float64, finite, not negative, not all zero; None means ones."""
    if sample_weight is None:
        return np.ones(n)
    if isinstance(sample_weight, Tensor):
        sample_weight = sample_weight.detach().cpu().numpy()
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.shape != (n,):
        raise SolverError(
            f"sample_weight has shape {weights.shape} where the features have {n} rows; pass one "
            "weight an example"
        )
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(wrong):
        raise SolverError(
            f"sample_weight[{wrong[0]}] is {weights[wrong[0]]:g}; weights must be finite and not "
            "negative"
        )
    if not weights.any():
        raise SolverError("every sample_weight is zero; give at least two classes some weight")
    return weights


def check_settings(tolerance: float, max_evaluations: int) -> None:
    """A tolerance in (0, 1) and at least one evaluation."""
    if not (math.isfinite(tolerance) and 0 < tolerance < 1):
        raise SolverError(
            f"tolerance is {tolerance:g}; it is relative to the minimum and lies between 0 and 1"
        )
    if max_evaluations < 1:
        raise SolverError(f"max_evaluations is {max_evaluations}; allow at least 1")
