"""From a name to a network with its classification layer, whichever library has it."""

from __future__ import annotations

from functools import lru_cache

from penultimate.backbones.built import Built, Published
from penultimate.backbones.catalogue import PACKAGES
from penultimate.backbones.digest import digest_network
from penultimate.backbones.timm import build_timm
from penultimate.errors import BackboneError


def build(name: str, *, image_size: int | None = None, seed: int = 0) -> Built:
    """A network by its name, in evaluation mode.

    Raises
    ------
    UnknownNameError, WeightsUnavailableError, CheckpointError, BackboneError : see ``resolve``.
    """
    kind, colon, _ = name.partition(":")
    if colon and kind == "torchvision":
        from penultimate.backbones.torchvision import build_torchvision

        return build_torchvision(name, image_size=image_size, seed=seed)
    if colon and kind == "paper":
        from penultimate.backbones.paper.named import build_named

        return build_named(name, image_size=image_size, seed=seed)
    if colon and kind == "open_clip":
        from penultimate.backbones.open_clip import build_open_clip

        return build_open_clip(name, image_size=image_size, seed=seed)
    return build_timm(name, image_size=image_size, seed=seed)


def digest_of(built: Built) -> str:
    """The identity of a network's features."""
    return digest_network(built.architecture + built.variant, built.network, built.classifier)


def published(built: Built, weights: str) -> Published | None:
    """What is published of a network; a file of the packaged tensors is known by its digest.

    What a file says of itself counts for the weights that it says it of, and not for others that
    were put in their place.
    """
    said = built.published
    if said is not None and said.weights not in ("", weights):
        return None
    if said is not None or built.architecture not in PACKAGES:
        return said
    name = f"{built.architecture}@package"
    return _packaged(name)[1] if _packaged(name)[0] == weights else None


@lru_cache
def _packaged(name: str) -> tuple[str, Published | None]:
    """The digest of a packaged network; empty where the package is not installed."""
    try:
        built = build_timm(name)
    except BackboneError:
        return "", None
    return digest_of(built), built.published
