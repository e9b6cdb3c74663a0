"""Pictures as a trained network is shown them to be scored: no chance in it."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from penultimate.spec import Preprocessing
from penultimate.training.cuts import Cut, Filled, Span, finish, prepare
from penultimate.training.pixels import PixelCache
from penultimate.training.resample import Pixels, reach

View = Literal["whole", "central"]
CENTRAL = 0.875  # of each side, as 224 is of 256
AHEAD = 3  # batches in the making, so that memory stays bounded


def views(
    pixels: PixelCache,
    rows: NDArray[np.int64],
    preprocessing: Preprocessing,
    view: View,
    *,
    batch_size: int,
    device: torch.device | str = "cpu",
    workers: int | None = None,
) -> Iterator[Tensor]:
    """The network's input (b, 3, S, S) for the examples ``rows``, in their order.

    Parameters
    ----------
    view : ``whole`` is what the linear probe sees: the picture rescaled to the square, or its
        central square where the geometry is ``shorter-side-crop``. ``central`` is the central
        87.5 % of each side of that.
    batch_size : the last one may be smaller.
    """
    device = torch.device(device)
    workers = workers or os.cpu_count() or 1
    parts = (rows[first : first + batch_size] for first in range(0, len(rows), batch_size))

    def read(some: NDArray[np.int64]) -> list[Tensor | Filled]:
        cuts = [cut_of(pixels[int(row)], preprocessing, view) for row in some]
        return prepare(cuts, preprocessing, device)

    with ThreadPoolExecutor(workers, thread_name_prefix="views") as pool:

        def begin(part: NDArray[np.int64]) -> list[Future[list[Tensor | Filled]]]:
            size = -(-len(part) // workers)
            return [pool.submit(read, part[i : i + size]) for i in range(0, len(part), size)]

        pending = deque(begin(part) for part in islice(parts, AHEAD))
        try:
            while pending:
                prepared = [item for future in pending.popleft() for item in future.result()]
                yield finish(prepared, preprocessing, device)
                pending.extend(begin(part) for part in islice(parts, 1))
        finally:
            for futures in pending:
                for future in futures:
                    future.cancel()


def cut_of(picture: Pixels, preprocessing: Preprocessing, view: View) -> Cut:
    """The part of a picture that a view shows, with the pixels that a filter reaches beside it."""
    height, width = picture.shape[:2]
    if preprocessing.geometry == "whole":
        lengths: tuple[float, float] = (height, width)
    else:
        lengths = (min(height, width),) * 2
    if view == "central":
        lengths = (lengths[0] * CENTRAL, lengths[1] * CENTRAL)
    rows, down = _side(height, lengths[0], preprocessing)
    columns, across = _side(width, lengths[1], preprocessing)
    return Cut(picture[rows, columns], down, across)


def _side(pixels: int, length: float, preprocessing: Preprocessing) -> tuple[slice, Span]:
    begin = (pixels - length) / 2
    beyond = reach(length, preprocessing.size, preprocessing.interpolation)
    first = max(0, math.floor(begin) - beyond)
    last = min(pixels, math.ceil(begin + length) + beyond)
    return slice(first, last), (begin - first, length)
