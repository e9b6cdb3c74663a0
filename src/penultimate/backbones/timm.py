"""Networks by timm's names, with timm's weights, a package's, a checkpoint's or none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import huggingface_hub
import timm
import torch
from torch import Tensor, nn

from penultimate.backbones.built import Evaluation, Published
from penultimate.backbones.catalogue import PACKAGES
from penultimate.backbones.checkpoint import given_path, load_checkpoint
from penultimate.backbones.online import hub, unavailable
from penultimate.errors import (
    BackboneError,
    PenultimateError,
    UnknownNameError,
    WeightsUnavailableError,
)
from penultimate.io import canonical_json
from penultimate.spec import Preprocessing

LIST = "'penultimate list backbones' shows all"
OF_TIMM = re.compile(r"hf-hub:timm/[^@]+$")  # at its latest revision
WORDS = ("random", "package")  # what may stand after '@' besides a path


class PreLogits(nn.Module):
    """What the classification layer would be given: timm's pre-logits."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network: Any = network

    def forward(self, images: Tensor) -> Tensor:
        """Features (N, D) of images (N, 3, H, W)."""
        features: Tensor = self.network.forward_head(
            self.network.forward_features(images), pre_logits=True
        )
        return features


@dataclass(frozen=True, eq=False)
class TimmNetwork:
    """A timm network with its weights, classification layer included."""

    network: nn.Module
    architecture: str
    source: str
    preprocessing: Preprocessing
    classifier: tuple[str, ...]
    has_head: bool = True
    published: Published | None = None
    variant: str = ""  # arguments beside the architecture that a hub's or folder's config gives
    switches: dict[str, Any] | None = None

    def features(self) -> nn.Module:
        """The network up to its penultimate layer, in evaluation mode."""
        return PreLogits(self.network).eval()

    def evaluation(self) -> Evaluation:
        """timm's own transform for evaluation, at the size that the network is trained at."""
        config = timm.data.resolve_data_config(self._without_config(), model=self.network)
        settings = {
            "size": config["input_size"][-1],
            "crop_pct": config["crop_pct"],
            "crop_mode": config["crop_mode"],
            "interpolation": config["interpolation"],
            "mean": list(config["mean"]),
            "std": list(config["std"]),
        }
        return Evaluation(timm.data.create_transform(**config, is_training=False), settings)

    def _without_config(self) -> dict[str, Any]:
        """What takes the place of timm's configuration for a network that has none of it."""
        if hasattr(self.network, "pretrained_cfg"):
            return {}
        own = self.preprocessing
        return {
            "img_size": own.size,
            "mean": own.mean,
            "std": own.std,
            "interpolation": own.interpolation,
            "crop_pct": 0.875,  # as customary: 256 then 224
        }


def build_timm(name: str, *, image_size: int | None = None, seed: int = 0) -> TimmNetwork:
    """A network from ``NAME`` or ``NAME@WEIGHTS``.

    Raises
    ------
    UnknownNameError, WeightsUnavailableError, CheckpointError : see ``resolve``.
    """
    architecture, at, weights = split_name(name)
    settings: dict[str, Any] = {}
    if image_size is not None and _has_fixed_size(architecture):
        settings["img_size"] = image_size
    if at:
        network = _create(architecture, name, seed=seed, **settings)
        classifier = _classifier(network)
        source, has_head = _load(network, architecture, weights, classifier)
        published = _packaged(architecture, network) if weights == "package" else None
    else:
        with hub(name):
            network = _create(architecture, name, pretrained=True, **settings)
        classifier = _classifier(network)
        source, has_head = _origin(network), True
        published = _published(network, name)
    return TimmNetwork(
        network=network.eval(),
        architecture=_architecture(network, architecture),
        source=source,
        preprocessing=_preprocessing(network, image_size),
        classifier=classifier,
        variant=_variant(architecture),
        has_head=has_head,
        published=published,
    )


def split_name(name: str) -> tuple[str, bool, str]:
    """Tell the architecture from the weights; a hub name may have an ``@revision`` of its own."""
    if name.startswith(("hf-hub:", "local-dir:")):
        architecture, at, weights = name.rpartition("@")
        if not at or (weights != "random" and name.startswith("hf-hub:")) or _is_local(name):
            return name, False, ""
    else:
        architecture, at, weights = name.partition("@")  # a checkpoint's path may have another
    return architecture, bool(at), weights


def _is_local(name: str) -> bool:
    return name.startswith("local-dir:") and Path(name.removeprefix("local-dir:")).is_dir()


def _variant(architecture: str) -> str:
    """The arguments that a hub's or a folder's config.json builds the architecture with.

    Some of them (pooling, activations) change the features and no weight: they are identity.
    """
    source, _, place = architecture.partition(":")
    if source == "local-dir":
        _, _, arguments = timm.models._hub.load_model_config_from_path(place)
    elif source == "hf-hub":
        _, _, arguments = timm.models._hub.load_model_config_from_hf(place)
    else:
        return ""
    arguments = {key: value for key, value in (arguments or {}).items() if key != "num_classes"}
    return canonical_json(arguments) if arguments else ""


