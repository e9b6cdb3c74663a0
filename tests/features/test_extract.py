"""Features: what they depend on, what they do not, and what is said when they cannot be had."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from small_tasks import Slow, extract, load, own, place, rows, squared, tiny, write_pictures
from torch import nn

from penultimate.data import Dataset, load_dataset
from penultimate.errors import BackboneError, DataError
from penultimate.features import Extractor, cached, features_of, pixels_of
from penultimate.spec import Task


def test_features_are_the_network_s_of_each_image_in_the_order_of_the_data_set(
    dataset: Dataset, folder: Path
) -> None:
    backbone = tiny()
    got = rows(extract(backbone, dataset, folder))
    pixels = [pixels_of(dataset.image(i), backbone) for i in range(len(dataset))]
    assert got.dtype == np.float32
    assert got.shape == (30, 96)
    np.testing.assert_allclose(got, features_of(backbone, pixels, device="cpu"), atol=1e-5)


@pytest.mark.parametrize("workers", [2, 7, 40])
def test_features_do_not_depend_on_workers(dataset: Dataset, folder: Path, workers: int) -> None:
    one = rows(extract(tiny(), dataset, folder / "one", workers=1))
    many = rows(extract(tiny(), dataset, folder / "many", workers=workers))
    np.testing.assert_array_equal(one, many)


def test_features_do_not_depend_on_how_many_images_follow(photos: Path, folder: Path) -> None:
    dataset = load(photos)
    all_of_them = rows(extract(tiny(), dataset, folder))
    last = sorted(zip(dataset.digests, dataset.ids, strict=True))[-3:]
    for _, id_ in last:  # rows are in the order of digests: the others stay where they are
        (photos / id_).unlink()
    fewer = load(photos)
    some = rows(extract(tiny(), fewer, folder))
    np.testing.assert_array_equal(some, all_of_them[[dataset.ids.index(i) for i in fewer.ids]])


def test_copies_of_an_image_share_a_row(photos: Path, folder: Path) -> None:
    shutil.copy(photos / "a" / "0000.png", photos / "a" / "copy.png")
    dataset = load(photos)
    features = extract(tiny(), dataset, folder)
    assert len(features.matrix) == 30
    assert len(features.rows) == 31
    one, other = dataset.ids.index("a/0000.png"), dataset.ids.index("a/copy.png")
    assert features.rows[one] == features.rows[other]


@pytest.mark.parametrize(
    "change",
    [
        lambda photos: (photos / "a").rename(photos / "z"),
        lambda photos: (photos / "a" / "0000.png").rename(photos / "b" / "other name.png"),
        lambda photos: (photos / "a" / "0000.png").touch(),
        lambda photos: photos.rename(photos.with_name("moved")),
        lambda photos: shutil.copy(photos / "a" / "0000.png", photos / "b" / "copy.png"),
    ],
    ids=["class", "file", "date", "folder", "copy"],
)
def test_names_labels_and_dates_do_not_make_features_anew(
    photos: Path, folder: Path, change
) -> None:
    extract(tiny(), load(photos), folder)
    change(photos)
    moved = photos if photos.exists() else photos.with_name("moved")
    assert cached(tiny(), load(moved), folder) is not None


def test_another_division_does_not_make_features_anew(photos: Path, folder: Path) -> None:
    extract(tiny(), load(photos), folder)
    assert cached(tiny(), load(photos, fractions=(0.4, 0.3, 0.3)), folder) is not None


@pytest.mark.parametrize(
    "settings",
    [{"image_size": 32}, {"geometry": "shorter-side-crop"}, {"precision": "bfloat16"}],
)
def test_what_changes_a_number_makes_features_anew(
    dataset: Dataset, folder: Path, settings: dict[str, object]
) -> None:
    extract(tiny(), dataset, folder)
    assert cached(tiny(**settings), dataset, folder) is None
    extract(tiny(**settings), dataset, folder)
    assert cached(tiny(), dataset, folder) is not None


def test_a_changed_image_makes_features_anew(photos: Path, folder: Path) -> None:
    extract(tiny(), load(photos), folder)
    Image.new("RGB", (30, 20), "red").save(photos / "a" / "0000.png")
    assert cached(tiny(), load(photos), folder) is None


def test_half_precision_is_near_full_precision(dataset: Dataset, folder: Path) -> None:
    full = rows(extract(tiny(), dataset, folder))
    half = rows(extract(tiny(precision="bfloat16"), dataset, folder))
    assert half.dtype == np.float32
    assert 0 < np.abs(half - full).max() < 0.05 * np.abs(full).max()


def test_one_extractor_serves_task_after_task(dataset: Dataset, folder: Path) -> None:
    other = load(write_pictures(folder / "more", seed=9))
    extractor = Extractor(tiny(), folder / "cache", images=60, device="cpu")
    first, second = rows(extractor.extract(dataset)), rows(extractor.extract(other))
    np.testing.assert_array_equal(first, rows(extract(tiny(), dataset, folder / "a")))
    np.testing.assert_array_equal(second, rows(extract(tiny(), other, folder / "b")))


class Bad(Slow):
    """Right for a while, or never."""

    def __init__(self, fault: str, after: int) -> None:
        super().__init__()
        self.fault = fault
        self.left = after

    def forward(self, images):
        features = super().forward(images)
        self.left -= 1
        if self.left >= 0:
            return features
        if self.fault == "raises":
            raise ValueError("no such luck")
        if self.fault == "dict":
            return {"features": features}
        if self.fault == "map":
            return features[:, :, None, None]
        return features * float(self.fault)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("nan", "NaN or infinite features"),
        ("inf", "NaN or infinite features"),
        ("map", r"\(8, 16, 1, 1\) where features \(N, D\) are needed"),
        ("dict", r"dict.* where features \(N, D\) are needed"),
        ("raises", r"fails on 8 images of \(3, 24, 24\) \(ValueError: no such luck\)"),
    ],
)
@pytest.mark.parametrize("after", [0, 7])
def test_a_network_that_does_not_do_is_named_and_leaves_no_cache(
    dataset: Dataset, folder: Path, fault: str, says: str, after: int
) -> None:
    backbone = own(Bad(fault, after))
    with pytest.raises(BackboneError, match=says) as caught:
        extract(backbone, dataset, folder)
    assert "\n" not in str(caught.value)
    assert cached(backbone, dataset, folder) is None
    assert not list(folder.glob("*.lease"))


def test_a_transform_that_fails_on_one_image_is_named(photos: Path, folder: Path) -> None:
    Image.new("RGB", (77, 20), "red").save(photos / "a" / "wide.png")

    def fails(image: Image.Image) -> torch.Tensor:
        if image.width == 77:
            raise RuntimeError("too wide")
        return squared(image)

    def other_size(image: Image.Image) -> torch.Tensor:
        return squared(image)[:, : 20 if image.width == 77 else 24]

    with pytest.raises(BackboneError, match=r"fails on an image of 77 x 20 .*too wide"):
        extract(own(Slow(), fails), load(photos), folder)
    with pytest.raises(BackboneError, match=r"a/wide.png.*\(3, 20, 24\).*resize"):
        extract(own(Slow(), other_size), load(photos), folder)


@pytest.mark.parametrize("change", ["vanished", "truncated", "replaced"])
def test_an_image_that_changed_since_the_scan_is_named_and_no_cache_is_trusted(
    photos: Path, dataset: Dataset, folder: Path, change: str
) -> None:
    path = photos / "b" / "0007.png"
    if change == "vanished":
        path.unlink()
    elif change == "truncated":
        path.write_bytes(path.read_bytes()[:100])
    else:
        Image.new("RGB", (30, 20), "red").save(path)
    with pytest.raises(DataError, match=r"b/0007\.png of photos .* run again") as caught:
        extract(tiny(), dataset, folder)
    assert "\n" not in str(caught.value)
    assert cached(tiny(), dataset, folder) is None


def test_a_task_without_images_is_told_so(tmp_path: Path) -> None:
    np.save(tmp_path / "features.npy", np.eye(30, dtype=np.float32))
    np.save(tmp_path / "labels.npy", np.arange(30) % 2)
    given = load_dataset(Task(source=f"features:{tmp_path}"))
    with pytest.raises(DataError, match="has features and no images"):
        extract(tiny(), given, tmp_path / "cache")


def test_what_did_not_change_is_not_computed_again(dataset: Dataset, folder: Path) -> None:
    extract(own(Slow()), dataset, folder)
    before = {p: p.stat().st_mtime_ns for p in place(folder).iterdir()}
    extract(own(Slow()), dataset, folder)
    assert {p: p.stat().st_mtime_ns for p in place(folder).iterdir()} == before


def test_the_network_is_left_in_evaluation_mode(dataset: Dataset, folder: Path) -> None:
    module = nn.Sequential(Slow(), nn.Dropout(0.5))
    np.testing.assert_array_equal(
        rows(extract(own(module.train()), dataset, folder / "a")),
        rows(extract(own(module.train()), dataset, folder / "b")),
    )
