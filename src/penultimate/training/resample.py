"""Pictures of any sizes to squares of one size: Pillow's filters, in batches on the device.

Each picture gets two matrices, one for its rows and one for its columns, that hold the weights of
an antialiased filter; a batch of ragged pictures, filled up to one size, is then resampled by two
batched products. Weights, order of the passes and rounding to 8 bits after each are Pillow's
(and torchvision's with ``antialias=True``), so that the numbers are the same to one level of 255.

On the CPU those products are slow: there the kernels of torch and Pillow do the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from penultimate.spec.backbone import Interpolation

Pixels = NDArray[np.uint8]  # (height, width, 3)


def _bilinear(x: Tensor) -> Tensor:
    return (1 - x.abs()).clamp(min=0)


def _bicubic(x: Tensor) -> Tensor:
    a, x = -0.5, x.abs()
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return torch.where(x < 1, near, torch.where(x < 2, far, 0))


def _lanczos(x: Tensor) -> Tensor:
    return torch.where((x >= -3) & (x < 3), torch.sinc(x) * torch.sinc(x / 3), 0)


def _box(x: Tensor) -> Tensor:
    return ((x > -0.5) & (x <= 0.5)).to(x.dtype)


def _hamming(x: Tensor) -> Tensor:
    window = 0.54 + 0.46 * torch.cos(math.pi * x)
    return torch.where(x.abs() < 1, torch.sinc(x) * window, 0)


@dataclass(frozen=True)
class Filter:
    """A kernel and how far it reaches, in pixels of the larger grid of the two."""

    kernel: Callable[[Tensor], Tensor]
    reach: float


FILTERS: dict[str, Filter] = {
    "bilinear": Filter(_bilinear, 1),
    "bicubic": Filter(_bicubic, 2),
    "lanczos": Filter(_lanczos, 3),
    "box": Filter(_box, 0.5),
    "hamming": Filter(_hamming, 1),
}
PILLOW = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    "box": Image.Resampling.BOX,
    "hamming": Image.Resampling.HAMMING,
}
ON_TORCH = ("bilinear", "bicubic")  # what torch resamples in 8 bits, several times faster


def resized(pixels: Pixels, size: int, interpolation: Interpolation) -> Pixels:
    """A whole picture, or a cut of one, as (size, size, 3): on the CPU, in the thread that asks."""
    if interpolation not in ON_TORCH:
        return np.asarray(Image.fromarray(pixels).resize((size, size), PILLOW[interpolation]))
    # A copy, since what is mapped into memory is read-only, which torch does not know.
    picture = torch.from_numpy(pixels.copy()).permute(2, 0, 1).unsqueeze(0)
    square = torch.nn.functional.interpolate(
        picture, (size, size), mode=interpolation, antialias=True
    )
    return square[0].permute(1, 2, 0).numpy()


def resample(
    batch: Tensor,
    spans: Tensor,
    size: int,
    interpolation: Interpolation,
    mirrored: Tensor | None = None,
) -> Tensor:
    """Squares (n, 3, size, size), float32 with whole values 0..255, on the device of ``batch``.

    Parameters
    ----------
    batch : (n, H, W, 3) uint8; each picture in its upper left, the rest is not looked at.
    spans : (n, 2, 3) for rows and columns: where the part begins that becomes the square, how long
        it is, and how many pixels the picture has. In pixels; the first two may be fractions.
    mirrored : (n,) pictures to be turned left to right.
    """
    # Under autocast the products would be taken in 8 bits of precision.
    with torch.no_grad(), torch.autocast(batch.device.type, enabled=False):
        pictures = batch.permute(0, 3, 1, 2).float()
        across = weights(spans[:, 1], batch.shape[2], size, interpolation)
        if mirrored is not None:
            across = torch.where(mirrored[:, None, None], across.flip(1), across)
        down = weights(spans[:, 0], batch.shape[1], size, interpolation)
        # Columns first, as Pillow does.
        pictures = _levels(pictures @ across.float().transpose(1, 2).unsqueeze(1))
        return _levels(down.float().unsqueeze(1) @ pictures)


def _levels(values: Tensor) -> Tensor:
    """What 8 bits can hold; bicubic and Lanczos overshoot."""
    return values.round_().clamp_(0, 255)


def weights(spans: Tensor, pixels: int, size: int, interpolation: Interpolation) -> Tensor:
    """How much each of ``pixels`` counts in each of ``size`` places: (n, size, pixels).

    Parameters
    ----------
    spans : (n, 3) begin, length and number of real pixels, along this side.
    """
    # Double precision decides, as in Pillow, on which side of a border a pixel falls.
    exact = torch.float32 if spans.device.type == "mps" else torch.float64
    begin, length, there = spans.to(exact).unsqueeze(2).unsqueeze(3).unbind(1)  # each (n, 1, 1)
    scale = length / size
    places = torch.arange(size, device=spans.device, dtype=exact).view(1, size, 1)
    at = torch.arange(pixels, device=spans.device, dtype=exact).view(1, 1, pixels)
    centre = begin + (places + 0.5) * scale
    if interpolation == "nearest":
        return (at == centre.floor().clamp(max=there - 1)).to(exact)
    chosen = FILTERS[interpolation]
    stretch = scale.clamp(min=1)  # antialiasing: a filter as wide as the places are apart
    reach = chosen.reach * stretch
    first = (centre - reach + 0.5).floor().clamp(min=0)
    last = torch.minimum((centre + reach + 0.5).floor(), there)
    inside = (at >= first) & (at < last)
    weight = torch.where(inside, chosen.kernel((at - centre + 0.5) / stretch), 0)
    total = weight.sum(dim=2, keepdim=True)
    return weight / torch.where(total == 0, 1, total)


def reach(length: float, size: int, interpolation: Interpolation) -> int:
    """Pixels beyond a part's border that its square still depends on."""
    if interpolation == "nearest":
        return 0
    return math.ceil(FILTERS[interpolation].reach * max(length / size, 1.0)) + 1
