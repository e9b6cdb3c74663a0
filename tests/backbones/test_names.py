"""Every form of a backbone's name, and the answer to every wrong one."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tiny_networks import TINY
from torch import Tensor

from penultimate.backbones import PACKAGES, list_backbones, resolve
from penultimate.errors import (
    BackboneError,
    CheckpointError,
    UnknownNameError,
    WeightsUnavailableError,
)
from penultimate.spec import Backbone, Preprocessing


def named(name: str, **settings: object):
    return resolve(Backbone(name=name, **settings))


def features(backbone, size: int = 32) -> Tensor:
    """Of two fixed images."""
    images = torch.linspace(-1, 1, 2 * 3 * size * size).view(2, 3, size, size).sin()
    with torch.inference_mode():
        return backbone.module(images)


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without a network and without weights from before: its hub has no such name."""
    import huggingface_hub

    constants = huggingface_hub.constants
    monkeypatch.setattr(constants, "ENDPOINT", "https://hub.invalid")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize("name", ["resnet18.a1_in1k", "hf-hub:timm/resnet18.a1_in1k"])
def test_weights_to_download_without_a_network_name_the_offline_ways_at_once(
    no_hub: None, name: str
) -> None:
    started = time.perf_counter()
    with pytest.raises(WeightsUnavailableError) as caught:
        named(name)
    assert time.perf_counter() - started < 5
    message = str(caught.value)
    assert message.startswith(f"the weights of {name} are not on this machine")
    for way in ("resnet18@CHECKPOINT", "local-dir:", "tf_efficientnet_lite0@package"):
        assert way in message
    assert "\n" not in message


def test_the_hub_is_as_it_was_after_a_failed_download(no_hub: None) -> None:
    import huggingface_hub

    before = huggingface_hub.constants.HF_HUB_OFFLINE
    with pytest.raises(WeightsUnavailableError):
        named("resnet18.a1_in1k")
    assert before == huggingface_hub.constants.HF_HUB_OFFLINE


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("resnet5O", "resnet50"),
        ("resnet5O@random", "resnet50@random"),
        ("resnet50.a1_in2k", "resnet50.a1_in1k"),
        ("tf_efficientnet_lite7@package", "tf_efficientnet_lite1@package"),
        ("resnet50@package", "tf_efficientnet_lite0@package"),
        ("test_resnet@randon", "test_resnet@random"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(wrong: str, right: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        named(wrong)
    assert right in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["timm/resnet18", "some/where.pth", "hub:x", "hf-hub:", "@random"])
def test_a_name_of_no_known_form_is_refused_in_one_sentence(name: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        named(name)
    assert repr(name) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_architecture_without_weights_says_so() -> None:
    name = "coatnet_0_224"
    assert [row["weights"] for row in list_backbones(name)] == ["none"]
    with pytest.raises(WeightsUnavailableError, match=f"no weights for {name}.*{name}@random"):
        named(name)


def test_random_weights_come_from_the_seed() -> None:
    backbone = Backbone(name=f"{TINY}@random")
    one, again, other = (resolve(backbone, seed=seed) for seed in (3, 3, 4))
    assert one.weights == again.weights != other.weights
    assert torch.equal(features(one), features(again))
    assert not torch.equal(features(one), features(other))


def test_random_weights_do_not_disturb_the_global_generator() -> None:
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    resolve(Backbone(name=f"{TINY}@random"), seed=5)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(
    "name",
    [
        "tf_efficientnet_lite0",
        pytest.param("tf_efficientnet_lite1", marks=pytest.mark.slow),
        pytest.param("tf_efficientnet_lite2", marks=pytest.mark.slow),
    ],
)
def test_a_package_equals_the_file_in_it(name: str) -> None:
    pytest.importorskip(PACKAGES[name].module)
    package = named(f"{name}@package")
    file = named(f"{name}@{PACKAGES[name].checkpoint()}")
    assert package.weights == file.weights
    assert package.preprocessing == file.preprocessing
    assert torch.equal(features(package, 64), features(file, 64))


def test_a_checkpoint_may_lie_under_a_path_with_an_at_sign(
    tmp_path: Path, state: dict[str, Tensor]
) -> None:
    folder = tmp_path / "me@work"
    folder.mkdir()
    torch.save(state, folder / "weights.pth")
    assert named(f"{TINY}@{folder / 'weights.pth'}").source == "checkpoint weights.pth"


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"there is no file .*nowhere\.pth"):
        named(f"{TINY}@{tmp_path / 'nowhere.pth'}")


def test_preprocessing_is_the_network_s_own_with_the_user_s_geometry_and_size() -> None:
    own = named(f"{TINY}@random").preprocessing
    assert own == Preprocessing(
        size=160, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), interpolation="bilinear"
    )
    asked = named(f"{TINY}@random", image_size=96, geometry="shorter-side-crop")
    assert asked.preprocessing == own.model_copy(
        update={"size": 96, "geometry": "shorter-side-crop"}
    )
    assert asked.weights == named(f"{TINY}@random").weights


