"""Pixels against torchvision's and Pillow's, picture by picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional

from penultimate.training.cuts import Cut, _filled, _groups
from penultimate.training.resample import PILLOW, resample, resized, weights

pytestmark = pytest.mark.usefixtures("one_thread")

INTERPOLATIONS = sorted(PILLOW)
Box = tuple[int, int, int, int]  # top, left, height, width


def noise(height: int, width: int, seed: int = 0, contrast: int = 255) -> np.ndarray:
    """The hardest picture; at full contrast all filters with negative lobes overshoot."""
    random = np.random.default_rng((seed, height, width))
    levels = np.array([(255 - contrast) // 2, (255 + contrast) // 2], dtype=np.uint8)
    return random.choice(levels, (height, width, 3))


def on_device(cuts: list[Cut], size: int, interpolation: str) -> np.ndarray:
    """What a device does, done on the CPU: (n, size, size, 3)."""
    filled = _filled(cuts, pinned=False)
    squares = resample(filled.pixels, filled.spans, size, interpolation, filled.mirrored)
    return squares.permute(0, 2, 3, 1).numpy()


def crops(count: int, seed: int = 0, contrast: int = 255) -> list[tuple[np.ndarray, Box]]:
    """Pictures and boxes in them, of all sizes."""
    random = np.random.default_rng(seed)
    found = []
    for number in range(count):
        height, width = (int(side) for side in random.integers(1, 200, 2))
        h, w = int(random.integers(1, height + 1)), int(random.integers(1, width + 1))
        top, left = int(random.integers(0, height - h + 1)), int(random.integers(0, width - w + 1))
        found.append((noise(height, width, number, contrast), (top, left, h, w)))
    return found


def resized_crop(picture: np.ndarray, box: Box, size: int, interpolation: str) -> np.ndarray:
    """torchvision's, of a Pillow picture, for which it knows all filters."""
    mode = InterpolationMode(interpolation)
    image = Image.fromarray(picture)
    return np.asarray(functional.resized_crop(image, *box, [size, size], mode), dtype=float)


def in_two_passes(picture: np.ndarray, box: Box, size: int, interpolation: str) -> np.ndarray:
    """torchvision's, columns first: Pillow's own order depends on its version and the shape."""
    mode = InterpolationMode(interpolation)
    crop = functional.crop(Image.fromarray(picture), *box)
    across = functional.resize(crop, [crop.height, size], mode)
    return np.asarray(functional.resize(across, [size, size], mode), dtype=float)


def cut(picture: np.ndarray, box: Box, mirrored: bool = False) -> Cut:
    top, left, height, width = box
    return Cut.whole(picture[top : top + height, left : left + width], mirrored)


def assert_close(got: np.ndarray, expected: np.ndarray, interpolation: str, size: int) -> None:
    """To a level of 255, or two where negative lobes magnify the rounding between the passes."""
    difference = np.abs(got - expected)
    if interpolation == "nearest":
        # The middle of two pixels is a matter of the last digit; halves and the like have none.
        assert (difference > 0).mean() <= (0 if size == 32 else 0.04)
    else:
        assert difference.max() <= (2 if interpolation in ("bicubic", "lanczos") else 1)
        assert difference.mean() < 0.15


@pytest.mark.parametrize("size", [7, 32, 96])
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_ragged_crops_are_torchvisions(interpolation: str, size: int):
    some = crops(40, contrast=120)  # so that nothing overshoots, and no order of passes counts
    expected = np.stack([resized_crop(*one, size, interpolation) for one in some])
    batch = on_device([cut(*one) for one in some], size, interpolation)
    alone = np.stack([resized(cut(*one).pixels, size, interpolation) for one in some])
    for got in (batch, alone):
        assert_close(got, expected, interpolation, size)


