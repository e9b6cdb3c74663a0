"""Batches to learn from: seeded, augmented, ahead of the network that consumes them.

Step t of a run takes the positions t * B to (t + 1) * B of one permutation of the examples after
the other, so that an epoch drops none. Crops and flips are drawn for the whole batch from the seed
and the step. What a batch holds therefore depends on neither threads, nor devices, nor micro-batch,
nor on where a run was gone on with.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from penultimate.data.dataset import Labels
from penultimate.errors import SpecError
from penultimate.spec import Augmentation, Preprocessing
from penultimate.training.boxes import boxes, draw
from penultimate.training.cuts import CHUNK, Cut, Filled, finish, prepare, sent
from penultimate.training.pixels import PixelCache

ORDER, CROPS = 0, 1  # what a seed is used for
AHEAD = 3  # micro-batches in the making, so that memory stays bounded; more where they are small


@dataclass(frozen=True, eq=False)
class Batch:
    """What goes through the network at a time.

    Parameters
    ----------
    step : of the run, from 0.
    images : (b, 3, S, S) float32, normalised, channels last, on the device.
    labels : (b,) int64 class numbers, or (b, K) of 1, 0 and -1 (masked), on the device.
    """

    step: int
    images: Tensor
    labels: Tensor


@dataclass(frozen=True, eq=False)
class _Pending:
    """A micro-batch that threads work on."""

    step: int
    examples: NDArray[np.int64]
    cuts: list[Future[list[Tensor | Filled]]]


class TrainingImages:
    """The examples that a run learns from, as batches.

    Parameters
    ----------
    pixels : of the data set.
    rows : (n,) its examples to learn from.
    labels : (n,) or (n, K), of those examples.
    preprocessing : of the network: ``to_learn_with`` gives it, or refuses.
    batch_size : examples a step, over all devices.
    seed : of the order, the crops and the flips.
    workers : threads that cut and resample; one a core by default.

    Raises
    ------
    SpecError : there are fewer examples than a batch takes.
    """

    def __init__(
        self,
        pixels: PixelCache,
        rows: NDArray[np.int64],
        labels: Labels,
        preprocessing: Preprocessing,
        augmentation: Augmentation,
        *,
        batch_size: int,
        seed: int,
        device: torch.device | str = "cpu",
        workers: int | None = None,
    ) -> None:
        self.preprocessing = preprocessing
        if len(rows) < batch_size:
            raise SpecError(
                f"a batch of {batch_size:,} is larger than the {len(rows):,} images of "
                f"{pixels.dataset.name} that there are to learn from: set batch_size to at most "
                f"{len(rows):,}"
            )
        if len(labels) != len(rows):
            raise ValueError(f"{len(labels)} labels for {len(rows)} examples")
        self.pixels = pixels
        self.rows = np.asarray(rows, dtype=np.int64)
        self.labels = torch.from_numpy(np.asarray(labels, dtype=np.int64))
        self.augmentation = augmentation
        self.batch_size = batch_size
        self.seed = seed
        self.device = torch.device(device)
        self.workers = workers or os.cpu_count() or 1
        self._permutation = lru_cache(maxsize=2)(self._permuted)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def steps_an_epoch(self) -> float:
        """Steps in which every example is seen once; rarely a whole number."""
        return len(self) / self.batch_size

    def order(self, step: int) -> NDArray[np.int64]:
        """Which of the n examples step ``step`` takes: (batch_size,) in their order."""
        positions = np.arange(step * self.batch_size, (step + 1) * self.batch_size)
        epochs, within = np.divmod(positions, len(self))
        chosen = np.empty(self.batch_size, dtype=np.int64)
        for epoch in np.unique(epochs):
            here = epochs == epoch
            chosen[here] = self._permutation(int(epoch))[within[here]]
        return chosen

    def batches(
        self,
        first: int,
        last: int,
        *,
        micro_batch: int | None = None,
        rank: int = 0,
        world: int = 1,
    ) -> Iterator[Batch]:
        """The micro-batches of the steps ``first`` to ``last``, the latter left out.

        Parameters
        ----------
        micro_batch : images at a time; the last ones of a step may be fewer. The whole share of
            this device where None.
        rank, world : this device's number and how many there are. Each takes a stretch of every
            batch, of sizes that differ by one at most.

        Raises
        ------
        SpecError : there are more devices than examples in a batch.
        """
        if world > self.batch_size:
            raise SpecError(
                f"a batch of {self.batch_size} cannot be shared by {world} devices: set batch_size "
                f"to at least {world}"
            )
        begin, end = (self.batch_size * number // world for number in (rank, rank + 1))
        micro = micro_batch or end - begin
        todo = (
            (step, start, min(start + micro, end))
            for step in range(first, last)
            for start in range(begin, end, micro)
        )
        ahead = AHEAD + 2 * self.workers // micro
        with ThreadPoolExecutor(self.workers, thread_name_prefix="images") as pool:
            pending: deque[_Pending] = deque(
                self._begin(pool, *part) for part in islice(todo, ahead)
            )
            try:
                while pending:
                    batch = pending.popleft()
                    yield self._finish(batch)
                    pending.extend(self._begin(pool, *part) for part in islice(todo, 1))
            finally:
                for batch in pending:
                    for future in batch.cuts:
                        future.cancel()

    def _begin(self, pool: ThreadPoolExecutor, step: int, start: int, end: int) -> _Pending:
        """Have the threads work on one micro-batch."""
        examples = self.order(step)[start:end]
        draws = draw(np.random.default_rng((self.seed, CROPS, step)), self.batch_size)
        draws = draws.part(start, end)

        def cut(first: int, last: int) -> list[Tensor | Filled]:
            pictures = [self.pixels[row] for row in self.rows[examples[first:last]]]
            heights = np.array([picture.shape[0] for picture in pictures])
            widths = np.array([picture.shape[1] for picture in pictures])
            drawn = draws.part(first, last)
            cuts = [
                Cut.whole(picture[top : top + height, left : left + width], mirrored)
                for picture, (top, left, height, width), mirrored in zip(
                    pictures,
                    boxes(drawn, heights, widths, self.augmentation),
                    self.augmentation.flip & (drawn.flips < 0.5),
                    strict=True,
                )
            ]
            return prepare(cuts, self.preprocessing, self.device)

        size = max(1, min(CHUNK, -(-len(examples) // self.workers)))
        cuts = [
            pool.submit(cut, first, min(first + size, len(examples)))
            for first in range(0, len(examples), size)
        ]
        return _Pending(step, examples, cuts)

    def _finish(self, batch: _Pending) -> Batch:
        prepared = (part for future in batch.cuts for part in future.result())
        images = finish(prepared, self.preprocessing, self.device)
        labels = self.labels[torch.from_numpy(batch.examples)]
        return Batch(batch.step, images, sent(labels, self.device))

    def _permuted(self, epoch: int) -> NDArray[np.int64]:
        random = np.random.default_rng((self.seed, ORDER, epoch))
        return random.permutation(len(self)).astype(np.int64)
