"""Image towers by OpenCLIP's names, an extra: ``pip install 'penultimate[open_clip]'``.

The features are what the linear projection into the space shared with text is given, as CLIP's
authors take them for their linear probes. The ResNets among the towers have no projection of their
own: their attention pooling ends with one, so that theirs are the embedding.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from penultimate.backbones.built import Evaluation, Published
from penultimate.backbones.checkpoint import fit_state, given_path, read_state, strip_prefix
from penultimate.backbones.online import hub, unavailable
from penultimate.errors import BackboneError, UnknownNameError, WeightsUnavailableError
from penultimate.io import canonical_json
from penultimate.spec import Preprocessing

PREFIX = "open_clip:"
LIST = "'penultimate list backbones \"open_clip:*\"' shows all"
PUBLISHED_FIRST = "openai"  # the tag that is meant where none is given


@dataclass(frozen=True, eq=False)
class OpenClipTower:
    """The image tower of a CLIP model with its weights."""

    network: nn.Module
    architecture: str
    source: str
    preprocessing: Preprocessing
    classifier: tuple[str, ...]
    variant: str
    has_head: bool = False
    published: Published | None = None
    switches: dict[str, Any] | None = None

    def features(self) -> nn.Module:
        """The tower without its projection, which is taken off; in evaluation mode."""
        tower: Any = self.network
        if "proj" in self.classifier:
            tower.proj = None
        elif self.classifier and self.classifier[0].startswith("head."):
            for layer in set(tower.head._modules) & {"proj", "mlp"}:
                setattr(tower.head, layer, nn.Identity())
        elif self.classifier:
            tower.trunk.reset_classifier(0)
        return Pooled(tower).eval()

    def evaluation(self) -> Evaluation | None:
        """None: a tower tells images from texts, and has no classes."""
        return None


class Pooled(nn.Module):
    """The tower's one vector an image; some give their tokens besides."""

    def __init__(self, tower: nn.Module) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, images: Tensor) -> Tensor:
        """Features (N, D) of images (N, 3, H, W)."""
        output: Tensor | tuple[Tensor, ...] = self.tower(images)
        return output[0] if isinstance(output, tuple) else output


def names() -> list[tuple[str, bool]]:
    """Every name, and whether it has weights; empty where the library is not installed."""
    try:
        import open_clip
    except ImportError:
        return []
    tagged = [(f"{PREFIX}{model}/{tag}", True) for model, tag in open_clip.list_pretrained()]
    bare = [
        (f"{PREFIX}{model}", False)
        for model in open_clip.list_models()
        if not open_clip.list_pretrained_tags_by_model(model)
    ]
    return sorted(tagged + bare)


def build_open_clip(name: str, *, image_size: int | None = None, seed: int = 0) -> OpenClipTower:
    """A tower from ``open_clip:NAME[/TAG][@random|@CHECKPOINT]``.

    Without a tag OpenAI's own weights where there are, else the only ones; the tag also says how an
    image is prepared for other weights.

    Raises
    ------
    BackboneError : the library is not installed, or the tower does not take this size.
    UnknownNameError, WeightsUnavailableError, CheckpointError : see ``resolve``.
    """
    open_clip = _library(name)
    architecture, at, place = name.partition("@")
    model, slash, tag = architecture.removeprefix(PREFIX).partition("/")
    if model not in open_clip.list_models():
        known = [PREFIX + n + slash + tag + at + place for n in open_clip.list_models()]
        raise UnknownNameError("backbone", name, known, LIST)
    tags = open_clip.list_pretrained_tags_by_model(model)
    if slash and tag not in tags:
        known = [f"{PREFIX}{model}/{known}{at}{place}" for known in tags]
        raise UnknownNameError("backbone", name, known, LIST)
    tag = tag or _default_tag(name, model, tags, at)
    published = dict(open_clip.get_pretrained_cfg(model, tag) or {})
    config = open_clip.get_model_config(model)
    config["vision_cfg"]["timm_model_pretrained"] = False
    # A tag's weights want the activation that they were trained with, whatever the name says.
    config["quick_gelu"] = bool(published.get("quick_gelu", config.get("quick_gelu", False)))
    tower = _create(config, name, seed)
    size = _side(tower)
    classifier = _projection(tower)
    if at and place == "random":
        source = "random initialisation"
    else:
        if at:
            path = given_path(architecture, place, ("random",))
            source = f"checkpoint {path.name}"
        else:
            path = _fetch(published, name, model)
            source = f"OpenCLIP, {model}/{tag}"
        state = strip_prefix(_of_tower(read_state(path)), tower.state_dict())
        fit_state(tower, state, path, classifier)
    if image_size not in (None, size):
        size = image_size
        tower = _resized(tower, config, size, name, seed)
    return OpenClipTower(
        network=tower.eval(),
        architecture=PREFIX + model,
        source=source,
        preprocessing=Preprocessing(
            size=size,
            mean=published.get("mean") or open_clip.OPENAI_DATASET_MEAN,
            std=published.get("std") or open_clip.OPENAI_DATASET_STD,
            interpolation=published.get("interpolation") or "bicubic",
        ),
        classifier=classifier,
        variant=_variant(config),
    )


