"""OpenCLIP's image towers: features before the projection, the tower's own preprocessing."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from penultimate.backbones import list_backbones, resolve
from penultimate.backbones.build import build
from penultimate.errors import (
    BackboneError,
    CheckpointError,
    UnknownNameError,
    WeightsUnavailableError,
)
from penultimate.spec import Backbone

open_clip = pytest.importorskip("open_clip")

SMALL = "open_clip:ViT-S-32"  # the smallest with OpenCLIP's own transformer: 22 million parameters


def images(size: int) -> Tensor:
    return torch.linspace(-2, 2, 2 * 3 * size * size).view(2, 3, size, size).mul(7).sin()


def embedding(name: str, seed: int = 0) -> tuple[Tensor, nn.Module]:
    """What the whole tower gives, and the tower."""
    built = build(f"{name}@random", seed=seed)
    with torch.inference_mode():
        output = built.network(images(built.preprocessing.size))
    return output[0] if isinstance(output, tuple) else output, built.network


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without a network and without weights from before."""
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("penultimate.backbones.online.reachable", lambda endpoint: False)


def test_the_features_are_what_the_projection_is_given() -> None:
    whole, tower = embedding(SMALL)
    resolved = resolve(Backbone(name=f"{SMALL}@random"))
    with torch.inference_mode():
        features = resolved.module(images(224))
        torch.testing.assert_close(features @ tower.proj, whole, rtol=1e-4, atol=1e-5)
    assert features.shape == (2, 384)
    assert resolved.image_size == 224
    assert resolved.published is None


