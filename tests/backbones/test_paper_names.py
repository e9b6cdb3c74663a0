"""How a name says one of the sixteen, its switches and its weights; and every wrong name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from penultimate.backbones import resolve
from penultimate.backbones.build import build
from penultimate.backbones.paper import PAPER, build_paper, save_paper
from penultimate.backbones.paper.switches import PaperName, Switches
from penultimate.errors import (
    CheckpointError,
    PenultimateError,
    SpecError,
    StoreError,
    UnknownNameError,
    WeightsUnavailableError,
)
from penultimate.spec import Backbone, Preprocessing

NAME = "paper:mobilenet_v2"
HEAD = "paper:bn_inception"


def named(name: str, **settings: object):
    return resolve(Backbone(name=name, **settings), seed=3)


def features(backbone) -> Tensor:
    images = torch.linspace(-1, 1, 2 * 3 * 64 * 64).view(2, 3, 64, 64).sin()
    with torch.inference_mode():
        return backbone.module(images)


@pytest.mark.parametrize(
    ("written", "switches"),
    [
        ("", {}),
        (",dropout=0.2", {"dropout": 0.2}),
        (",auxiliary_head", {"auxiliary_head": True}),
        (
            ",batch_norm_scale=off,label_smoothing=.1,dropout=0.5,auxiliary_head=on",
            {
                "batch_norm_scale": False,
                "label_smoothing": 0.1,
                "dropout": 0.5,
                "auxiliary_head": True,
            },
        ),
    ],
)
@pytest.mark.parametrize("weights", ["", "random", "some/me@work.pth"])
def test_a_name_says_network_switches_and_weights(
    written: str, switches: dict[str, object], weights: str
) -> None:
    at = f"@{weights}" if weights else ""
    read = PaperName.read(f"paper:inception_v4{written}{at}")
    assert read == PaperName("inception_v4", Switches(**switches), weights)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("paper:resnet5", "'paper:resnet50'"),
        ("paper:", "list backbones"),
        ("paper:resnet50,dropuot=0.2@random", "'dropout'"),
        ("paper:resnet50,@random", "the switches of paper:resnet50 are batch_norm_scale, "),
        ("paper:resnet50@randm", "'paper:resnet50@random'"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest(name: str, says: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        named(name)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("switch", "says"),
    [
        ("dropout=1", "dropout=1, which is not a share from 0 to under 1"),
        ("dropout=-0.1", "not a share"),
        ("dropout=nan", "not a share"),
        ("dropout=much", "dropout=much"),
        ("dropout", "dropout=on, which is not a share"),
        ("label_smoothing=2", "not a share"),
        ("batch_norm_scale=0.5", "batch_norm_scale=0.5, which is not on or off"),
        ("dropout=0.1,dropout=0.1", "says dropout twice"),
        ("auxiliary_head=on", "has no auxiliary head"),
    ],
)
def test_a_wrong_switch_is_refused_with_what_is_right(switch: str, says: str) -> None:
    with pytest.raises(SpecError) as caught:
        named(f"{NAME},{switch}@random")
    assert says in str(caught.value)
    assert NAME in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_head_may_be_switched_off_where_there_is_none() -> None:
    assert named(f"{NAME},auxiliary_head=off@random").weights == named(f"{NAME}@random").weights


@pytest.mark.parametrize("name", PAPER)
def test_a_name_without_weights_chooses_none(name: str) -> None:
    with pytest.raises(WeightsUnavailableError) as caught:
        named(f"paper:{name}")
    message = str(caught.value)
    assert f"paper:{name}@CHECKPOINT" in message
    assert f"paper:{name}@random" in message
    assert PAPER[name].public in message
    assert "\n" not in message


@pytest.mark.parametrize("weights", ["nowhere.pth", "package"])
def test_weights_that_are_not_there_are_named(weights: str) -> None:
    with pytest.raises(CheckpointError, match=f"there is no file {weights}"):
        named(f"{NAME}@{weights}")


def test_switches_are_identity_and_their_order_and_defaults_are_not() -> None:
    names = [
        f"{HEAD}@random",
        f"{HEAD},batch_norm_scale=off@random",
        f"{HEAD},label_smoothing=0.1@random",
        f"{HEAD},dropout=0.2@random",
        f"{HEAD},auxiliary_head@random",
    ]
    assert len({named(name).weights for name in names}) == len(names)
    assert named(f"{HEAD},dropout=0,batch_norm_scale=on@random").weights == named(names[0]).weights
    one = named(f"{HEAD},dropout=0.2,label_smoothing=0.1@random").weights
    assert one == named(f"{HEAD},label_smoothing=0.10,dropout=.2@random").weights


def test_size_and_geometry_are_as_for_any_network() -> None:
    own = named(f"{NAME}@random").preprocessing
    assert own == Preprocessing(
        size=224,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        interpolation="bicubic",
    )
    asked = named(f"{NAME}@random", image_size=64, geometry="shorter-side-crop").preprocessing
    assert asked == own.model_copy(update={"size": 64, "geometry": "shorter-side-crop"})


@pytest.mark.parametrize("name", ["mobilenet_v2", "bn_inception"])
def test_a_checkpoint_goes_round(name: str, tmp_path: Path) -> None:
    random = named(f"paper:{name}@random")
    path = tmp_path / "me@work.safetensors"
    save_paper(build_paper(name, seed=3), path)
    loaded = named(f"paper:{name}@{path}")
    assert loaded.source == "checkpoint me@work.safetensors"
    assert loaded.weights == random.weights
    assert torch.equal(features(loaded), features(random))


def test_a_file_says_its_switches_itself(tmp_path: Path) -> None:
    path = tmp_path / "trained.safetensors"
    switches = {"auxiliary_head": True, "dropout": 0.2, "batch_norm_scale": False}
    network = build_paper("bn_inception", seed=3, num_classes=7, **switches)
    save_paper(network, path)
    written = ",batch_norm_scale=off,dropout=0.2,auxiliary_head"
    expected = named(f"{HEAD}{written}@random").weights
    assert named(f"{HEAD}@{path}").weights == expected
    assert named(f"{HEAD}{written}@{path}").weights == expected
    assert named(f"{HEAD}{written},label_smoothing=0@{path}").weights == expected


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (f"{HEAD},dropout=0.1", "trained with dropout=0.2 and the name says dropout=0.1"),
        (f"{HEAD},auxiliary_head=off", "trained with auxiliary_head=on .* auxiliary_head=off"),
        (NAME, f"holds a network {HEAD}: .* in place of {NAME}"),
    ],
)
def test_a_name_that_contradicts_the_file_is_refused(asked: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "trained.safetensors"
    save_paper(build_paper("bn_inception", seed=3, auxiliary_head=True, dropout=0.2), path)
    with pytest.raises(CheckpointError, match=says):
        named(f"{asked}@{path}")


@pytest.mark.parametrize(
    "record",
    [
        "{",
        "[]",
        "{}",
        json.dumps({"network": "bn_inception", "switches": {"dropout": 3}}),
        json.dumps({"network": "bn_inception", "switches": {"stochastic_depth": 0.1}}),
        json.dumps({"network": "bn_inception", "switches": None}),
    ],
)
def test_a_file_that_says_something_else_of_itself_is_refused(record: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.safetensors"
    save_file({"a": torch.zeros(1)}, path, metadata={"penultimate": record})
    with pytest.raises(CheckpointError, match=r"odd\.safetensors .*save it again") as caught:
        named(f"{HEAD}@{path}")
    assert "\n" not in str(caught.value)


def test_weights_without_a_record_must_have_the_switches_of_the_name(tmp_path: Path) -> None:
    plain, headed = tmp_path / "plain.pth", tmp_path / "headed.pth"
    network = build_paper("bn_inception", seed=3, auxiliary_head=True)
    state = network.state_dict()
    torch.save({"state_dict": {f"module.{key}": value for key, value in state.items()}}, headed)
    torch.save({k: v for k, v in state.items() if not k.startswith("auxiliary")}, plain)
    assert named(f"{HEAD}@{plain}").weights == named(f"{HEAD}@random").weights
    expected = named(f"{HEAD},auxiliary_head@random").weights
    assert named(f"{HEAD},auxiliary_head@{headed}").weights == expected
    with pytest.raises(CheckpointError, match=r"has an auxiliary head and .* is to have none"):
        named(f"{HEAD}@{headed}")
    with pytest.raises(CheckpointError, match=r"has no auxiliary head and .* is to have one"):
        named(f"{HEAD},auxiliary_head@{plain}")


def test_other_classes_in_every_head_change_no_feature(tmp_path: Path) -> None:
    path = tmp_path / "tuned.safetensors"
    save_paper(build_paper("bn_inception", seed=3, auxiliary_head=True, num_classes=5), path)
    assert named(f"{HEAD}@{path}").weights == named(f"{HEAD},auxiliary_head@random").weights


def test_trained_scales_are_refused_where_there_should_be_none(tmp_path: Path) -> None:
    path = tmp_path / "scaled.pth"
    network = build_paper("mobilenet_v2", seed=3)
    torch.save(network.state_dict(), path)
    assert named(f"{NAME},batch_norm_scale=off@{path}").module is not None  # all are still 1
    torch.nn.init.constant_(network.body.bn1.weight, 1.5)
    torch.save(network.state_dict(), path)
    with pytest.raises(CheckpointError, match=r"scales other than 1 .* in body\.bn1, so it was"):
        named(f"{NAME},batch_norm_scale=off@{path}")


def test_a_checkpoint_of_another_network_is_refused_with_its_keys(tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save(build_paper("resnet50", seed=0).state_dict(), path)
    with pytest.raises(CheckpointError, match=r"missing: body\..* unexpected: body\."):
        named(f"{NAME}@{path}")


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_a_damaged_file_is_named_here_too(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"half.{suffix}"
    path.write_bytes(b"hello")
    with pytest.raises(CheckpointError, match=str(path)):
        named(f"{NAME}@{path}")


def test_a_public_head_is_read_where_one_is_asked_for(tmp_path: Path) -> None:
    from torchvision.models import googlenet

    path = tmp_path / "googlenet.pth"
    theirs = googlenet(weights=None, init_weights=True, aux_logits=True)
    torch.save(theirs.state_dict(), path)
    network = build_paper("inception_v1", seed=0, auxiliary_head=True)
    from penultimate.backbones.paper.checkpoint import load_paper

    load_paper(network, path)
    assert torch.equal(network.auxiliary[1].fc1.weight, theirs.aux2.fc1.weight)
    assert torch.equal(network.classifier.weight, theirs.fc.weight)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"a\.safetensors cannot be written"):
        save_paper(build_paper("mobilenet_v2", seed=0), tmp_path / "file" / "a.safetensors")


def test_every_error_is_one_that_the_command_line_prints() -> None:
    for name in ("paper:x", "paper:resnet50", f"{NAME},dropout=9@random", f"{NAME}@x.pth"):
        with pytest.raises(PenultimateError):
            named(name)


def test_a_network_from_python_is_a_backbone_of_one_s_own() -> None:
    network = build_paper("paper:mobilenet_v2", seed=3)
    with pytest.raises(UnknownNameError):
        build_paper("paper:mobilenet_v2,dropout=0.2@random", seed=3)

    def black(image) -> Tensor:
        return torch.zeros(3, 64, 64)

    own = resolve(Backbone.from_module(network, black, "mine"))
    images = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(own.module(images), network.eval().forward_features(images))


@pytest.mark.parametrize("classes", [None, 7])
def test_a_checkpoint_is_measured_on_imagenet_as_is_customary_if_it_classifies(
    classes: int | None, tmp_path: Path
) -> None:
    path = tmp_path / "trained.safetensors"
    save_paper(build_paper("mobilenet_v2", seed=3, num_classes=classes or 1000), path)
    built = build(f"{NAME}@{path}")
    assert built.has_head == (classes is None)
    evaluation = built.evaluation()
    assert (evaluation.settings["size"], evaluation.settings["crop_pct"]) == (224, 0.875)
    image = evaluation.transform(Image.new("RGB", (500, 300)))
    with torch.inference_mode():
        assert built.network(image[None]).shape == (1, 1000)
