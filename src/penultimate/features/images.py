"""From decoded images to batches of pixels, ahead of the network that consumes them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from penultimate.backbones import ResolvedBackbone
from penultimate.errors import BackboneError
from penultimate.spec import Preprocessing

RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    "box": Image.Resampling.BOX,
    "hamming": Image.Resampling.HAMMING,
}


def rescale(image: Image.Image, preprocessing: Preprocessing) -> Image.Image:
    """An RGB image as the square that the network was trained on.

    ``whole`` changes the aspect ratio and loses nothing; ``shorter-side-crop`` keeps it and loses
    the ends of the longer side (PROTOCOL, linear probe).
    """
    size = preprocessing.size
    resampling = RESAMPLING[preprocessing.interpolation]
    if preprocessing.geometry == "whole":
        return image.resize((size, size), resampling)
    width, height = image.size
    side = min(width, height)
    # The box is cut in the original's coordinates, so that no pixel outside it is ever computed.
    left, top = (width - side) / 2, (height - side) / 2
    return image.resize((size, size), resampling, box=(left, top, left + side, top + side))


def pixels_of(image: Image.Image, backbone: ResolvedBackbone) -> Tensor:
    """One image as the network's input before normalisation: uint8 (3, S, S).

    A transform of the user's own gives its final float32 tensor instead.
    """
    if backbone.transform is not None:
        try:
            return backbone.transform(image).float()
        except Exception as error:  # the user's own code
            raise BackboneError(
                f"the transform of {backbone.spec.display} fails on an image of "
                f"{image.width} x {image.height} ({type(error).__name__}: {error})"
            ) from error
    preprocessing = backbone.preprocessing
    if not isinstance(preprocessing, Preprocessing):
        raise TypeError("a network without a transform of its own has a Preprocessing")
    return torch.from_numpy(np.array(rescale(image, preprocessing))).permute(2, 0, 1)


def normalise(pixels: Tensor, preprocessing: Preprocessing | str) -> Tensor:
    """uint8 (N, 3, S, S) to the floats that the network expects; floats pass unchanged."""
    if isinstance(preprocessing, str):
        return pixels
    mean = torch.tensor(preprocessing.mean, device=pixels.device).view(1, 3, 1, 1)
    std = torch.tensor(preprocessing.std, device=pixels.device).view(1, 3, 1, 1)
    return (pixels.float() / 255 - mean) / std


def batches(
    read: Callable[[int], Tensor], indices: Sequence[int], batch_size: int, workers: int
) -> Iterator[tuple[Tensor, int]]:
    """Batches (batch_size, ...) in the order of ``indices``, each with how many rows are real.

    Images are read by ``workers`` threads (Pillow lets go of the interpreter while it decodes and
    resizes), a few batches ahead and no more, so that memory stays bounded. The last batch is
    filled up with copies of its last image: every batch has the same shape, which keeps the
    arithmetic of each row the same whatever follows it.
    """
    ahead = (2 + workers // batch_size) * batch_size + workers
    waiting = iter(indices)
    with ThreadPoolExecutor(workers, thread_name_prefix="decode") as pool:
        pending: deque[Future[Tensor]] = deque(
            pool.submit(read, index) for index in islice(waiting, ahead)
        )
        try:
            while pending:
                rows: list[Tensor] = []
                while pending and len(rows) < batch_size:
                    rows.append(pending.popleft().result())
                    pending.extend(pool.submit(read, index) for index in islice(waiting, 1))
                real = len(rows)
                rows.extend(rows[-1:] * (batch_size - real))
                yield torch.stack(rows), real
        finally:
            for future in pending:
                future.cancel()
