"""From a name to a network: timm, checkpoints, packages, and networks of the user's own."""

from penultimate.backbones.catalogue import PACKAGES, list_backbones
from penultimate.backbones.given import GivenFeatures
from penultimate.backbones.random_form import random_form
from penultimate.backbones.resolve import ResolvedBackbone, resolve
from penultimate.backbones.synchronised import synchronised
from penultimate.backbones.trainable import TrainableNetwork, trainable

__all__ = [
    "PACKAGES",
    "GivenFeatures",
    "ResolvedBackbone",
    "TrainableNetwork",
    "list_backbones",
    "random_form",
    "resolve",
    "synchronised",
    "trainable",
]
