"""Random resized crops and flips, drawn for a whole batch at once.

The distribution is that of torchvision's ``RandomResizedCrop``: ten attempts at an area and an
aspect ratio, the first that fits taken, and the central part of the allowed ratio where none does.
Only uniform numbers are drawn; they become boxes when a picture's size is known. So what is drawn
depends on the seed and the step alone, never on who reads which picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penultimate.spec import Augmentation

ATTEMPTS = 10

Boxes = NDArray[np.int64]  # (n, 4): top, left, height, width


@dataclass(frozen=True, eq=False)
class Draws:
    """Uniform numbers in 0..1 for the n pictures of a batch.

    Parameters
    ----------
    areas, ratios : (n, 10) one for each attempt.
    places : (n, 2) down and across.
    flips : (n,) mirrored below one half.
    """

    areas: NDArray[np.float64]
    ratios: NDArray[np.float64]
    places: NDArray[np.float64]
    flips: NDArray[np.float64]

    def part(self, first: int, last: int) -> Draws:
        """Of the pictures ``first`` to ``last`` of the batch."""
        chosen = slice(first, last)
        return Draws(
            self.areas[chosen], self.ratios[chosen], self.places[chosen], self.flips[chosen]
        )


def draw(random: np.random.Generator, count: int) -> Draws:
    """For ``count`` pictures. All is drawn whatever the settings, so that flips change no crop."""
    return Draws(
        areas=random.random((count, ATTEMPTS)),
        ratios=random.random((count, ATTEMPTS)),
        places=random.random((count, 2)),
        flips=random.random(count),
    )


def boxes(
    draws: Draws, heights: NDArray[np.int64], widths: NDArray[np.int64], settings: Augmentation
) -> Boxes:
    """The crop of each picture, in whole pixels within it.

    Parameters
    ----------
    heights, widths : (n,) of the pictures, in pixels.
    """
    low, high = settings.crop_scale
    narrow, wide = settings.crop_ratio
    share = low + (high - low) * draws.areas
    ratio = np.exp(np.log(narrow) + (np.log(wide) - np.log(narrow)) * draws.ratios)
    area = share * (heights * widths)[:, None]
    width = np.rint(np.sqrt(area * ratio)).astype(np.int64)
    height = np.rint(np.sqrt(area / ratio)).astype(np.int64)
    fits = (width > 0) & (width <= widths[:, None]) & (height > 0) & (height <= heights[:, None])
    first = np.arange(len(heights)), fits.argmax(axis=1)
    found = fits[first]
    width, height = width[first], height[first]
    top = np.floor(draws.places[:, 0] * (heights - height + 1)).astype(np.int64)
    left = np.floor(draws.places[:, 1] * (widths - width + 1)).astype(np.int64)
    central = _central(heights, widths, narrow, wide)
    return np.where(found[:, None], np.stack([top, left, height, width], axis=1), central)


def _central(
    heights: NDArray[np.int64], widths: NDArray[np.int64], narrow: float, wide: float
) -> Boxes:
    """The whole picture, or its middle where it is narrower or wider than a crop may be."""
    ratio = widths / heights
    # A picture one pixel wide still has a crop one pixel high.
    height = np.where(ratio < narrow, np.rint(widths / narrow).astype(np.int64), heights)
    width = np.where(ratio > wide, np.rint(heights * wide).astype(np.int64), widths)
    height = height.clip(1, heights)
    width = width.clip(1, widths)
    return np.stack([(heights - height) // 2, (widths - width) // 2, height, width], axis=1)
