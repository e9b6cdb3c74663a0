"""One picture of a data set as pixels, as large as a cache keeps it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from penultimate.data import Dataset
from penultimate.data.dataset import FileImages
from penultimate.errors import DataError, UnreadableImageError
from penultimate.io import digest_file

REDUCTION = Image.Resampling.BICUBIC  # antialiased, as Pillow's always is when it shrinks


def decoded(dataset: Dataset, row: int, side: int | None) -> NDArray[np.uint8]:
    """The picture of example ``row``: (height, width, 3), RGB, upright.

    Parameters
    ----------
    side : pixels that the shorter side is reduced to where it has more; None for as it is.

    Raises
    ------
    DataError : it has changed since it was scanned, or can no longer be read.
    """
    name = f"{dataset.ids[row]} of {dataset.name}"
    images = dataset.images
    try:
        # Pixels are kept under the digest of the image's content, so they must be of that content.
        if isinstance(images, FileImages):
            same = digest_file(Path(images.paths[row])) == dataset.digests[row]
            if not same:
                raise DataError(f"{name} has changed since the images were scanned: run again")
        picture = dataset.image(row)
    except (UnreadableImageError, OSError) as error:
        raise DataError(
            f"{name} could be read when the images were scanned and no longer can ({error}): "
            "put it back and run again"
        ) from error
    return np.asarray(reduced(picture, side))


def reduced(picture: Image.Image, side: int | None) -> Image.Image:
    """With a shorter side of at most ``side`` pixels, in the same proportions; never enlarged."""
    shorter = min(picture.size)
    if side is None or shorter <= side:
        return picture
    width, height = (max(1, round(length * side / shorter)) for length in picture.size)
    return picture.resize((width, height), REDUCTION)
