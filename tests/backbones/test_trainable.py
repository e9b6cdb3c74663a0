"""A network to train: its body is the backbone's, its last layer is new."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tiny_networks import TINY, Pooled
from torch import nn

from penultimate.backbones import resolve
from penultimate.backbones.paper import Logits, build_paper, save_paper
from penultimate.backbones.random_form import random_form
from penultimate.backbones.timm import build_timm
from penultimate.backbones.trainable import trainable
from penultimate.errors import BackboneError, CheckpointError
from penultimate.spec import Backbone

CLASSES = 5


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def network(name: str, **settings):
    backbone = Backbone(name=name, **settings.pop("backbone", {}))
    return trainable(backbone, classes=CLASSES, **settings)


def test_the_body_gives_the_backbone_s_features_and_the_digest_is_its_own(saved, state, images):
    name = saved(state)
    found, known = network(name), resolve(Backbone(name=name))
    assert found.weights == known.weights
    assert (found.parameters, found.source) == (known.parameters, known.source)
    assert found.preprocessing == known.preprocessing
    assert found.features == 96
    module = found.module
    with torch.inference_mode():
        features = known.module(images)
        assert torch.equal(module.eval().body(images), features)
        assert torch.equal(module(images), features @ module.classifier.weight.T)


@pytest.mark.parametrize(
    "name",
    [
        TINY,
        "test_vit",
        "test_efficientnet",
        "test_nfnet",
        "mobilenetv3_small_050",
        "torchvision:squeezenet1_1",
        "torchvision:mobilenet_v3_small",
        "paper:mobilenet_v1",
    ],
)
@pytest.mark.slow
def test_every_parameter_learns(name):
    """No layer is left over that nothing uses, and none starts where it cannot get away."""
    found = network(f"{name}@random", head="random", backbone={"geometry": "whole"})
    size = min(found.preprocessing.size, 224)
    images = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1))
    torch.nn.functional.cross_entropy(found.module(images), torch.tensor([0, 1])).backward()
    without = [n for n, p in found.module.named_parameters() if p.grad is None]
    assert without == []
    assert found.module(images).shape == (2, CLASSES)


def test_a_layer_at_zero_says_nothing_and_learns(images):
    module = network(f"{TINY}@random").module
    logits = module(images)
    assert torch.equal(logits, torch.zeros(3, CLASSES))
    torch.nn.functional.cross_entropy(logits, torch.tensor([0, 1, 2])).backward()
    assert float(module.classifier.weight.grad.abs().max()) > 0


def test_a_layer_at_random_is_drawn_from_the_seed():
    def weight(seed: int) -> torch.Tensor:
        return network(f"{TINY}@random", head="random", seed=seed).module.classifier.weight

    state = torch.random.get_rng_state()
    first = weight(0)
    assert torch.equal(first, weight(0)) and not torch.equal(first, weight(1))
    assert 0.008 < float(first.detach().std()) < 0.012
    assert torch.equal(torch.random.get_rng_state(), state)


def test_from_scratch_is_the_same_network_whatever_weights_the_name_has(saved, state):
    name = saved(state)
    scratch = network(name, random=True, seed=3)
    drawn = network(f"{TINY}@random", seed=3)
    assert (
        scratch.weights == drawn.weights == resolve(Backbone(name=f"{TINY}@random"), seed=3).weights
    )
    assert scratch.weights != network(name, random=True, seed=4).weights != network(name).weights
    ours, theirs = scratch.module.state_dict(), drawn.module.state_dict()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("resnet50", "resnet50@random"),
        ("resnet50.a1_in1k@x.pth", "resnet50.a1_in1k@random"),
        ("tf_efficientnet_lite0@package", "tf_efficientnet_lite0@random"),
        ("hf-hub:timm/resnet18@v2", "hf-hub:timm/resnet18@v2@random"),
        ("torchvision:resnet18.IMAGENET1K_V1", "torchvision:resnet18.IMAGENET1K_V1@random"),
        ("open_clip:RN50/openai@x.pt", "open_clip:RN50/openai@random"),
        ("paper:resnet50", "paper:resnet50@random"),
        (
            "paper:inception_v4,dropout=0.2,auxiliary_head@random",
            "paper:inception_v4,dropout=0.2,auxiliary_head=on@random",
        ),
    ],
)
def test_the_random_form_of_a_name(name, form):
    assert random_form(Backbone(name=name, image_size=64)) == Backbone(name=form, image_size=64)


@pytest.fixture(scope="module")
def switched(tmp_path_factory) -> Path:
    """A paper's network with an auxiliary head, dropout, smoothing and no scale, in a file."""
    path = tmp_path_factory.mktemp("paper") / "weights.safetensors"
    network = build_paper(
        "nasnet_a_mobile",
        seed=5,
        num_classes=7,
        batch_norm_scale=False,
        label_smoothing=0.1,
        dropout=0.5,
        auxiliary_head=True,
    )
    save_paper(network, path)
    return path


