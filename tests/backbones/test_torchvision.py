"""torchvision's networks: features are what the last layer is given, weights are torchvision's."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torchvision import models

from penultimate.backbones import list_backbones, resolve
from penultimate.backbones import torchvision as ours
from penultimate.backbones.build import build
from penultimate.errors import (
    BackboneError,
    CheckpointError,
    UnknownNameError,
    WeightsUnavailableError,
)
from penultimate.spec import Backbone, Preprocessing

QUICK = [  # name, a size it takes that is quick, features
    ("resnet18", 64, 512),
    ("squeezenet1_1", 64, 512),
    ("mobilenet_v2", 64, 1280),
    ("mobilenet_v3_small", 64, 1024),
    ("shufflenet_v2_x0_5", 64, 1024),
    ("mnasnet0_5", 64, 1280),
    ("regnet_y_400mf", 64, 440),
    ("densenet121", 64, 1024),
]
LARGE = [
    ("alexnet", 64, 4096),
    ("vgg11", 64, 4096),
    ("efficientnet_b0", 64, 1280),
    ("convnext_tiny", 64, 768),
    ("googlenet", 64, 1024),
    ("inception_v3", 96, 2048),
    ("vit_b_32", 224, 768),
    ("swin_t", 64, 768),
    ("maxvit_t", 224, 512),
]


@pytest.fixture(autouse=True)
def downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where torchvision keeps its downloads, empty; and no network to fill it from."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr("penultimate.backbones.online.reachable", lambda endpoint: False)
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def images(size: int) -> Tensor:
    return torch.linspace(-2, 2, 2 * 3 * size * size).view(2, 3, size, size).mul(7).sin()


@pytest.mark.parametrize(
    ("name", "size", "width"),
    [*QUICK, *(pytest.param(*case, marks=pytest.mark.slow) for case in LARGE)],
)
def test_the_last_layer_of_the_features_gives_what_the_whole_network_gives(
    name: str, size: int, width: int
) -> None:
    built = build(f"torchvision:{name}@random")
    last: nn.Module = built.network.get_submodule(built.classifier[0])
    given: list[Tensor] = []
    last.register_forward_pre_hook(lambda module, args: given.append(args[0]))
    with torch.inference_mode():
        logits = built.network(images(size))
        before = {key: value.clone() for key, value in built.network.state_dict().items()}
        features = built.features()(images(size))
        again = last(features) if isinstance(last, nn.Linear) else None
    assert features.shape == (2, width)
    assert float(features.std()) > 0
    if again is None:  # SqueezeNet: a convolution, ReLU, and only then the mean over the image
        torch.testing.assert_close(features, given[0].mean((2, 3)))
    else:
        torch.testing.assert_close(again, logits, rtol=1e-4, atol=1e-5)
        assert again.shape == (2, 1000)
    left = set(before) - set(built.features().state_dict())
    assert left == {f"{built.classifier[0]}.{own}" for own, _ in last.named_parameters()}


def test_what_is_taken_off_is_the_last_layer_of_every_network() -> None:
    everything = models.list_models(module=models)
    assert len(everything) >= 80
    for name in everything:
        if name.startswith("regnet"):  # cannot be built without memory; one is, above
            continue
        with torch.device("meta"):
            network = ours._create(name, 224, name, 0)
        last = network.get_submodule(ours._last_layer(network))
        assert 1000 in (getattr(last, "out_features", 0), getattr(last, "out_channels", 0)), name


def test_every_network_and_every_set_of_its_weights_is_listed_once() -> None:
    rows = list_backbones("torchvision:*")
    names = [row["name"] for row in rows]
    assert len(names) == len(set(names))
    assert {row["weights"] for row in rows} == {"download"}
    assert {"torchvision:resnet50", "torchvision:resnet50.IMAGENET1K_V1"} <= set(names)
    assert "torchvision:resnet50.IMAGENET1K_V2" not in names  # that is torchvision:resnet50
    assert "torchvision:vgg16.IMAGENET1K_FEATURES" not in names
    assert {f"torchvision:{name}" for name in models.list_models(module=models)} <= set(names)


def published_file(downloads: Path, entry: models.WeightsEnum, state: dict[str, Tensor]) -> Path:
    """As if torchvision had downloaded these weights."""
    path = downloads / Path(entry.url).name
    torch.save(state, path)
    return path


def state_of(name: str, **settings: object) -> dict[str, Tensor]:
    """Weights unlike those of any seed that a test uses."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(77)
        state: dict[str, Tensor] = models.get_model(name, weights=None, **settings).state_dict()
    return state


