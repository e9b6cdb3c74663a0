"""The sixteen networks: sizes against the paper's table, structure against independents."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch
from torch import Tensor, nn

from penultimate.backbones import list_backbones, resolve
from penultimate.backbones.paper import PAPER, PaperNetwork, build_paper
from penultimate.backbones.paper.bn_inception import BNInception
from penultimate.backbones.timm import build_timm
from penultimate.spec import Backbone

# Millions of parameters without the classification layer, features, image size.
TABLE = {
    "inception_v1": (5.6, 1024, 224),
    "bn_inception": (10.2, 1024, 224),
    "inception_v3": (21.8, 2048, 299),
    "inception_v4": (41.1, 1536, 299),
    "inception_resnet_v2": (54.3, 1536, 299),
    "resnet50": (23.5, 2048, 224),
    "resnet101": (42.5, 2048, 224),
    "resnet152": (58.1, 2048, 224),
    "densenet121": (7.0, 1024, 224),
    "densenet169": (12.5, 1664, 224),
    "densenet201": (18.1, 1920, 224),
    "mobilenet_v1": (3.2, 1024, 224),
    "mobilenet_v2": (2.2, 1280, 224),
    "mobilenet_v2_140": (4.3, 1792, 224),
    "nasnet_a_mobile": (4.2, 1056, 224),
    "nasnet_a_large": (84.7, 4032, 331),
}
LARGE = {"inception_v4", "inception_resnet_v2", "resnet152", "nasnet_a_large"}
EACH = [pytest.param(name, marks=pytest.mark.slow) if name in LARGE else name for name in TABLE]


pytestmark = pytest.mark.usefixtures("one_thread")


def on_meta(name: str, **switches: object) -> PaperNetwork:
    """The network without its numbers: built at once, and shapes still come out."""
    with torch.device("meta"):
        return build_paper(name, seed=0, **switches)


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_sixteen_are_those_of_the_table() -> None:
    assert list(PAPER) == list(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_the_catalogue_says_what_is_built_and_what_the_table_has(name: str) -> None:
    (row,) = list_backbones(f"paper:{name}")
    network = on_meta(name)
    card = PAPER[name]
    assert row["parameters"] == card.parameters == count(network.body)
    assert count(network) == row["parameters"] + 1000 * (row["features"] + 1)
    millions, features, size = TABLE[name]
    assert round(row["parameters"] / 1e6, 1) == millions
    assert (row["features"], row["image_size"]) == (features, size)
    assert network.classifier.weight.shape == (1000, features)
    images = torch.empty(2, 3, size, size, device="meta")
    assert network.forward_features(images).shape == (2, features)


@pytest.mark.parametrize("name", EACH)
def test_one_image_at_the_network_s_own_size_gives_finite_features(name: str) -> None:
    backbone = resolve(Backbone(name=f"paper:{name}@random"), seed=3)
    card = PAPER[name]
    assert backbone.parameters == card.parameters
    assert backbone.image_size == card.image_size
    assert backbone.module is not None and not backbone.module.training
    side = card.image_size
    image = torch.linspace(-1, 1, 3 * side * side).view(1, 3, side, side).sin()
    with torch.inference_mode():
        features = backbone.module(image)
    assert features.shape == (1, card.features)
    assert features.isfinite().all()
    assert features.std() > 0


# Inception modules by their channels: into, 1x1, 3x3 (reduced, wide), double 3x3, projection.
STAGES = {
    "inception_3a": (192, 64, (64, 64), (64, 96), 32),
    "inception_3b": (256, 64, (64, 96), (64, 96), 64),
    "inception_3c": (320, 0, (128, 160), (64, 96), 0),
    "inception_4a": (576, 224, (64, 96), (96, 128), 128),
    "inception_4b": (576, 192, (96, 128), (96, 128), 128),
    "inception_4c": (576, 160, (128, 160), (128, 160), 96),
    "inception_4d": (576, 96, (128, 192), (160, 192), 96),
    "inception_4e": (576, 0, (128, 192), (192, 256), 0),
    "inception_5a": (1024, 352, (192, 320), (160, 224), 128),
    "inception_5b": (1024, 352, (192, 320), (192, 224), 128),
}
# What leaves each stage, as the publication's table prints it, and the map's side at 224 pixels.
PRINTED = {
    "conv1": (64, 112),
    "pool1": (64, 56),
    "conv2": (192, 56),
    "pool2": (192, 28),
    "inception_3a": (256, 28),
    "inception_3b": (320, 28),
    "inception_3c": (576, 14),
    "inception_4a": (576, 14),
    "inception_4b": (576, 14),
    "inception_4c": (576, 14),
    "inception_4d": (576, 14),
    "inception_4e": (1024, 7),
    "inception_5a": (1024, 7),
    "inception_5b": (1024, 7),
}


def longhand(into: int, single: int, triple: tuple, double: tuple, projection: int) -> int:
    """Weights of the convolutions, and scale and shift of each channel that they give."""
    weights = (
        into * single
        + into * triple[0]
        + 9 * triple[0] * triple[1]
        + into * double[0]
        + 9 * double[0] * double[1]
        + 9 * double[1] ** 2
        + into * projection
    )
    return weights + 2 * (single + sum(triple) + double[0] + 2 * double[1] + projection)


def test_bn_inception_has_its_table_s_parameters_stage_by_stage() -> None:
    with torch.device("meta"):
        network = BNInception()
    stages = dict(network.named_children())
    assert {name: count(stages[name]) for name in STAGES} == {
        name: longhand(*row) for name, row in STAGES.items()
    }
    assert count(stages["conv1"]) == 7 * 7 * 24 + 24 * 64 + 2 * 64
    assert count(stages["conv2_reduce"]) == 64 * 64 + 2 * 64
    assert count(stages["conv2"]) == 9 * 64 * 192 + 2 * 192


def test_bn_inception_s_maps_have_the_printed_shapes() -> None:
    with torch.device("meta"):
        network = BNInception()
    shapes = {}
    for name, stage in network.named_children():
        stage.register_forward_hook(
            lambda _, __, output, name=name: shapes.update({name: tuple(output.shape[1:])})
        )
    network(torch.empty(1, 3, 224, 224, device="meta"))
    shapes.pop("conv2_reduce")
    assert shapes == {name: (c, side, side) for name, (c, side) in PRINTED.items()}


def test_only_the_last_module_of_bn_inception_pools_by_maximum() -> None:
    network = BNInception()
    kinds = {
        name: type(stage.branch_pool[0]).__name__
        for name, stage in network.named_children()
        if isinstance(getattr(stage, "branch_pool", None), nn.Sequential)
    }
    assert {name for name, kind in kinds.items() if kind == "MaxPool2d"} == {"inception_5b"}
    assert len(kinds) == 8


def test_nasnet_a_mobile_is_as_large_as_its_publication_says() -> None:
    network = on_meta("nasnet_a_mobile")
    assert count(network) == 5_289_978  # 5.3 million with a thousand classes
    cells = [name for name, _ in network.body.named_children() if name.startswith("cell_")]
    assert cells == ["cell_stem_0", "cell_stem_1", *(f"cell_{i}" for i in range(12))]


def test_every_cell_of_nasnet_a_mobile_takes_the_two_before_it(monkeypatch) -> None:
    body = build_paper("nasnet_a_mobile", seed=0).body.eval()
    made: dict[int, str] = {}
    taken: dict[str, list[str]] = {}

    def note(name: str):
        def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            taken[name] = [made[id(value)] for value in inputs if id(value) in made]
            made[id(output)] = name
            kept.append(output)

        return hook

    kept: list[Tensor] = []  # so that no address is used twice
    for name, module in body.named_children():
        if "cell" in name or name == "conv0":
            module.register_forward_hook(note(name))
    with torch.inference_mode():
        body(torch.zeros(1, 3, 64, 64))
    order = [name for name in taken if name != "conv0"]
    chain = ["conv0", *order]
    assert taken.pop("cell_stem_0") == ["conv0"]
    assert taken.pop("cell_stem_1") == ["conv0", "cell_stem_0"]
    for name in order[2:]:
        at = chain.index(name)
        assert taken[name] == [chain[at - 1], chain[at - 2]]


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("mobilenet_v2", "mobilenetv2_100"),
        ("densenet121", "densenet121"),
        pytest.param("resnet50", "resnet50", marks=pytest.mark.slow),
        pytest.param("inception_v3", "inception_v3", marks=pytest.mark.slow),
        pytest.param("inception_v4", "inception_v4", marks=pytest.mark.slow),
    ],
)
def test_a_public_checkpoint_gives_timm_s_features(name: str, same: str, tmp_path: Path) -> None:
    theirs = build_timm(f"{same}@random", seed=5)
    torch.save(theirs.network.state_dict(), tmp_path / "public.pth")
    ours = resolve(Backbone(name=f"paper:{name}@{tmp_path / 'public.pth'}"))
    images = torch.linspace(-1, 1, 2 * 3 * 96 * 96).view(2, 3, 96, 96).sin()
    with torch.inference_mode():
        expected = theirs.features()(images)
        assert torch.equal(ours.module(images), expected)
    assert expected.std() > 0


def test_torchvision_s_googlenet_gives_inception_v1_s_features(tmp_path: Path) -> None:
    from torchvision.models import googlenet

    torch.manual_seed(6)
    theirs = googlenet(weights=None, init_weights=True, aux_logits=True).eval()
    torch.save(theirs.state_dict(), tmp_path / "public.pth")
    ours = resolve(Backbone(name=f"paper:inception_v1@{tmp_path / 'public.pth'}"))
    images = torch.linspace(-1, 1, 2 * 3 * 96 * 96).view(2, 3, 96, 96).sin()
    with torch.inference_mode():
        torch.testing.assert_close(theirs.fc(ours.module(images)), theirs(images))


def test_resnets_stride_in_their_3_x_3_convolutions() -> None:
    """As those that the paper cites (Gross and Wilber, Goyal et al.) do."""
    body = on_meta("resnet50").body
    for block in (body.layer2[0], body.layer3[0], body.layer4[0]):
        assert (block.conv1.stride, block.conv2.stride) == ((1, 1), (2, 2))


@pytest.mark.parametrize("name", [name for name, card in PAPER.items() if card.builder == "timm"])
def test_preprocessing_is_that_of_timm_s_own_configuration(name: str) -> None:
    from penultimate.backbones.paper.named import CENTRED, IMAGENET

    card = PAPER[name]
    config = timm.get_pretrained_cfg(card.architecture)
    assert config.input_size == (3, card.image_size, card.image_size)
    assert (config.mean, config.std) == (CENTRED if card.centred else IMAGENET)
    assert config.interpolation == "bicubic"
    assert config.classifier == card.classifier


def test_the_public_weights_that_are_named_exist() -> None:
    named = {card.public for card in PAPER.values() if card.builder == "timm"}
    assert named <= set(timm.list_pretrained())
