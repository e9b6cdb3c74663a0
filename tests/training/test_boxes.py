"""Crops against torchvision's, by their distribution and, where there is no chance, box by box."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp
from torchvision.transforms import RandomResizedCrop

from penultimate.spec import Augmentation
from penultimate.training.boxes import boxes, draw

DRAWS = 4000


def ours(height: int, width: int, settings: Augmentation, count: int = DRAWS) -> np.ndarray:
    draws = draw(np.random.default_rng(11), count)
    return boxes(draws, np.full(count, height), np.full(count, width), settings)


def torchvisions(height: int, width: int, settings: Augmentation, count: int = DRAWS) -> np.ndarray:
    picture = torch.empty(3, height, width)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(12)
        return np.array(
            [
                RandomResizedCrop.get_params(
                    picture, list(settings.crop_scale), list(settings.crop_ratio)
                )
                for _ in range(count)
            ]
        )


SETTINGS = [
    Augmentation(),
    Augmentation(crop_scale=(0.5, 1.0), crop_ratio=(0.5, 2.0)),
    Augmentation(crop_scale=(0.9, 1.0)),  # on a long picture most attempts fail
]


@pytest.mark.parametrize("settings", SETTINGS, ids=["usual", "wide", "large"])
@pytest.mark.parametrize("size", [(224, 224), (375, 500), (500, 180), (64, 64)], ids=str)
def test_they_are_distributed_as_torchvisions(size: tuple[int, int], settings: Augmentation):
    mine, theirs = ours(*size, settings), torchvisions(*size, settings)

    def measures(drawn: np.ndarray) -> dict[str, np.ndarray]:
        top, left, height, width = drawn.T
        return {
            "area": height * width,
            "ratio": width / height,
            "height": height,
            "width": width,
            "top": top,
            "left": left,
            "bottom": size[0] - top - height,
            "right": size[1] - left - width,
        }

    for name, values in measures(mine).items():
        p = ks_2samp(values, measures(theirs)[name]).pvalue
        assert p > 1e-3, f"{name}: {p}"


@pytest.mark.parametrize("size", [(10, 300), (300, 10), (7, 1000), (1, 50), (50, 1)], ids=str)
def test_where_no_attempt_fits_the_box_is_torchvisions(size: tuple[int, int]):
    settings = Augmentation(crop_scale=(0.9, 1.0))
    mine = ours(*size, settings, 50)
    np.testing.assert_array_equal(mine, torchvisions(*size, settings, 50))
    assert len(np.unique(mine, axis=0)) == 1  # the middle, always


def test_the_whole_picture_is_taken_where_that_is_all_there_is_to_choose():
    settings = Augmentation(crop_scale=(1.0, 1.0), crop_ratio=(1.0, 1.0))
    assert (ours(40, 40, settings, 20) == (0, 0, 40, 40)).all()


def test_every_box_lies_within_its_picture():
    sides = np.arange(1, 60)
    heights, widths = (side.ravel() for side in np.meshgrid(sides, sides))
    for settings in SETTINGS:
        drawn = boxes(draw(np.random.default_rng(3), len(heights)), heights, widths, settings)
        top, left, height, width = drawn.T
        assert (drawn[:, :2] >= 0).all()
        assert (drawn[:, 2:] >= 1).all()
        assert (top + height <= heights).all()
        assert (left + width <= widths).all()


def test_both_ends_of_where_a_box_may_lie_are_reached():
    settings = Augmentation(crop_scale=(0.25, 0.25), crop_ratio=(1.0, 1.0))
    drawn = ours(6, 6, settings)
    assert set(drawn[:, 0]) == set(drawn[:, 1]) == {0, 1, 2, 3}


def test_a_part_of_a_batch_has_the_boxes_that_it_has_in_the_whole():
    draws = draw(np.random.default_rng(5), 30)
    heights, widths = np.arange(20, 50), np.arange(90, 60, -1)
    whole = boxes(draws, heights, widths, Augmentation())
    part = boxes(draws.part(7, 19), heights[7:19], widths[7:19], Augmentation())
    np.testing.assert_array_equal(part, whole[7:19])