def test_weights_that_torchvision_has_downloaded_are_used(downloads: Path) -> None:
    entry = models.ResNet18_Weights.IMAGENET1K_V1
    path = published_file(downloads, entry, state_of("resnet18"))
    by_name = resolve(Backbone(name="torchvision:resnet18"))
    assert by_name.source == "torchvision, ResNet18_Weights.IMAGENET1K_V1"
    for other in ("resnet18.IMAGENET1K_V1", "resnet18.DEFAULT", f"resnet18@{path}"):
        same = resolve(Backbone(name=f"torchvision:{other}"))
        assert (same.weights, same.preprocessing) == (by_name.weights, by_name.preprocessing)
    assert resolve(Backbone(name="torchvision:resnet18@random")).weights != by_name.weights


def test_the_default_weights_are_those_that_torchvision_calls_default(downloads: Path) -> None:
    state = state_of("mobilenet_v2")
    published_file(downloads, models.MobileNet_V2_Weights.IMAGENET1K_V2, state)
    resolved = resolve(Backbone(name="torchvision:mobilenet_v2"))
    assert resolved.source.endswith("MobileNet_V2_Weights.IMAGENET1K_V2")
    with pytest.raises(WeightsUnavailableError, match=r"mobilenet_v2\.IMAGENET1K_V1"):
        resolve(Backbone(name="torchvision:mobilenet_v2.IMAGENET1K_V1"))


def test_torchvision_s_own_accuracy_comes_with_its_weights_and_no_others(downloads: Path) -> None:
    entry = models.ResNet18_Weights.IMAGENET1K_V1
    path = published_file(downloads, entry, state_of("resnet18"))
    published = resolve(Backbone(name="torchvision:resnet18")).published
    assert published is not None
    assert published.top1 == entry.meta["_metrics"]["ImageNet-1K"]["acc@1"] / 100
    assert "ResNet18_Weights.IMAGENET1K_V1" in published.source
    for name in (f"torchvision:resnet18@{path}", "torchvision:resnet18@random"):
        assert resolve(Backbone(name=name)).published is None


def test_a_checkpoint_may_have_the_heads_that_only_training_uses(downloads: Path) -> None:
    with_aux = state_of("googlenet", aux_logits=True, init_weights=False)
    without = {key: value for key, value in with_aux.items() if not key.startswith("aux")}
    assert len(without) < len(with_aux)
    torch.save(with_aux, downloads / "with.pth")
    torch.save(without, downloads / "without.pth")
    one, other = (
        resolve(Backbone(name=f"torchvision:googlenet@{downloads / f'{name}.pth'}"))
        for name in ("with", "without")
    )
    assert one.weights == other.weights


def test_the_densenets_names_of_2017_are_understood(downloads: Path) -> None:
    state = state_of("densenet121")
    torch.save(state, downloads / "today.pth")
    old = {}
    for key, value in state.items():
        renamed = key
        if ".denselayer" in key:
            for layer in ("norm1", "norm2", "conv1", "conv2"):
                renamed = renamed.replace(f".{layer}.", f".{layer[:-1]}.{layer[-1]}.")
        old[renamed] = value
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    published_file(downloads, models.DenseNet121_Weights.IMAGENET1K_V1, old)
    one = resolve(Backbone(name="torchvision:densenet121"))
    other = resolve(Backbone(name=f"torchvision:densenet121@{downloads / 'today.pth'}"))
    assert one.weights == other.weights


def test_weights_whose_layers_have_a_version_are_fitted(downloads: Path) -> None:
    state = dict(state_of("mnasnet0_5"))  # as .safetensors have them: without versions
    published_file(downloads, models.MNASNet0_5_Weights.IMAGENET1K_V1, state)
    assert resolve(Backbone(name="torchvision:mnasnet0_5")).module is not None


