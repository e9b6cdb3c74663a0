"""Pictures to be scored: against the linear probe's, and against Pillow's boxes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from learning_tasks import kept, load, seen, write_waves
from PIL import Image
from torchvision.transforms.v2 import functional

from penultimate.features.images import normalise, rescale
from penultimate.training.cuts import _filled, prepare
from penultimate.training.pixels import PixelCache
from penultimate.training.resample import PILLOW
from penultimate.training.views import cut_of, views

pytestmark = pytest.mark.usefixtures("one_thread")
LEVEL = 1.01 / 255 / 0.2  # one of 255, after the smallest standard deviation


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> PixelCache:
    root = tmp_path_factory.mktemp("views")
    return kept(load(write_waves(root / "photos", each=8, sides=(20, 150))), root / "pixels")


def shown(cache: PixelCache, preprocessing, view: str, **settings: int) -> torch.Tensor:
    rows = np.arange(len(cache))
    given = {"batch_size": 5, "workers": 2, **settings}
    return torch.cat(list(views(cache, rows, preprocessing, view, **given)))


@pytest.mark.parametrize("interpolation", PILLOW)
@pytest.mark.parametrize("geometry", ["whole", "shorter-side-crop"])
def test_whole_is_what_the_linear_probe_sees(cache: PixelCache, geometry: str, interpolation: str):
    settings = seen(48, geometry=geometry, interpolation=interpolation)
    got = shown(cache, settings, "whole")
    for row in range(len(cache)):
        picture = rescale(cache.dataset.image(row), settings)
        expected = normalise(functional.pil_to_tensor(picture).unsqueeze(0), settings)[0]
        assert (got[row] - expected).abs().max() <= LEVEL


@pytest.mark.parametrize("geometry", ["whole", "shorter-side-crop"])
def test_central_is_the_middle_seven_eighths_of_each_side(cache: PixelCache, geometry: str):
    settings = seen(48, geometry=geometry, interpolation="bicubic")
    got = shown(cache, settings, "central")
    for row in range(len(cache)):
        picture = cache.dataset.image(row)
        width, height = picture.size
        if geometry == "shorter-side-crop":
            width = height = min(picture.size)
        w, h = width * 0.875, height * 0.875
        left, top = (picture.width - w) / 2, (picture.height - h) / 2
        box = (left, top, left + w, top + h)
        square = picture.resize((48, 48), PILLOW["bicubic"], box=box)
        expected = normalise(functional.pil_to_tensor(square).unsqueeze(0), settings)[0]
        assert (got[row] - expected).abs().max() <= LEVEL


def test_central_of_the_central_square_is_256_then_224():
    """SimCLR's: the shorter side to 256, then the central 224."""
    y, x = np.mgrid[0:512, 0:700]
    waves = np.stack([x / 90, y / 70, (x + y) / 80], axis=-1)
    picture = np.uint8(127.5 + 110 * np.sin(waves))
    resized = functional.resize(Image.fromarray(picture), [256], interpolation=3)
    expected = np.asarray(functional.center_crop(resized, [224]), dtype=float)
    settings = seen(224, geometry="shorter-side-crop", interpolation="bicubic")
    cut = cut_of(picture, settings, "central")
    assert (cut.down[1], cut.across[1]) == (448, 448)
    (got,) = prepare([cut], settings, torch.device("cpu"))
    assert np.abs(got[0].permute(1, 2, 0).numpy() - expected).max() <= 1


@pytest.mark.parametrize("interpolation", ["bilinear", "lanczos", "box", "hamming"])
@pytest.mark.parametrize("view", ["whole", "central"])
@pytest.mark.parametrize("geometry", ["whole", "shorter-side-crop"])
def test_a_device_shows_the_same(cache: PixelCache, geometry: str, view: str, interpolation: str):
    """What a device would resample, resampled here."""
    settings = seen(40, geometry=geometry, interpolation=interpolation)
    cuts = [cut_of(cache[row], settings, view) for row in range(len(cache))]
    squares = _filled(cuts, pinned=False).squares(settings, torch.device("cpu"))
    got = normalise(squares, settings)
    assert (got - shown(cache, settings, view)).abs().max() <= LEVEL


def test_only_the_pixels_that_count_are_cut():
    picture = np.zeros((100, 400, 3), dtype=np.uint8)
    cut = cut_of(picture, seen(50, geometry="shorter-side-crop"), "central")
    assert cut.pixels.shape[1] < 110


def test_batches_and_threads_change_nothing(cache: PixelCache):
    settings = seen(24)
    expected = shown(cache, settings, "central", batch_size=16, workers=1)
    for batch_size, workers in ((1, 1), (3, 4), (7, 2), (100, 3)):
        got = shown(cache, settings, "central", batch_size=batch_size, workers=workers)
        assert torch.equal(got, expected)


def test_the_order_is_that_of_the_rows_asked_for(cache: PixelCache):
    settings = seen(24)
    expected = shown(cache, settings, "whole")
    rows = np.array([9, 2, 2, 11])
    got = torch.cat(list(views(cache, rows, settings, "whole", batch_size=3)))
    assert torch.equal(got, expected[torch.from_numpy(rows)])
    assert got.is_contiguous(memory_format=torch.channels_last)


def test_no_rows_give_no_batches(cache: PixelCache):
    assert list(views(cache, np.arange(0), seen(), "whole", batch_size=3)) == []
