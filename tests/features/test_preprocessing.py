"""From a picture to the network's input, against computations of another kind."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from small_tasks import tiny

from penultimate.features import pixels_of
from penultimate.features.images import RESAMPLING, normalise, rescale
from penultimate.spec import Preprocessing


def preprocessing(**settings: object) -> Preprocessing:
    plain = {"size": 64, "mean": (0.5,) * 3, "std": (0.5,) * 3, "interpolation": "bicubic"}
    return Preprocessing.model_validate({**plain, **settings})


def smooth(width: int, height: int) -> Image.Image:
    """A picture whose colours rise and fall, each its own way."""
    y, x = np.mgrid[0:height, 0:width]
    waves = np.stack([x / width, y / height, (x / width) * (y / height)], axis=-1)
    return Image.fromarray(np.uint8(127.5 + 127 * np.sin(5 * waves)))


SIZES = [(64, 64), (200, 130), (130, 200), (65, 640), (20, 31), (427, 640)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "lanczos"])
def test_whole_samples_the_picture_at_the_middles_of_a_regular_grid(
    size: tuple[int, int], interpolation: str
) -> None:
    got = np.asarray(rescale(smooth(*size), preprocessing(interpolation=interpolation)), float)
    middles = (np.arange(64) + 0.5) / 64
    # The formula at the middles, in each pixel's own place: pixel i lies at (i + 0.5) / size.
    x = middles[None, :] - 0.5 / size[0]
    y = middles[:, None] - 0.5 / size[1]
    waves = np.stack(np.broadcast_arrays(x + 0 * y, y + 0 * x, x * y), axis=-1)
    expected = 127.5 + 127 * np.sin(5 * waves)
    inner = np.s_[4:-4, 4:-4]  # at the borders a filter has no other side
    assert np.abs(got - expected)[inner].max() < 3


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_shorter_side_crop_is_a_resize_of_the_shorter_side_and_a_cut_of_the_middle(
    size: tuple[int, int], interpolation: str
) -> None:
    image = smooth(*size)
    settings = preprocessing(interpolation=interpolation, geometry="shorter-side-crop")
    got = np.asarray(rescale(image, settings), float)
    scale = 64 / min(size)
    # Resized to a multiple first, so that the middle is cut exactly where it lies.
    whole = [round(64 * side / min(size)) for side in size]
    resized = image.resize(tuple(whole), RESAMPLING[interpolation])
    left, top = ((side - 64) // 2 for side in whole)
    expected = np.asarray(resized.crop((left, top, left + 64, top + 64)), float)
    # Whole pixels in the one and fractions of one in the other: as far as half a pixel shifts.
    slope = max(np.abs(np.diff(expected, axis=axis)).max() for axis in (0, 1))
    assert np.abs(got - expected).max() <= 1.5 * slope + 2, scale


def test_shorter_side_crop_of_a_square_is_the_whole() -> None:
    image = smooth(100, 100)
    both = [rescale(image, preprocessing(geometry=g)) for g in ("whole", "shorter-side-crop")]
    np.testing.assert_array_equal(*both)


def test_shorter_side_crop_sees_of_the_ends_only_what_the_filter_reaches() -> None:
    image = Image.new("RGB", (300, 100), "red")
    image.paste((0, 0, 255), (100, 0, 200, 100))
    crop = np.asarray(rescale(image, preprocessing(geometry="shorter-side-crop")))
    assert (crop[:, 3:-3] == (0, 0, 255)).all()


@pytest.mark.parametrize("interpolation", RESAMPLING)
@pytest.mark.parametrize("geometry", ["whole", "shorter-side-crop"])
def test_every_size_of_picture_gives_the_square(interpolation: str, geometry: str) -> None:
    settings = preprocessing(interpolation=interpolation, geometry=geometry, size=7)
    for width in range(1, 60, 3):
        for height in range(1, 60, 3):
            image = Image.new("RGB", (width, height), (9, 99, 199))
            assert (np.asarray(rescale(image, settings)) == (9, 99, 199)).all()


def test_pixels_become_what_the_configuration_says() -> None:
    pixels = torch.tensor([0, 51, 255], dtype=torch.uint8).view(1, 3, 1, 1)
    got = normalise(pixels, preprocessing(mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 0.1)))
    expected = [(0 - 0.1) / 0.5, (0.2 - 0.2) / 0.25, (1 - 0.3) / 0.1]
    torch.testing.assert_close(got.flatten(), torch.tensor(expected), rtol=1e-6, atol=1e-7)


def test_channels_are_red_green_blue() -> None:
    pixels = pixels_of(Image.new("RGB", (50, 40), (1, 2, 3)), tiny())
    assert pixels.dtype == torch.uint8
    assert pixels.shape == (3, 24, 24)
    assert [int(channel.unique()) for channel in pixels] == [1, 2, 3]
