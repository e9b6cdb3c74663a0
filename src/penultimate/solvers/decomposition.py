"""Features decomposed once, to be solved for several sets of their rows.

Selection on a part of the examples and the final fit on all of them can share the costly step, the
eigenvectors of the Gram matrix: the objective is invariant to a rotation, so that the solutions
are the same, and the eigenvectors of all are all but those of a part.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from penultimate.solvers.problems import needs_float64
from penultimate.solvers.reduction import reduce
from penultimate.solvers.team import Alone
from penultimate.solvers.validation import check_features


@dataclass(frozen=True, eq=False)
class Decomposed:
    """Rows of ``Z = (X - mean) @ basis``, (n, r); ``basis`` is (D, r), ``mean`` (D,) float64.

    The path functions take it in place of X, and answer for X.
    """

    Z: Tensor
    basis: Tensor
    mean: Tensor

    def __len__(self) -> int:
        return len(self.Z)

    def rows(self, which: slice | NDArray[np.int64]) -> Decomposed:
        """Some of the rows, in the same basis."""
        return replace(self, Z=self.Z[which])

    def restore(
        self, coef: NDArray[np.float64], intercept: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Coefficients ``(..., r)`` and intercept ``(...)`` of Z as those of X."""
        coef = coef @ self.basis.double().cpu().numpy().T
        return coef, intercept - coef @ self.mean.cpu().numpy()


def decompose(X: NDArray[np.floating] | Tensor, *, tolerance: float = 1e-4) -> Decomposed:
    """The features ``X (n, D)`` in the eigenbasis of their centred Gram matrix.

    Parameters
    ----------
    tolerance : of the paths to come; it decides on float32 or float64, as it does for them.

    Raises
    ------
    SolverError : the features are not finite, or no matrix.
    """
    features = check_features(X)
    if needs_float64(features, tolerance):
        features = features.double()
    reduced = reduce(features, None, [len(features)], Alone())
    assert reduced.basis is not None
    return Decomposed(reduced.blocks.block(0) * reduced.scale, reduced.basis, reduced.mean)
