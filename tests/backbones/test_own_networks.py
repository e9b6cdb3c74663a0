"""Networks and features that the user brings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_networks import Pooled
from torch import Tensor, nn

from penultimate.backbones import resolve
from penultimate.backbones.timm import build_timm
from penultimate.data import load_dataset
from penultimate.errors import BackboneError
from penultimate.features import cached
from penultimate.spec import Backbone, Task


def squared(image: Image.Image) -> Tensor:
    pixels = np.asarray(image.resize((24, 24)), dtype=np.float32) / 255
    return torch.from_numpy(pixels).permute(2, 0, 1)


def own(module: nn.Module, transform=squared, name: str = "mine", **settings: object):
    return resolve(Backbone.from_module(module, transform, name, **settings))


def test_one_weight_is_identity() -> None:
    module = Pooled()
    before = own(module).weights
    with torch.no_grad():
        module.convolution.weight[0, 0, 0, 0] += 1e-6
    assert own(module).weights != before == own(Pooled()).weights


def test_structure_is_identity_where_weights_are_equal() -> None:
    assert own(Pooled(activation=nn.GELU())).weights != own(Pooled(activation=nn.ReLU())).weights


def test_the_name_and_how_memory_is_laid_out_are_not() -> None:
    module = Pooled().to(memory_format=torch.channels_last)
    assert own(module, name="a").weights == own(Pooled(), name="b").weights


def test_what_the_transform_does_is_identity_and_not_who_does_it() -> None:
    def same(image: Image.Image) -> Tensor:
        return squared(image)

    def brighter(image: Image.Image) -> Tensor:
        return squared(image) + 0.01

    first = own(Pooled()).preprocessing
    assert own(Pooled(), same).preprocessing == first
    assert own(Pooled(), brighter).preprocessing != first


def test_a_network_with_timm_s_heads_gives_its_pre_logits() -> None:
    network = build_timm("test_resnet@random").network
    images = torch.linspace(-1, 1, 3 * 24 * 24).view(1, 3, 24, 24).sin()
    with torch.inference_mode():
        assert own(network).module(images).shape == (1, 96)


@pytest.mark.parametrize(
    ("transform", "says"),
    [
        (lambda image: squared(image) + torch.rand(1), "differently from call to call"),
        (np.asarray, r"must give a tensor \(3, H, W\) and gives ndarray"),
        (lambda image: squared(image)[:1], r"gives \(1, 24, 24\)"),
        (lambda image: squared(image).unsqueeze(0), r"gives \(1, 3, 24, 24\)"),
        (lambda image: torch.zeros(3, image.height, image.width), "images of different sizes"),
        (lambda image: image.no_such_method(), "fails on an RGB image of 32 x 32 .AttributeError"),
    ],
    ids=["random", "array", "one channel", "batch", "sizes", "raises"],
)
def test_a_transform_that_does_not_do_is_refused_with_the_reason(transform, says: str) -> None:
    with pytest.raises(BackboneError, match=says) as caught:
        own(Pooled(), transform)
    assert "mine" in str(caught.value)


@pytest.mark.parametrize("setting", [{"geometry": "whole"}, {"image_size": 24}])
def test_a_setting_that_would_have_no_effect_is_refused(setting: dict[str, object]) -> None:
    with pytest.raises(BackboneError, match=f"{next(iter(setting))} has no effect"):
        own(Pooled(), **setting)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """30 rows of features with labels and without ids."""
    tmp_path /= "given"
    tmp_path.mkdir()
    random = np.random.default_rng(0)
    np.save(tmp_path / "features.npy", random.normal(size=(30, 4)).astype(np.float32))
    np.save(tmp_path / "labels.npy", np.arange(30) % 3)
    return tmp_path


def given(folder: Path):
    return resolve(Backbone(name=f"features:{folder}"))


@pytest.mark.parametrize("named", [True, False])
def test_a_features_folder_is_task_and_backbone_at_once(folder: Path, named: bool) -> None:
    matrix = np.load(folder / "features.npy")
    order = np.arange(30)
    if named:  # in another order than the ids sort
        order = np.random.default_rng(1).permutation(30)
        (folder / "ids.txt").write_text("".join(f"x{number:02d}\r\n" for number in order))
    dataset = load_dataset(Task(source=f"features:{folder}"))
    features = cached(given(folder), dataset, folder / "no cache")
    assert features is not None
    np.testing.assert_array_equal(features.take(np.arange(30)), matrix[np.argsort(order)])


def test_given_features_are_identified_by_numbers_type_and_whose_they_are(folder: Path) -> None:
    matrix = np.load(folder / "features.npy")
    first = given(folder).weights
    assert given(folder.rename(folder.with_name("moved"))).weights == first
    folder = folder.with_name("moved")
    (folder / "ids.txt").write_text("\n".join(f"{i:02d}" for i in reversed(range(30))))
    swapped = given(folder).weights
    (folder / "ids.txt").unlink()
    np.save(folder / "features.npy", matrix + np.float32(1e-3))
    changed = given(folder).weights
    np.save(folder / "features.npy", matrix.reshape(15, 8))
    reshaped = given(folder).weights
    assert len({first, swapped, changed, reshaped}) == 4


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (None, "there is no .*features.npy"),
        (np.zeros(3), r"must be numbers \(n, d\)"),
        (np.array([["a"]]), r"must be numbers \(n, d\)"),
        (np.array([[{}]], dtype=object), "is not a plain array"),
    ],
    ids=["missing", "flat", "text", "objects"],
)
def test_given_features_that_do_not_do_are_refused(
    tmp_path: Path, array: np.ndarray | None, says: str
) -> None:
    if array is not None:
        np.save(tmp_path / "features.npy", array)
    with pytest.raises(BackboneError, match=says):
        given(tmp_path)


@pytest.mark.parametrize("ids", ["a\nb", "a\n" * 30, "\udcff"])
def test_ids_that_do_not_name_each_row_once_are_refused(folder: Path, ids: str) -> None:
    (folder / "ids.txt").write_bytes(ids.encode("utf-8", "surrogateescape"))
    with pytest.raises(BackboneError, match=r"ids\.txt"):
        given(folder)


def test_an_example_without_features_is_named(folder: Path, tmp_path: Path) -> None:
    dataset = load_dataset(Task(source=f"features:{folder}"))
    (folder / "ids.txt").write_text("\n".join(f"other{i}" for i in range(30)))
    with pytest.raises(BackboneError, match=r"no features for 30 of the task's 30 examples.*'00'"):
        cached(given(folder), dataset, tmp_path)
