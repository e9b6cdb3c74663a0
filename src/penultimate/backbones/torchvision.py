"""Networks by torchvision's names, with torchvision's weights, a checkpoint's or none.

What the last layer is given are the features: of VGG and MobileNet v3 the activations of the layer
before it in the head, of SqueezeNet, whose last layer is a convolution, the mean over the image of
what that is given.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torchvision import models

from penultimate.backbones.built import Evaluation, Published
from penultimate.backbones.checkpoint import given_path, load_checkpoint
from penultimate.backbones.online import fetch
from penultimate.errors import BackboneError, UnknownNameError, WeightsUnavailableError
from penultimate.spec import Preprocessing

PREFIX = "torchvision:"
LIST = "'penultimate list backbones \"torchvision:*\"' shows all"

# Heads that only training uses. They are not built, and a checkpoint may have them.
INCEPTIONS = ("googlenet", "inception_v3")
AUXILIARY = ("aux1", "aux2", "AuxLogits")
# What builds them for one image size, and how torchvision's builders call it.
SIZED = {"vit_": "image_size", "maxvit_": "input_size"}


@dataclass(frozen=True, eq=False)
class TorchvisionNetwork:
    """A torchvision network with its weights."""

    network: nn.Module
    architecture: str
    source: str
    preprocessing: Preprocessing
    classifier: tuple[str, ...]
    preset: Any  # the weights' own transforms
    has_head: bool = True
    published: Published | None = None
    variant: str = ""
    switches: dict[str, Any] | None = None

    def features(self) -> nn.Module:
        """The network without its last layer, which is taken off; in evaluation mode."""
        parent, _, last = self.classifier[0].rpartition(".")
        setattr(self.network.get_submodule(parent), last, nn.Identity())
        return self.network.eval()

    def evaluation(self) -> Evaluation:
        """The transforms that torchvision publishes with the weights."""
        settings = {
            "resize": self.preset.resize_size[0],
            "crop": self.preset.crop_size[0],
            "interpolation": self.preset.interpolation.value,
            "mean": list(self.preset.mean),
            "std": list(self.preset.std),
        }
        return Evaluation(self.preset, settings)


def names() -> list[str]:
    """Every classification network, and those of its weights that are not its default."""
    found = []
    for model in models.list_models(module=models):
        weights = models.get_model_weights(model)
        found.append(PREFIX + model)
        found += [
            f"{PREFIX}{model}.{entry.name}"
            for entry in weights
            if entry is not weights.DEFAULT and _classifies(entry)
        ]
    return found


def build_torchvision(
    name: str, *, image_size: int | None = None, seed: int = 0
) -> TorchvisionNetwork:
    """A network from ``torchvision:NAME[.WEIGHTS][@random|@CHECKPOINT]``.

    Without ``.WEIGHTS`` those that torchvision itself calls DEFAULT; they also say how an image is
    prepared for other weights.

    Raises
    ------
    UnknownNameError, WeightsUnavailableError, CheckpointError : see ``resolve``.
    """
    architecture, at, place = name.partition("@")
    model, dot, tag = architecture.removeprefix(PREFIX).partition(".")
    if model not in models.list_models(module=models):
        raise UnknownNameError("backbone", name, [n + at + place for n in names()], LIST)
    weights = models.get_model_weights(model)
    if dot and tag not in weights.__members__:
        known = [f"{PREFIX}{model}.{tag}{at}{place}" for tag in weights.__members__]
        raise UnknownNameError("backbone", name, known, LIST)
    entry = weights[tag] if dot else weights.DEFAULT
    if not at and not _classifies(entry):
        raise WeightsUnavailableError(
            f"{name} has no weights of the layers before its last: choose other weights ({LIST})"
        )
    preset = entry.transforms()
    size = image_size or preset.crop_size[0]
    random = bool(at) and place == "random"
    network = _create(model, preset.crop_size[0], name, seed, init_weights=random)
    head = _last_layer(network)
    classifier = (head, *AUXILIARY)
    published, has_head = None, True
    if random:
        source = "random initialisation"
    elif at:
        path = given_path(architecture, place, ("random",))
        has_head = load_checkpoint(network, path, classifier)
        source = f"checkpoint {path.name}"
    else:
        path = fetch(entry.url, name, PREFIX + model)
        load_checkpoint(network, path, classifier)
        source = f"torchvision, {entry}"
        published = _published(entry)
    if size != preset.crop_size[0]:
        network = _resized(network, model, size, name, seed)
    return TorchvisionNetwork(
        network=network.eval(),
        architecture=PREFIX + model,
        source=source,
        preprocessing=Preprocessing(
            size=size,
            mean=tuple(preset.mean),
            std=tuple(preset.std),
            interpolation=preset.interpolation.value,
        ),
        classifier=classifier,
        preset=preset,
        has_head=has_head,
        published=published,
    )


def _create(
    model: str, size: int, name: str, seed: int, *, init_weights: bool = False
) -> nn.Module:
    """The network with weights drawn from the seed; the Inceptions' own draw takes seconds."""
    settings: dict[str, Any] = {}
    key = next((key for start, key in SIZED.items() if model.startswith(start)), None)
    if key:
        settings[key] = size if key == "image_size" else (size, size)
    if model in INCEPTIONS:
        # As torchvision builds them with weights: the first thing they do is another scaling.
        settings |= {"transform_input": True, "aux_logits": False, "init_weights": init_weights}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            network: nn.Module = models.get_model(model, weights=None, **settings)
        except (ValueError, RuntimeError, AssertionError) as error:
            reason = next(iter(str(error).splitlines()), "")
            raise BackboneError(
                f"{name} cannot be built for images of {size} x {size} ({reason}): leave "
                "image_size out"
            ) from None
    return network


def _last_layer(network: nn.Module) -> str:
    """The name of the classification layer: what is registered last and has weights to multiply.

    So it is in every family; a test builds each and looks.
    """
    layers: list[str] = [
        name for name, m in network.named_modules() if isinstance(m, nn.Linear | nn.Conv2d)
    ]
    return layers[-1]


def _resized(network: nn.Module, model: str, size: int, name: str, seed: int) -> nn.Module:
    """The same weights for images of another size; most networks take any."""
    if not model.startswith(tuple(SIZED)):
        return network
    state: dict[str, Tensor] = network.state_dict()
    if model.startswith("vit_"):
        patch: Any = network
        if size % patch.patch_size:
            raise BackboneError(
                f"{name} cuts images into patches of {patch.patch_size} pixels and cannot take "
                f"{size} x {size}: choose a multiple"
            )
        state = dict(
            models.vision_transformer.interpolate_embeddings(size, patch.patch_size, state)
        )
    other = _create(model, size, name, seed)
    other.load_state_dict(state)
    return other


def _classifies(entry: Any) -> bool:
    """Whether the weights go up to the last layer (one of VGG-16's ends before)."""
    return entry.meta["categories"] is not None


def _published(entry: Any) -> Published | None:
    top1 = entry.meta["_metrics"].get("ImageNet-1K", {}).get("acc@1", math.nan)
    if math.isnan(top1):
        return None
    return Published(top1=top1 / 100, source=f"torchvision, published with {entry}")
