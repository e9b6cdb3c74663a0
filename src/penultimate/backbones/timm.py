"""Networks by timm's names, with timm's weights, a package's, a checkpoint's or none."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import huggingface_hub
import timm
import torch
from torch import Tensor, nn

from penultimate.backbones.catalogue import PACKAGES
from penultimate.backbones.checkpoint import load_checkpoint
from penultimate.errors import (
    BackboneError,
    CheckpointError,
    PenultimateError,
    UnknownNameError,
    WeightsUnavailableError,
    nearest,
)
from penultimate.io import canonical_json
from penultimate.spec import Preprocessing

LIST = "'penultimate list backbones' shows all"
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
    variant: str = ""  # arguments beside the architecture that a hub's or folder's config gives

    def features(self) -> nn.Module:
        """The network up to its penultimate layer, in evaluation mode."""
        return PreLogits(self.network).eval()

    def parameters(self) -> int:
        """How many parameters there are, those of the classification layer left out."""
        return sum(
            parameter.numel()
            for name, parameter in self.network.named_parameters()
            if not any(name.startswith(f"{prefix}.") for prefix in self.classifier)
        )


def build_timm(name: str, *, image_size: int | None = None, seed: int = 0) -> TimmNetwork:
    """A network from ``NAME`` or ``NAME@WEIGHTS``.

    Raises
    ------
    UnknownNameError, WeightsUnavailableError, CheckpointError : see ``resolve``.
    """
    architecture, at, weights = _split(name)
    settings: dict[str, Any] = {}
    if image_size is not None and _has_fixed_size(architecture):
        settings["img_size"] = image_size
    if at:
        network = _create(architecture, name, seed=seed, **settings)
        classifier = _classifier(network)
        source = _load(network, architecture, weights, classifier)
    else:
        with _hub(name):
            network = _create(architecture, name, pretrained=True, **settings)
        classifier = _classifier(network)
        source = _origin(network)
    return TimmNetwork(
        network=network.eval(),
        architecture=_architecture(network, architecture),
        source=source,
        preprocessing=_preprocessing(network, image_size),
        classifier=classifier,
        variant=_variant(architecture),
    )


def _split(name: str) -> tuple[str, bool, str]:
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
                raise  # weights that cannot be fetched: see _hub
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
        return WeightsUnavailableError(_unavailable(name, message))
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


def _load(network: nn.Module, architecture: str, weights: str, classifier: tuple[str, ...]) -> str:
    """Put the weights named after ``@`` into the network; returns where they came from."""
    if weights == "random":
        return "random initialisation"
    if weights == "package":
        if architecture not in PACKAGES:
            raise UnknownNameError(
                "backbone",
                f"{architecture}@package",
                [f"{known}@package" for known in PACKAGES],
                "weights in packages are " + ", ".join(f"{known}@package" for known in PACKAGES),
            )
        package = PACKAGES[architecture]
        load_checkpoint(network, package.checkpoint(), classifier)
        return f"package {package.install}"
    path = Path(weights).expanduser()
    if not path.is_file():
        if not path.suffix and nearest(weights, WORDS):
            known = [f"{architecture}@{word}" for word in WORDS]
            raise UnknownNameError("backbone", f"{architecture}@{weights}", known, LIST)
        raise CheckpointError(
            f"{architecture}@{weights}: there is no file {weights}; after '@' goes a checkpoint's "
            "path, 'random' or 'package'"
        )
    load_checkpoint(network, path, classifier)
    return f"checkpoint {path.name}"


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


@contextmanager
def _hub(name: str) -> Iterator[None]:
    """Let timm fetch weights; where there is no network, say so at once and not after a minute."""
    constants = huggingface_hub.constants
    offline = constants.HF_HUB_OFFLINE
    reachable = offline or _reachable(constants.ENDPOINT)
    constants.HF_HUB_OFFLINE = offline or not reachable
    try:
        yield
    except (OSError, huggingface_hub.errors.HfHubHTTPError) as error:
        reason = str(error) if reachable else f"{constants.ENDPOINT} cannot be reached"
        reason = "HF_HUB_OFFLINE is set" if offline else reason.replace(". ", "; ")
        raise WeightsUnavailableError(_unavailable(name, reason)) from error
    finally:
        constants.HF_HUB_OFFLINE = offline


def _unavailable(name: str, reason: str) -> str:
    first = next(iter(reason.splitlines()), "no reason given").rstrip(".")
    architecture = name.partition("@")[0].rpartition("/")[2].partition(".")[0]
    return (
        f"the weights of {name} are not on this machine and cannot be downloaded ({first}): "
        f"connect to the network, or use offline ways: {architecture}@CHECKPOINT "
        "(a .safetensors or .pth file), local-dir:DIR, or tf_efficientnet_lite0@package"
    )


def _reachable(endpoint: str) -> bool:
    """Whether the hub's name resolves; behind a proxy that cannot be known, so yes."""
    import urllib.request

    if urllib.request.getproxies():
        return True
    address = urlsplit(endpoint)
    try:
        socket.getaddrinfo(address.hostname, address.port or 443)
    except OSError:
        return False
    return True
