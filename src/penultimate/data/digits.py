"""The task ``digits``: scikit-learn's 1,797 handwritten digits of 8 x 8 pixels."""

from __future__ import annotations

import numpy as np

from penultimate.data.dataset import ArrayImages, digest_array
from penultimate.data.examples import Examples


def load_digits() -> Examples:
    """The digits as 8-bit grey pictures, ink white on black as they are published.

    The pictures have 17 grey values, 0..16, here spread over 0..255. They come without a split.
    """
    from sklearn.datasets import load_digits as published

    digits = published()
    pixels = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    return Examples(
        ids=tuple(f"digit-{i:04d}" for i in range(len(pixels))),
        labels=tuple(str(label) for label in digits.target),
        digests=tuple(digest_array(picture) for picture in pixels),
        images=ArrayImages(pixels),
    )
