"""Which checkpoint of timm's tables a network is: exactly one, or none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import timm
import torch
from tiny_networks import TINY

from penultimate.backbones import PACKAGES, resolve
from penultimate.backbones.built import Published
from penultimate.backbones.checkpoint import read_state
from penultimate.backbones.timm import _published
from penultimate.spec import Backbone

LITE = "tf_efficientnet_lite0"


@pytest.fixture
def as_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks come with their weights, which stand for downloaded ones."""
    create = timm.create_model

    def create_model(name: str, pretrained: bool = False, **settings: object) -> torch.nn.Module:
        return create(name, **settings)

    monkeypatch.setattr(timm, "create_model", create_model)


def published(name: str) -> Published | None:
    return resolve(Backbone(name=name)).published


def test_a_name_without_a_tag_is_that_of_the_weights_that_timm_takes(as_downloaded: None) -> None:
    tag = timm.get_pretrained_cfg(TINY).tag
    assert published(TINY) == Published(model=f"{TINY}.{tag}", image_size=160)
    assert published(f"{TINY}.{tag}") == published(TINY)


def test_the_size_is_the_one_that_the_network_is_trained_at(as_downloaded: None) -> None:
    """Though it is asked for at another, and evaluated at a third."""
    cfg = timm.get_pretrained_cfg("resnet18.a1_in1k")
    assert (cfg.input_size[-1], cfg.test_input_size[-1]) == (224, 288)
    known = resolve(Backbone(name="resnet18.a1_in1k", image_size=96)).published
    assert known == Published(model="resnet18.a1_in1k", image_size=224)


def test_on_the_hub_only_timm_s_own_are_known() -> None:
    network = timm.create_model(TINY)
    known = _published(network, TINY)
    assert known is not None
    assert _published(network, f"hf-hub:timm/{known.model}") == known
    assert _published(network, f"hf-hub:somebody/{known.model}") is None
    assert _published(network, f"hf-hub:timm/{known.model}@an-older-revision") is None
    assert _published(network, f"local-dir:timm/{known.model}") is None


@pytest.mark.parametrize("name", PACKAGES)
def test_the_packages_are_called_as_timm_calls_the_same_tensors(name: str) -> None:
    cfg = timm.get_pretrained_cfg(name)
    assert PACKAGES[name].published == f"{name}.{cfg.tag}"


def test_a_file_is_known_by_its_tensors_and_not_by_its_name(tmp_path: Path) -> None:
    pytest.importorskip(PACKAGES[LITE].module)
    file = PACKAGES[LITE].checkpoint()
    expected = Published(model=f"{LITE}.in1k", image_size=224)
    assert published(f"{LITE}@package") == expected
    assert published(f"{LITE}@{shutil.copy(file, tmp_path / 'anything.pth')}") == expected
    state = read_state(file)
    state["_conv_stem.weight"] = state["_conv_stem.weight"] + 1e-6
    torch.save(state, tmp_path / file.name)
    assert published(f"{LITE}@{tmp_path / file.name}") is None
    assert published(f"{LITE}@random") is None


def test_a_checkpoint_of_any_other_network_is_none_that_is_known(saved, state) -> None:
    assert published(saved(state)) is None
    assert published(f"{TINY}@random") is None
