"""From a name to a network: timm, checkpoints, packages, and networks of the user's own."""

from penultimate.backbones.catalogue import PACKAGES, list_backbones
from penultimate.backbones.given import GivenFeatures
from penultimate.backbones.resolve import ResolvedBackbone, resolve

__all__ = ["PACKAGES", "GivenFeatures", "ResolvedBackbone", "list_backbones", "resolve"]
