"""Features that stay on disk and are read in blocks, with memory bounded by a setting.

Three passes set the problem up: the range and the mean, the Gram matrix, and the spectrum. The
blocks are then centred and scaled as they are read, and the parameters are rotated, which costs
K D^2 a product, rather than the features. What grows with the number of examples and stays in
memory are their labels and a few arrays of margins ``(n, K)``, for which half of the memory is
set aside; where they do not fit, that is said before any work is done.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from penultimate.errors import SolverError
from penultimate.solvers.eigenbasis import eigenbasis
from penultimate.solvers.problems import FLOAT32_TOLERANCE, HISTORY, MakeLoss
from penultimate.solvers.reduction import Reduced, mean_of, power_of_two
from penultimate.solvers.rows import Rows
from penultimate.solvers.team import Team

MARGINS = 5  # arrays of margins besides the history: current, direction, and what is made of them


class Streamed:
    """Blocks of rows of an array ``(n, D)`` that is not held in memory."""

    def __init__(
        self, array: NDArray[np.floating], rows: int, dtype: torch.dtype, device: torch.device
    ) -> None:
        n = len(array)
        self.sizes = [min(rows, n - begin) for begin in range(0, n, rows)]
        self._array, self._rows = array, rows
        self._dtype, self._device = dtype, device
        self.mean: Tensor | None = None
        self.scale = 1.0
        self.rotation: Tensor | None = None

    def block(self, i: int) -> Tensor:
        """Block i, centred and scaled as far as that is known."""
        part = np.array(self._array[i * self._rows : (i + 1) * self._rows])
        _forget(self._array)
        block = torch.from_numpy(part).to(self._device, self._dtype)
        if self.mean is not None:
            block = block.sub_(self.mean).div_(self.scale)
        return block

    def enter(self, W: Tensor) -> Tensor:
        """Rotate coefficients of Z to coefficients of the blocks."""
        return W if self.rotation is None else W @ self.rotation.T

    def leave(self, G: Tensor) -> Tensor:
        """Rotate a gradient back."""
        return G if self.rotation is None else G @ self.rotation

    def __iter__(self) -> Iterator[Tensor]:
        return (self.block(i) for i in range(len(self.sizes)))


class OnDisk:
    """A problem whose features are read in blocks; ``memory`` in bytes."""

    def __init__(
        self,
        array: NDArray[np.floating],
        n_outputs: int,
        make_loss: MakeLoss,
        weights: Tensor | None,
        *,
        memory: int,
        tolerance: float,
        device: torch.device,
        team: Team,
    ) -> None:
        self._array, self._make_loss, self._weights = array, make_loss, weights
        self._device, self._team = device, team
        self.n_outputs = n_outputs
        exact = array.dtype == np.float64 or tolerance < FLOAT32_TOLERANCE
        self.dtype = torch.float64 if exact else torch.float32
        n, d = array.shape
        size = torch.finfo(self.dtype).bits // 8
        margins = n * n_outputs * size
        self.history = min(HISTORY, memory // 2 // margins - MARGINS)
        if self.history < 1:
            raise SolverError(
                f"the margins of {n} examples and {n_outputs} classes need "
                f"{2 * (MARGINS + 1) * margins / 1e6:.0f} MB of memory, and {memory / 1e6:.0f} MB "
                "are allowed; raise memory, or share the examples among more processes"
            )
        # A block is held as it was read, as it is worked on, and with its margins.
        self._rows = max(
            1, memory // 4 // (d * (size + array.dtype.itemsize) + 4 * n_outputs * size)
        )

    def build(self, dtype: torch.dtype) -> tuple[Reduced, Rows]:
        """The reduced features and the rows, in ``dtype``."""
        blocks = Streamed(self._array, self._rows, dtype, self._device)
        weights = None if self._weights is None else torch.split(self._weights, blocks.sizes)
        reduced = reduce_streamed(blocks, weights, self._team)
        losses, begin = [], 0
        for size in blocks.sizes:
            losses.append(self._make_loss(slice(begin, begin + size), dtype))
            begin += size
        return reduced, Rows(reduced, losses, self.n_outputs, self._team)


def reduce_streamed(blocks: Streamed, weights: tuple[Tensor, ...] | None, team: Team) -> Reduced:
    """The decomposition of `penultimate.solvers.reduction`, block by block."""
    total = low = high = None
    weight, row = 0.0, 0
    for i, X in enumerate(blocks):
        if not bool(torch.isfinite(X).all()):
            r, c = (int(j) for j in torch.nonzero(~torch.isfinite(X))[0])
            raise SolverError(
                f"features hold a value that is not finite ({float(X[r, c])}) in row {row + r}, "
                f"column {c}; remove or repair such examples"
            )
        row += len(X)
        w = X.new_ones(len(X)) if weights is None else weights[i].to(X)
        weight += float(w.sum(dtype=torch.float64))
        part, bottom, top = (w @ X).double(), X.amin(dim=0), X.amax(dim=0)
        total = part if total is None else total + part
        low = bottom if low is None else torch.minimum(low, bottom)
        high = top if high is None else torch.maximum(high, top)
    assert total is not None and low is not None and high is not None
    low, high = -team.max(-low), team.max(high)
    mean = mean_of(team.sum(total), team.sum(total.new_tensor(weight)), low, high)
    center = mean.to(low.dtype)
    blocks.scale = power_of_two(float(torch.maximum(high - center, center - low).max()))
    blocks.mean = center
    gram = torch.zeros(len(mean), len(mean), dtype=torch.float64, device=mean.device)
    for i, X in enumerate(blocks):
        gram += X.T @ (X if weights is None else X * weights[i].to(X)[:, None])
    rotation = eigenbasis(team.sum(gram)).to(low.dtype)
    spectrum = torch.zeros_like(low)
    for i, X in enumerate(blocks):
        squares = (X @ rotation).square_()
        spectrum += squares.sum(dim=0) if weights is None else weights[i].to(X) @ squares
    blocks.rotation = rotation
    return Reduced(blocks, team.sum(spectrum), rotation, mean, blocks.scale)


def _forget(array: NDArray[np.floating]) -> None:
    """Give back the memory of pages read from a memory-mapped file; they stay on disk."""
    mapped = getattr(array, "_mmap", None)
    if isinstance(mapped, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)