def test_a_network_of_fixed_size_is_built_for_the_size_asked_for() -> None:
    assert features(named("test_vit@random", image_size=64), 64).shape == (2, 64)


def test_features_are_what_the_classification_layer_is_given() -> None:
    backbone = named(f"{TINY}@random")
    images = torch.linspace(-1, 1, 3 * 32 * 32).view(1, 3, 32, 32).sin()
    network = backbone.module.network
    with torch.inference_mode():
        torch.testing.assert_close(network.fc(backbone.module(images)), network(images))


def local_dir(folder: Path, state: dict[str, Tensor], **config: object) -> str:
    folder.mkdir(parents=True)
    record = {"architecture": TINY, "pretrained_cfg": {"input_size": [3, 48, 48]}, **config}
    (folder / "config.json").write_text(json.dumps(record))
    save_file(state, folder / "model.safetensors")
    return f"local-dir:{folder}"


def test_a_local_folder_is_the_network_that_its_config_describes(
    tmp_path: Path, state: dict[str, Tensor], saved
) -> None:
    backbone = named(local_dir(tmp_path / "a@b", state))
    assert backbone.architecture == TINY
    assert backbone.image_size == 48
    assert backbone.weights == named(saved(state)).weights


def test_a_setting_of_the_config_that_changes_features_is_identity(
    tmp_path: Path, state: dict[str, Tensor]
) -> None:
    plain = named(local_dir(tmp_path / "plain", state))
    pooled = named(local_dir(tmp_path / "max", state, model_args={"global_pool": "max"}))
    assert not torch.allclose(features(plain, 64), features(pooled, 64))
    assert plain.weights != pooled.weights


def test_a_local_folder_may_have_another_number_of_classes(
    tmp_path: Path, state: dict[str, Tensor]
) -> None:
    plain = named(local_dir(tmp_path / "plain", state))
    state = {**state, "fc.weight": torch.zeros(5, 96), "fc.bias": torch.zeros(5)}
    five = named(local_dir(tmp_path / "five", state, num_classes=5))
    assert five.weights == plain.weights


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "config.json").unlink(),
        lambda folder: (folder / "config.json").write_text("{"),
        lambda folder: (folder / "config.json").write_text("{}"),
        lambda folder: (folder / "config.json").write_text('{"architecture": "no_such_net"}'),
        lambda folder: (folder / "model.safetensors").unlink(),
        lambda folder: (folder / "model.safetensors").write_bytes(b"junk"),
        lambda folder: save_file({"a": torch.zeros(1)}, folder / "model.safetensors"),
    ],
    ids=["no config", "no JSON", "empty", "unknown", "no weights", "damaged", "other weights"],
)
def test_a_local_folder_that_does_not_do_is_named_with_what_it_needs(
    tmp_path: Path, state: dict[str, Tensor], damage
) -> None:
    name = local_dir(tmp_path / "local", state)
    damage(tmp_path / "local")
    with pytest.raises(BackboneError) as caught:
        named(name)
    assert str(caught.value).startswith(name)
    assert "config.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_list_has_timm_s_names_and_the_packages_by_wildcard() -> None:
    rows = {row["name"]: row["weights"] for row in list_backbones("*efficientnet_lite0*")}
    assert rows["tf_efficientnet_lite0@package"] == "package"
    assert rows["tf_efficientnet_lite0"] == "download"
    assert not list_backbones("no such *")