def _create(architecture: str, name: str, *, seed: int = 0, **settings: Any) -> nn.Module:
    # The initialisation draws from the global generator: seeded here, and given back as it was.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            network: nn.Module = timm.create_model(architecture, **settings)
        except (OSError, huggingface_hub.errors.HfHubHTTPError) as error:
            if not architecture.startswith("local-dir:"):
                raise  # weights that cannot be fetched: see hub
            raise _not_local(name, error) from None
        except Exception as error:  # timm has no exceptions of its own
            if architecture.startswith("local-dir:"):
                raise _not_local(name, error) from None
            raise _named(architecture, name, error) from error
    return network


def _named(architecture: str, name: str, error: Exception) -> PenultimateError:
    """What timm's refusal to build a network means."""
    message = next(iter(str(error).splitlines()), type(error).__name__)
    if "Unknown model" in message or isinstance(error, ValueError):
        known, remedy = _near(architecture, name), LIST
        if "/" in architecture and not architecture.startswith("hf-hub:"):
            known = []
            remedy = f"a repository of the hub is hf-hub:{architecture}, a checkpoint NAME@PATH"
        return UnknownNameError("backbone", name, known, remedy)
    if "Invalid pretrained tag" in message:
        known = timm.list_pretrained(f"{architecture.partition('.')[0]}.*")
        return UnknownNameError("backbone", name, known, LIST)
    if "No pretrained weights exist" in message:
        return WeightsUnavailableError(
            f"timm has no weights for {name}: use {name}@CHECKPOINT (a .safetensors or .pth file) "
            f"or {name}@random"
        )
    if "pretrained" in message.lower():
        return WeightsUnavailableError(unavailable(name, message))
    return BackboneError(f"{name} cannot be built: {message}")


def _not_local(name: str, error: Exception) -> BackboneError:
    message = next(iter(str(error).splitlines()), "")
    return BackboneError(
        f"{name} cannot be built ({type(error).__name__}: {message}): local-dir:DIR needs a folder "
        "with timm's config.json and the weights that belong to it"
    )


def _near(architecture: str, name: str) -> list[str]:
    """Right names to compare a wrong one with, with the weights that were asked for kept."""
    suffix = name[len(architecture) :]
    names: list[str] = [*timm.list_models(), *timm.list_pretrained()]
    if suffix == "@package":
        names = list(PACKAGES)
    return [known + suffix for known in names]


def _load(
    network: nn.Module, architecture: str, weights: str, classifier: tuple[str, ...]
) -> tuple[str, bool]:
    """Put the weights named after ``@`` into the network.

    Returns where they came from, and whether the classification layer did, too.
    """
    if weights == "random":
        return "random initialisation", True
    if weights == "package":
        if architecture not in PACKAGES:
            raise UnknownNameError(
                "backbone",
                f"{architecture}@package",
                [f"{known}@package" for known in PACKAGES],
                "weights in packages are " + ", ".join(f"{known}@package" for known in PACKAGES),
            )
        package = PACKAGES[architecture]
        whole = load_checkpoint(network, package.checkpoint(), classifier)
        return f"package {package.install}", whole
    path = given_path(architecture, weights, WORDS)
    return f"checkpoint {path.name}", load_checkpoint(network, path, classifier)


def _classifier(network: nn.Module) -> tuple[str, ...]:
    """The names of the classification layers (a distilled network has two)."""
    cfg: Any = network.pretrained_cfg
    names = cfg.get("classifier")
    if not names:  # a config.json may leave out what the architecture always has
        default = timm.get_pretrained_cfg(_architecture(network, ""), allow_unregistered=True)
        names = (default.classifier if default else None) or ()
    return (names,) if isinstance(names, str) else tuple(names)


def _architecture(network: nn.Module, name: str) -> str:
    cfg: Any = network.pretrained_cfg
    return str(cfg.get("architecture") or name.partition(".")[0])


def _published(network: nn.Module, name: str) -> Published | None:
    """What timm's tables call the checkpoint; not where anybody else wrote its config.json."""
    if name.startswith("local-dir:") or (name.startswith("hf-hub:") and not OF_TIMM.match(name)):
        return None
    cfg: Any = network.pretrained_cfg
    model = ".".join(part for part in (_architecture(network, name), cfg.get("tag")) if part)
    return Published(model=model, image_size=cfg["input_size"][-1])


def _packaged(architecture: str, network: nn.Module) -> Published:
    cfg: Any = network.pretrained_cfg
    return Published(model=PACKAGES[architecture].published, image_size=cfg["input_size"][-1])


def _origin(network: nn.Module) -> str:
    cfg: Any = network.pretrained_cfg
    for key in ("hf_hub_id", "url", "file"):
        if cfg.get(key):
            return f"timm, {cfg[key]}"
    return "timm"


def _preprocessing(network: nn.Module, image_size: int | None) -> Preprocessing:
    """Size, mean, standard deviation and interpolation from the network's own configuration."""
    config = timm.data.resolve_data_config({}, model=network)
    if config["input_size"][0] != 3:
        raise BackboneError(
            f"{type(network).__name__} takes {config['input_size'][0]} channels: only networks for "
            "RGB images can be used"
        )
    return Preprocessing(
        size=image_size or config["input_size"][-1],
        mean=config["mean"],
        std=config["std"],
        interpolation=config["interpolation"],
    )


def _has_fixed_size(architecture: str) -> bool:
    cfg = timm.get_pretrained_cfg(architecture) if timm.is_model(architecture) else None
    return bool(cfg is not None and cfg.fixed_input_size)