@pytest.mark.parametrize("size", [7, 32, 96])
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_what_overshoots_is_cut_as_torchvision_cuts_it(interpolation: str, size: int):
    some = crops(40)
    expected = np.stack([in_two_passes(*one, size, interpolation) for one in some])
    batch = on_device([cut(*one) for one in some], size, interpolation)
    assert_close(batch, expected, "box" if interpolation != "nearest" else "nearest", size)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_crops_are_torchvisions_of_float_tensors(interpolation: str):
    """A reference that rounds nowhere, on pictures that no filter overshoots."""
    y, x = np.mgrid[0:150, 0:110]
    waves = np.stack([x / 110, y / 150, x * y / 16500], axis=-1)
    picture = np.uint8(127.5 + 100 * np.sin(6 * waves))
    tensor = torch.from_numpy(picture).permute(2, 0, 1).float()
    boxes = [(0, 0, 150, 110), (20, 11, 30, 25), (3, 40, 120, 70), (100, 5, 9, 100)]
    batch = on_device([cut(picture, box) for box in boxes], 48, interpolation)
    for box, got in zip(boxes, batch, strict=True):
        expected = functional.resized_crop(
            tensor, *box, [48, 48], InterpolationMode(interpolation), antialias=True
        )
        assert np.abs(got - expected.permute(1, 2, 0).numpy()).max() < 1.05  # rounded twice


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_fractional_parts_are_pillows(interpolation: str):
    random = np.random.default_rng(4)
    cuts, expected = [], []
    for number in range(40):
        height, width = random.integers(2, 150, 2)
        picture = noise(height, width, number, contrast=120)
        top, left = random.uniform(0, 0.4) * height, random.uniform(0, 0.4) * width
        h, w = random.uniform(0.3, 0.6) * height, random.uniform(0.3, 0.6) * width
        # Numbers that float32 holds, since a border that moves by a hair moves a nearest pixel.
        top, left, h, w = (float(np.float32(number)) for number in (top, left, h, w))
        cuts.append(Cut(picture, (top, h), (left, w)))
        image = Image.fromarray(picture)
        box = (left, top, left + w, top + h)
        expected.append(np.asarray(image.resize((33, 33), PILLOW[interpolation], box=box), float))
    assert_close(on_device(cuts, 33, interpolation), np.stack(expected), interpolation, 33)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_what_fills_a_batch_up_does_not_matter(interpolation: str):
    some = [cut(*one) for one in crops(12, seed=2)]
    filled = _filled(some, pinned=False)
    garbage = torch.full_like(filled.pixels, 255)
    for room, one in zip(garbage, some, strict=True):
        room[: one.pixels.shape[0], : one.pixels.shape[1]] = torch.from_numpy(one.pixels.copy())
    plain = resample(filled.pixels, filled.spans, 16, interpolation)
    assert torch.equal(resample(garbage, filled.spans, 16, interpolation), plain)


def test_mirrored_is_turned_left_to_right():
    some = crops(9, seed=3)
    mirrored = [number % 2 == 0 for number in range(9)]
    plain = on_device([cut(*one) for one in some], 20, "bicubic")
    cuts = [cut(*one, flip) for one, flip in zip(some, mirrored, strict=True)]
    turned = on_device(cuts, 20, "bicubic")
    for before, after, flip in zip(plain, turned, mirrored, strict=True):
        np.testing.assert_array_equal(after, before[:, ::-1] if flip else before)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_the_weights_of_a_place_sum_to_one(interpolation: str):
    spans = torch.tensor([[0, 50, 50], [0.3, 7.2, 40], [12.5, 1.0, 60]], dtype=torch.float64)
    total = weights(spans, 60, 17, interpolation).sum(dim=2)
    torch.testing.assert_close(total, torch.ones_like(total), rtol=1e-12, atol=1e-12)


def test_autocast_outside_changes_nothing():
    filled = _filled([cut(*one) for one in crops(5)], pinned=False)

    def squares() -> Tensor:
        return resample(filled.pixels, filled.spans, 24, "bilinear")

    plain = squares()
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(squares(), plain)


def test_huge_crops_go_through_in_small_groups(monkeypatch):
    monkeypatch.setattr("penultimate.training.cuts.FILLED", 40 * 40 * 3 * 4)
    sides = [10, 10, 10, 40, 40, 40, 40, 40, 100, 10]
    cuts = [Cut.whole(noise(side, side)) for side in sides]
    groups = [[len(one.pixels) for one in group] for group in _groups(cuts)]
    assert [side for group in groups for side in group] == sides
    assert groups == [[10, 10, 10, 40], [40, 40, 40, 40], [100], [10]]
