"""Where the features are and where the work is done: memory, disk, device, processes."""

from __future__ import annotations

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor

from penultimate.errors import SolverError
from penultimate.solvers.decomposition import Decomposed
from penultimate.solvers.descent import Problem
from penultimate.solvers.problems import InMemory, MakeLoss
from penultimate.solvers.streaming import OnDisk
from penultimate.solvers.team import Alone, Group, Team
from penultimate.solvers.validation import check_features

COPIES = 4  # features held at once while they are reduced: given, centred, weighted, rotated


class Place:
    """Features ``X (n, D)``, checked or, where they are to stay on disk, not yet read."""

    def __init__(
        self,
        X: NDArray[np.floating] | Tensor | Decomposed,
        memory: int | None,
        device: torch.device | str | None,
        group: dist.ProcessGroup | None,
    ) -> None:
        self.team: Team = Alone() if group is None else Group(group)
        self._decomposed = X if isinstance(X, Decomposed) else None
        if isinstance(X, Decomposed):
            X = X.Z
        self._memory = memory
        self._disk: NDArray[np.floating] | None = None
        if memory is not None and memory < 1:
            raise SolverError(f"memory is {memory} bytes; allow at least a few megabytes")
        if memory is not None and isinstance(X, np.ndarray) and COPIES * X.nbytes > memory:
            self._disk = _check_array(X)
            self.device = torch.device("cpu" if device is None else device)
            self.shape = X.shape
            return
        self._features = check_features(X)
        wanted = self._features.device if device is None else torch.device(device)
        # Sums are taken in float64, which Apple's MPS does not have.
        self._features = self._features.to("cpu" if wanted.type == "mps" else wanted)
        self.device = self._features.device
        self.shape = self._features.shape

    def restore(
        self, coef: NDArray[np.float64], intercept: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Coefficients (P, K, r) and intercepts (P, K) as those of the features that were given."""
        both = coef, intercept
        return both if self._decomposed is None else self._decomposed.restore(*both)

    def problem(
        self,
        n_outputs: int,
        make_loss: MakeLoss,
        weights: Tensor | None,
        tolerance: float,
    ) -> Problem:
        """The problem of these features with the losses that ``make_loss`` makes."""
        if self._disk is None:
            return InMemory(
                self._features,
                n_outputs,
                make_loss,
                weights,
                tolerance=tolerance,
                team=self.team,
                rotated=self._decomposed is not None,
            )
        assert self._memory is not None
        return OnDisk(
            self._disk,
            n_outputs,
            make_loss,
            weights,
            memory=self._memory,
            tolerance=tolerance,
            device=self.device,
            team=self.team,
        )


def _check_array(X: NDArray[np.floating]) -> NDArray[np.floating]:
    """Refuse what cannot be read in blocks; whether all is finite is seen when it is read."""
    if X.ndim != 2 or 0 in X.shape or X.dtype.kind != "f":
        raise SolverError(
            f"features of shape {X.shape} and type {X.dtype} cannot be read in blocks; pass an "
            "array (n, D) of float16, float32 or float64"
        )
    return X