def test_preprocessing_is_that_of_the_weights() -> None:
    asked = resolve(Backbone(name="torchvision:mobilenet_v2@random", geometry="shorter-side-crop"))
    assert asked.preprocessing == Preprocessing(
        size=224,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        interpolation="bilinear",
        geometry="shorter-side-crop",
    )
    swag = ours.build_torchvision("torchvision:vit_b_16.IMAGENET1K_SWAG_E2E_V1@random")
    assert (swag.preprocessing.size, swag.preprocessing.interpolation) == (384, "bicubic")


def test_an_image_is_evaluated_as_torchvision_does() -> None:
    from PIL import Image

    built = build("torchvision:mobilenet_v2@random")
    evaluation = built.evaluation()
    assert evaluation is not None
    image = Image.linear_gradient("L").convert("RGB").resize((300, 200))
    own = models.MobileNet_V2_Weights.DEFAULT.transforms()
    assert torch.equal(evaluation.transform(image), own(image))
    assert evaluation.settings["resize"] == 232
    assert evaluation.settings["crop"] == 224


def test_a_vision_transformer_takes_images_of_another_size() -> None:
    own = build("torchvision:vit_b_32@random")
    resized = build("torchvision:vit_b_32@random", image_size=96)
    before, after = (network.network.state_dict() for network in (own, resized))
    assert before["encoder.pos_embedding"].shape[1] == 7 * 7 + 1
    assert after["encoder.pos_embedding"].shape[1] == 3 * 3 + 1
    assert torch.equal(before["conv_proj.weight"], after["conv_proj.weight"])
    with torch.inference_mode():
        assert resized.features()(images(96)).shape == (2, 768)
    with pytest.raises(BackboneError, match=r"patches of 32 pixels .* choose a multiple"):
        build("torchvision:vit_b_32@random", image_size=100)


def test_weights_to_download_without_a_network_name_the_offline_ways() -> None:
    with pytest.raises(WeightsUnavailableError) as caught:
        resolve(Backbone(name="torchvision:resnet50.IMAGENET1K_V1"))
    message = str(caught.value)
    assert message.startswith("the weights of torchvision:resnet50.IMAGENET1K_V1 are not on this")
    assert "download.pytorch.org cannot be reached" in message
    assert "torchvision:resnet50@CHECKPOINT" in message
    assert "\n" not in message


def test_a_download_that_is_cut_off_is_one_sentence_and_leaves_nothing(
    downloads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(url: str, path: str, *args: object, **settings: object) -> None:
        raise RuntimeError('invalid hash value (expected "f37072fd", got "0000")\nmore')

    monkeypatch.setattr("penultimate.backbones.online.reachable", lambda endpoint: True)
    monkeypatch.setattr(torch.hub, "download_url_to_file", cut_off)
    with pytest.raises(WeightsUnavailableError, match="invalid hash value") as caught:
        resolve(Backbone(name="torchvision:resnet18"))
    assert "\n" not in str(caught.value)
    assert list(downloads.iterdir()) == []


def test_a_damaged_download_is_named(downloads: Path) -> None:
    path = downloads / Path(models.ResNet18_Weights.DEFAULT.url).name
    path.write_bytes(b"half")
    with pytest.raises(CheckpointError, match=path.name):
        resolve(Backbone(name="torchvision:resnet18"))


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("torchvision:resnet5O", "torchvision:resnet50"),
        ("torchvision:resnet5O@random", "torchvision:resnet50@random"),
        ("torchvision:resnet50.IMAGENET_V1", "torchvision:resnet50.IMAGENET1K_V1"),
        ("torchvision:resnet50@randon", "torchvision:resnet50@random"),
    ],
)
def test_a_mistyped_name_is_answered_with_the_nearest(wrong: str, right: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        resolve(Backbone(name=wrong))
    assert repr(right) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_weights_that_end_before_the_penultimate_layer_are_refused() -> None:
    metrics = models.VGG16_Weights.IMAGENET1K_FEATURES.meta["_metrics"]["ImageNet-1K"]
    assert math.isnan(metrics["acc@1"])
    with pytest.raises(WeightsUnavailableError, match="no weights of the layers before its last"):
        resolve(Backbone(name="torchvision:vgg16.IMAGENET1K_FEATURES"))


def test_a_detector_is_no_backbone() -> None:
    with pytest.raises(UnknownNameError):
        resolve(Backbone(name="torchvision:fasterrcnn_resnet50_fpn@random"))