@pytest.mark.slow
def test_a_paper_s_network_keeps_its_switches_and_its_auxiliary_heads(switched, images):
    name = f"paper:nasnet_a_mobile@{switched}"
    found, known = network(name), resolve(Backbone(name=name))
    assert found.weights == known.weights
    assert found.label_smoothing == 0.1
    assert found.module.dropout.p == 0.5
    with torch.inference_mode():
        assert torch.equal(found.module.eval().forward_features(images), known.module(images))
    logits = found.module.train()(images)
    assert isinstance(logits, Logits)
    assert logits.main.shape == logits.auxiliary[0].shape == (3, CLASSES)
    assert not logits.main.any() and not logits.auxiliary[0].any()
    kept = build_paper("nasnet_a_mobile", seed=5, num_classes=7, auxiliary_head=True)
    assert torch.equal(
        found.module.auxiliary[0].conv1.conv.weight, kept.auxiliary[0].conv1.conv.weight
    )
    scales = [m.weight for m in found.module.body.modules() if isinstance(m, nn.BatchNorm2d)]
    assert scales and not any(scale.requires_grad for scale in scales)


@pytest.mark.slow
def test_regularisation_off_builds_a_paper_s_network_without(switched, images):
    name = f"paper:nasnet_a_mobile@{switched}"
    found = network(name, regularisation="off")
    assert found.weights == resolve(Backbone(name=name)).weights  # it starts from the same
    assert found.label_smoothing == 0
    assert found.module.dropout.p == 0
    assert torch.is_tensor(found.module(images))
    assert not any(key.startswith("auxiliary") for key in found.module.state_dict())
    assert not found.module.switches.batch_norm_scale  # no regularisation


@pytest.mark.slow
def test_from_scratch_a_paper_s_network_has_the_switches_of_its_file(switched):
    form = random_form(Backbone(name=f"paper:nasnet_a_mobile@{switched}")).name
    assert form == (
        "paper:nasnet_a_mobile,batch_norm_scale=off,label_smoothing=0.1,dropout=0.5,"
        "auxiliary_head=on@random"
    )
    assert network(form, seed=2).weights == resolve(Backbone(name=form), seed=2).weights


def test_regularisation_off_drops_nothing_in_other_libraries():
    found = network("torchvision:efficientnet_b0@random", regularisation="off")
    assert _shares(found.module) == {0.0}
    assert max(_shares(network("torchvision:efficientnet_b0@random").module)) >= 0.2
    vit = network("torchvision:swin_t@random", regularisation="off")
    images = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert torch.equal(vit.module.body(images), vit.module.body(images))  # while training


def _shares(module: nn.Module) -> set[float]:
    return {part.p for part in module.modules() if isinstance(getattr(part, "p", None), float)}


def test_whether_there_is_batch_norm():
    assert network(f"{TINY}@random").batch_norm
    assert not network("test_vit@random").batch_norm


def test_another_size_and_geometry():
    found = network(f"{TINY}@random", backbone={"image_size": 48, "geometry": "shorter-side-crop"})
    assert (found.preprocessing.size, found.preprocessing.geometry) == (48, "shorter-side-crop")


def test_what_cannot_be_trained_is_refused_in_one_sentence(tmp_path):
    np.save(tmp_path / "features.npy", np.zeros((3, 2), np.float32))
    own = Backbone.from_module(Pooled(), lambda image: torch.zeros(3, 8, 8), "mine")
    given = Backbone(name=f"features:{tmp_path}")
    for backbone, says in ((own, "brings its own transform"), (given, "no network to train")):
        for random in (False, True):
            with pytest.raises(BackboneError, match=says) as caught:
                trainable(backbone, classes=2, random=random)
            assert "linear-probe" in str(caught.value)
        with pytest.raises(BackboneError, match=says):
            random_form(backbone)


def test_a_checkpoint_that_does_not_fit_is_refused_and_not_needed_from_scratch(tmp_path):
    save_file({"other": torch.zeros(2)}, tmp_path / "w.safetensors")
    with pytest.raises(CheckpointError, match="does not fit"):
        network(f"{TINY}@{tmp_path / 'w.safetensors'}")
    assert network(f"{TINY}@{tmp_path / 'w.safetensors'}", random=True).source == (
        "random initialisation"
    )


def test_a_reloaded_training_gives_the_same_logits(images):
    module = network(f"{TINY}@random", head="random").module.eval()
    again = network(f"{TINY}@random").module.eval()
    again.load_state_dict(module.state_dict())
    with torch.inference_mode():
        assert torch.equal(again(images), module(images))


def test_timm_keeps_its_digest_when_its_last_layer_goes():
    assert build_timm(f"{TINY}@random").classifier == ("fc",)
    assert not any("fc" in name for name, _ in network(f"{TINY}@random").module.named_parameters())