def _library(name: str) -> Any:
    try:
        import open_clip
    except ImportError:
        raise BackboneError(
            f"{name} needs OpenCLIP: pip install open_clip_torch, or 'penultimate[open_clip]'"
        ) from None
    return open_clip


def _default_tag(name: str, model: str, tags: list[str], at: str) -> str:
    if PUBLISHED_FIRST in tags:
        return PUBLISHED_FIRST
    if len(tags) == 1 or (at and tags):
        return tags[0]
    if at:
        return ""
    if not tags:
        raise WeightsUnavailableError(
            f"OpenCLIP has no weights for {model}: use {name}@CHECKPOINT (a .safetensors or .pth "
            f"file) or {name}@random"
        )
    raise WeightsUnavailableError(
        f"OpenCLIP has {len(tags)} sets of weights for {model}: choose one, as in "
        f"{PREFIX}{model}/{tags[0]}, of {', '.join(tags)}"
    )


def _create(config: dict[str, Any], name: str, seed: int) -> nn.Module:
    """The image tower alone: the tower of text would cost its memory, or a download."""
    from open_clip.model import _build_vision_tower

    config = copy.deepcopy(config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            tower: nn.Module = _build_vision_tower(
                config["embed_dim"], config["vision_cfg"], config["quick_gelu"]
            )
        except Exception as error:  # as many kinds as there are libraries behind it
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise BackboneError(f"{name} cannot be built: {reason}") from error
    return tower


def _fetch(published: dict[str, Any], name: str, model: str) -> Path:
    import open_clip

    architecture = PREFIX + model
    with hub(name, architecture):
        try:
            path = open_clip.download_pretrained(published)
        except RuntimeError as error:  # not from the hub, and not what was expected
            raise WeightsUnavailableError(unavailable(name, str(error), architecture)) from error
    if not path:
        raise WeightsUnavailableError(unavailable(name, "no address is known", architecture))
    return Path(path)


def _of_tower(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The image tower's part of a whole model's tensors; what has no other part as it is."""
    own = {key.partition("visual.")[2]: value for key, value in state.items() if "visual." in key}
    return own or state


def _side(tower: nn.Module) -> int:
    """The image size that a tower is built for."""
    size: Any = tower.image_size
    return int(size[0] if isinstance(size, tuple | list) else size)


def _projection(tower: Any) -> tuple[str, ...]:
    """The tensors of the linear projection, where it is a layer of its own."""
    if hasattr(tower, "trunk"):
        if layers := [f"head.{name}" for name in tower.head._modules if name in ("proj", "mlp")]:
            return tuple(layers)
        names = tower.trunk.pretrained_cfg.get("classifier") if tower.trunk.num_classes else None
        return tuple(f"trunk.{n}" for n in ((names,) if isinstance(names, str) else names or ()))
    return ("proj",) if isinstance(getattr(tower, "proj", None), nn.Parameter) else ()


def _resized(tower: Any, config: dict[str, Any], size: int, name: str, seed: int) -> nn.Module:
    """The same weights for images of another size, positions interpolated."""
    from open_clip.model import resize_pos_embed

    if hasattr(tower, "trunk"):
        tower.set_input_size(size)
        return tower  # type: ignore[no-any-return]
    if not hasattr(tower, "positional_embedding"):
        raise BackboneError(
            f"{name} takes images of {_side(tower)} x {_side(tower)} only: leave image_size out"
        )
    config["vision_cfg"]["image_size"] = size
    other = _create(config, name, seed)
    state = {f"visual.{key}": value for key, value in tower.state_dict().items()}
    resize_pos_embed(state, SimpleNamespace(visual=other))
    other.load_state_dict({key.removeprefix("visual."): value for key, value in state.items()})
    return other


def _variant(config: dict[str, Any]) -> str:
    """The arguments of the tower: some change the features and no weight."""
    vision = {
        key: value
        for key, value in config["vision_cfg"].items()
        if key not in ("image_size", "timm_model_pretrained")
    }
    return canonical_json({"vision_cfg": vision, "quick_gelu": config["quick_gelu"]})
