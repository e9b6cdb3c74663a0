"""What a run learns from: every picture, in a seeded order, the same whoever asks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from learning_tasks import kept, load, seen, write_waves
from PIL import Image
from torch import Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional

from penultimate.backbones import resolve
from penultimate.data import Dataset
from penultimate.errors import BackboneError, DataError, SpecError
from penultimate.spec import Augmentation, Backbone
from penultimate.training.boxes import boxes, draw
from penultimate.training.cuts import to_learn_with
from penultimate.training.pixels import PixelCache
from penultimate.training.stream import CROPS, TrainingImages

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """24 pictures."""
    return load(write_waves(tmp_path_factory.mktemp("waves")))


@pytest.fixture(scope="module")
def cache(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> PixelCache:
    return kept(dataset, tmp_path_factory.mktemp("pixels"))


def images(cache: PixelCache, **settings: object) -> TrainingImages:
    rows = np.arange(1, 24)  # 23 of them: no batch size divides that
    given: dict[str, object] = {
        "preprocessing": seen(),
        "augmentation": Augmentation(),
        "batch_size": 8,
        "seed": 3,
        **settings,
    }
    return TrainingImages(cache, rows, cache.dataset.labels[rows], **given)


def joined(source: TrainingImages, first: int, last: int, **settings: int) -> tuple[Tensor, Tensor]:
    batches = list(source.batches(first, last, **settings))
    return torch.cat([b.images for b in batches]), torch.cat([b.labels for b in batches])


def test_an_epoch_has_every_example_once(cache: PixelCache):
    source = images(cache)
    seen_so_far = np.concatenate([source.order(step) for step in range(23)])  # 8 epochs
    for epoch in range(8):
        assert sorted(seen_so_far[epoch * 23 : (epoch + 1) * 23]) == list(range(23))
    assert len({tuple(seen_so_far[e * 23 : (e + 1) * 23]) for e in range(8)}) == 8


def test_another_seed_is_another_order_and_other_crops(cache: PixelCache):
    assert list(images(cache).order(0)) != list(images(cache, seed=4).order(0))
    assert not torch.equal(joined(images(cache), 0, 1)[0], joined(images(cache, seed=4), 0, 1)[0])


@pytest.mark.parametrize(
    "shares",
    [
        [{"micro_batch": 3}],
        [{"micro_batch": 1}],
        [{"rank": rank, "world": 2} for rank in range(2)],
        [{"rank": rank, "world": 3, "micro_batch": 2} for rank in range(3)],
    ],
    ids=["threes", "ones", "two devices", "three devices in twos"],
)
def test_a_batch_is_the_same_however_it_is_shared(cache: PixelCache, shares: list[dict[str, int]]):
    expected_images, expected_labels = joined(images(cache), 4, 5)
    got = [joined(images(cache), 4, 5, **share) for share in shares]
    assert torch.equal(torch.cat([one[0] for one in got]), expected_images)
    assert torch.equal(torch.cat([one[1] for one in got]), expected_labels)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_threads_change_nothing(cache: PixelCache, workers: int):
    expected = joined(images(cache, workers=3), 0, 6)
    got = joined(images(cache, workers=workers), 0, 6)
    assert torch.equal(got[0], expected[0])
    assert torch.equal(got[1], expected[1])


def test_a_run_gone_on_with_sees_what_it_would_have_seen(cache: PixelCache):
    whole = joined(images(cache), 0, 9)[0]
    assert torch.equal(
        torch.cat([joined(images(cache), 0, 5)[0], joined(images(cache), 5, 9)[0]]), whole
    )


def test_micro_batches_say_their_step_and_the_last_is_smaller(cache: PixelCache):
    sizes = [(b.step, len(b.images)) for b in images(cache).batches(2, 4, micro_batch=3)]
    assert sizes == [(2, 3), (2, 3), (2, 2), (3, 3), (3, 3), (3, 2)]


def test_what_is_kept_and_what_is_decoded_each_time_are_the_same(
    dataset: Dataset, cache: PixelCache, tmp_path: Path
):
    half = kept(dataset, tmp_path, limit=cache.bytes_on_disk // 2)
    assert torch.equal(joined(images(half), 0, 3)[0], joined(images(cache), 0, 3)[0])


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "lanczos", "nearest"])
@pytest.mark.parametrize("size", [16, 128])
def test_pixels_are_those_of_torchvisions_resized_crop(
    cache: PixelCache, size: int, interpolation: str
):
    """One batch, redone picture by picture: crop, rescale, mirror, normalise."""
    source = images(cache, preprocessing=seen(size, interpolation=interpolation))
    (batch,) = source.batches(5, 6)
    examples = source.rows[source.order(5)]
    draws = draw(np.random.default_rng((source.seed, CROPS, 5)), 8)
    pictures = [cache.dataset.image(int(row)) for row in examples]
    heights, widths = (np.array([p.size[axis] for p in pictures]) for axis in (1, 0))
    drawn = boxes(draws, heights, widths, Augmentation())
    flipped = 0
    for number, (picture, box) in enumerate(zip(pictures, drawn.tolist(), strict=True)):
        mode = InterpolationMode(interpolation)
        crop = functional.resized_crop(picture, *box, [size, size], mode, antialias=True)
        if draws.flips[number] < 0.5:
            crop = functional.horizontal_flip(crop)
            flipped += 1
        expected = functional.normalize(
            functional.pil_to_tensor(crop).float() / 255, [0.5, 0.4, 0.3], [0.2, 0.25, 0.5]
        )
        assert (batch.images[number] - expected).abs().max() <= 1.01 / 255 / 0.2
    assert 0 < flipped < 8


def test_labels_go_with_their_pictures(cache: PixelCache):
    source = images(cache)
    for batch in source.batches(0, 4, micro_batch=5):
        assert batch.labels.dtype == torch.int64
    labels = joined(source, 0, 4)[1]
    rows = np.concatenate([source.rows[source.order(step)] for step in range(4)])
    np.testing.assert_array_equal(labels.numpy(), cache.dataset.labels[rows])


def test_several_labels_keep_their_masks(cache: PixelCache):
    rows = np.arange(24)
    several = np.random.default_rng(0).integers(-1, 2, (24, 5))
    source = TrainingImages(
        cache, rows, several, seen(), Augmentation(), batch_size=24, seed=1, workers=1
    )
    (batch,) = source.batches(0, 1)
    np.testing.assert_array_equal(batch.labels.numpy(), several[source.order(0)])


def test_half_of_the_pictures_are_mirrored_and_none_where_that_is_off(cache: PixelCache):
    plain = Augmentation(crop_scale=(1, 1), flip=False)
    mirrored = Augmentation(crop_scale=(1, 1))
    off = joined(images(cache, augmentation=plain), 0, 30)[0]
    on = joined(images(cache, augmentation=mirrored), 0, 30)[0]
    same = (on == off).flatten(1).all(dim=1)
    turned = (on.flip(3) == off).flatten(1).all(dim=1)
    assert (same ^ turned).all()
    assert 90 < int(turned.sum()) < 150  # of 240


def test_the_layout_is_what_convolutions_like(cache: PixelCache):
    (batch,) = images(cache).batches(0, 1)
    assert batch.images.shape == (8, 3, 32, 32)
    assert batch.images.dtype == torch.float32
    assert batch.images.is_contiguous(memory_format=torch.channels_last)


def test_crops_of_reduced_pictures_are_another_augmentation(tmp_path: Path):
    """Why the side of what is kept belongs to what identifies a training."""
    dataset = load(write_waves(tmp_path / "large", each=4, sides=(200, 300)))
    # Detail of a few pixels: gone once a picture is reduced to 8/7 of the network's size.
    small = Augmentation(crop_scale=(0.08, 0.08), flip=False)
    pictures = replace(dataset, images=_Stripes(dataset))
    spread = {}
    for name, side in {"original": None, "reduced": 37}.items():
        cache = kept(pictures, tmp_path / name, side)
        rows = np.arange(len(pictures))
        source = TrainingImages(
            cache, rows, pictures.labels, seen(), small, batch_size=8, seed=0, workers=1
        )
        (batch,) = source.batches(0, 1)
        spread[name] = float(batch.images.std(dim=(2, 3)).mean())
    assert spread["original"] > 5 * spread["reduced"]


class _Stripes:
    """Stripes of three pixels in place of the pictures of a data set."""

    def __init__(self, dataset: Dataset) -> None:
        self.sizes = [dataset.image(row).size for row in range(len(dataset))]

    def __getitem__(self, index: int) -> Image.Image:
        width, height = self.sizes[index]
        stripes = np.uint8(255 * (np.arange(width) // 3 % 2))
        return Image.fromarray(np.tile(stripes, (height, 1))).convert("RGB")


def test_a_batch_larger_than_the_training_set_is_refused(cache: PixelCache):
    with pytest.raises(
        SpecError, match=r"a batch of 24 is larger than the 23 images of .* at most 23"
    ):
        images(cache, batch_size=24)


def test_more_devices_than_examples_in_a_batch_are_refused(cache: PixelCache):
    with pytest.raises(SpecError, match="a batch of 8 cannot be shared by 9 devices"):
        next(images(cache).batches(0, 1, rank=0, world=9))


def nine_by_nine(picture: Image.Image) -> Tensor:
    return functional.pil_to_tensor(picture.resize((9, 9))).float()


def test_a_network_with_a_transform_of_its_own_is_refused():
    from torch import nn

    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    own = Backbone.from_module(module, nine_by_nine, "mine")
    with pytest.raises(BackboneError, match="mine comes with a transform of its own"):
        to_learn_with(resolve(own))


def test_stopping_early_ends_the_threads(cache: PixelCache):
    import threading

    before = threading.active_count()
    batches = images(cache, workers=4).batches(0, 1000)
    next(batches)
    batches.close()
    assert threading.active_count() == before


def test_a_picture_that_is_gone_ends_the_run_with_its_name(tmp_path: Path):
    photos = write_waves(tmp_path / "photos")
    dataset = load(photos)
    cache = kept(dataset, tmp_path / "pixels", limit=0)
    (photos / "a" / "005.png").unlink()
    with pytest.raises(DataError, match=r"a/005\.png of photos could be read when"):
        joined(images(cache), 0, 3)