@pytest.mark.slow
def test_the_features_of_a_timm_tower_are_what_its_projection_is_given() -> None:
    whole, tower = embedding("open_clip:convnext_tiny")
    resolved = resolve(Backbone(name="open_clip:convnext_tiny@random"))
    with torch.inference_mode():
        features = resolved.module(images(resolved.image_size))
        assert features.shape == (2, 768)
        torch.testing.assert_close(tower.head(features), whole, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_a_resnet_tower_gives_its_embedding() -> None:
    whole, _ = embedding("open_clip:RN50")
    with torch.inference_mode():
        features = resolve(Backbone(name="open_clip:RN50@random")).module(images(224))
    torch.testing.assert_close(features, whole, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_of_a_captioner_the_pooled_vector_is_taken() -> None:
    assert resolve(Backbone(name="open_clip:coca_ViT-B-32@random")).module(images(224)).shape == (
        *(2, 512),
    )


def test_random_weights_come_from_the_seed_and_disturb_no_generator() -> None:
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    one, again, other = (
        resolve(Backbone(name=f"{SMALL}@random"), seed=seed).weights for seed in (3, 3, 4)
    )
    assert torch.equal(torch.rand(3), expected)
    assert one == again != other


def test_a_checkpoint_of_the_whole_model_and_one_of_the_tower_are_the_same(tmp_path: Path) -> None:
    tower = build(f"{SMALL}@random", seed=77).network.state_dict()
    text = {"logit_scale": torch.ones(()), "transformer.resblocks.0.ln_1.weight": torch.ones(384)}
    whole = {f"visual.{key}": value for key, value in tower.items()} | text
    torch.save({"state_dict": {f"module.{key}": v for key, v in whole.items()}}, tmp_path / "a.pt")
    save_file(tower, tmp_path / "b.safetensors")
    expected = resolve(Backbone(name=f"{SMALL}@random"), seed=77).weights
    for file in ("a.pt", "b.safetensors"):
        assert resolve(Backbone(name=f"{SMALL}@{tmp_path / file}")).weights == expected


def test_the_projection_is_no_part_of_a_network_s_identity(tmp_path: Path) -> None:
    tower = build(f"{SMALL}@random", seed=77).network.state_dict()
    save_file(tower | {"proj": torch.zeros(384, 10)}, tmp_path / "other.safetensors")
    expected = resolve(Backbone(name=f"{SMALL}@random"), seed=77).weights
    assert resolve(Backbone(name=f"{SMALL}@{tmp_path / 'other.safetensors'}")).weights == expected


def test_the_activation_is_part_of_it_as_a_tag_s_weights_were_trained() -> None:
    """OpenAI's weights want QuickGELU, which shows in no tensor."""
    laion = build("open_clip:ViT-B-32/laion2b_s34b_b79k@random")
    openai = build("open_clip:ViT-B-32/openai@random")
    assert laion.variant != openai.variant
    kinds = [{type(m).__name__ for m in built.network.modules()} for built in (laion, openai)]
    assert ["QuickGELU" in kind for kind in kinds] == [False, True]


def test_preprocessing_is_the_tag_s_own() -> None:
    openai = resolve(Backbone(name=f"{SMALL}@random")).preprocessing
    assert openai.mean == pytest.approx(open_clip.OPENAI_DATASET_MEAN)
    assert openai.interpolation == "bicubic"
    siglip = build("open_clip:PE-Core-T-16-384@random").preprocessing
    assert (siglip.size, siglip.mean, siglip.interpolation) == (384, (0.5, 0.5, 0.5), "bilinear")


def test_another_image_size_interpolates_positions_and_keeps_the_rest() -> None:
    own = build(f"{SMALL}@random").network.state_dict()
    built = build(f"{SMALL}@random", image_size=96)
    resized = built.network.state_dict()
    assert own["positional_embedding"].shape == (50, 384)
    assert resized["positional_embedding"].shape == (10, 384)
    assert torch.equal(own["positional_embedding"][0], resized["positional_embedding"][0])
    assert torch.equal(own["conv1.weight"], resized["conv1.weight"])
    with torch.inference_mode():
        assert built.features()(images(96)).shape == (2, 384)
    with pytest.raises(BackboneError, match="224 x 224 only: leave image_size out"):
        build("open_clip:RN50@random", image_size=96)


@pytest.mark.parametrize("name", ["ViT-B-32", "ViT-B-32/laion2b_s34b_b79k"])
def test_weights_to_download_without_a_network_name_the_offline_ways(
    no_hub: None, name: str
) -> None:
    with pytest.raises(WeightsUnavailableError) as caught:
        resolve(Backbone(name=f"open_clip:{name}"))
    message = str(caught.value)
    assert message.startswith(f"the weights of open_clip:{name} are not on this machine")
    assert "open_clip:ViT-B-32@CHECKPOINT" in message
    assert "\n" not in message


def test_weights_that_have_been_downloaded_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tower = build("open_clip:RN50@random", seed=77).network.state_dict()
    file = tmp_path / "open_clip_model.safetensors"
    save_file({f"visual.{key}": value for key, value in tower.items()}, file)
    asked = []

    def downloaded(cfg: dict[str, object]) -> str:
        asked.append(cfg)
        return str(file)

    monkeypatch.setattr(open_clip, "download_pretrained", downloaded)
    resolved = resolve(Backbone(name="open_clip:RN50"))  # OpenAI's, as no tag is given
    assert resolved.source == "OpenCLIP, RN50/openai"
    assert asked == [open_clip.get_pretrained_cfg("RN50", "openai")]
    assert resolved.weights == resolve(Backbone(name=f"open_clip:RN50/openai@{file}")).weights


def test_where_there_are_several_weights_and_none_is_openai_s_they_are_named() -> None:
    with pytest.raises(WeightsUnavailableError, match=r"sets of weights .*choose one, as in ") as e:
        resolve(Backbone(name="open_clip:convnext_base_w"))
    for tag in open_clip.list_pretrained_tags_by_model("convnext_base_w"):
        assert tag in str(e.value)


def test_a_tower_without_weights_says_so() -> None:
    with pytest.raises(WeightsUnavailableError, match=f"no weights for ViT-S-32: use {SMALL}@"):
        resolve(Backbone(name=SMALL))


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("ViT-Q-32@random", "ViT-S-32@random"),
        ("ViT-B-32/opnai", "ViT-B-32/openai"),
        ("ViT-S-32@randon", "ViT-S-32@random"),
    ],
)
def test_a_mistyped_name_is_answered_with_the_nearest(wrong: str, right: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        resolve(Backbone(name=f"open_clip:{wrong}"))
    assert repr(f"open_clip:{right}") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    torch.save({"conv1.weight": torch.ones(3)}, tmp_path / "other.pt")
    with pytest.raises(CheckpointError, match=r"other\.pt does not fit VisionTransformer"):
        resolve(Backbone(name=f"{SMALL}@{tmp_path / 'other.pt'}"))


def test_names_with_weights_are_listed_with_their_tags() -> None:
    rows = {row["name"]: row["weights"] for row in list_backbones("open_clip:*")}
    assert rows["open_clip:ViT-B-32/openai"] == "download"
    assert rows["open_clip:ViT-S-32"] == "none"


def test_without_the_library_its_names_say_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "open_clip", None)  # as importing it then fails
    with pytest.raises(ImportError):
        importlib.import_module("open_clip")
    with pytest.raises(BackboneError, match="pip install open_clip_torch"):
        resolve(Backbone(name=f"{SMALL}@random"))
    assert list_backbones("open_clip:*") == []
