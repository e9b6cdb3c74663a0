"""Penultimate activations of images: extracted once, cached by content."""

from penultimate.features.cache import FEATURES_VERSION, Features, cached
from penultimate.features.engine import usable_device
from penultimate.features.extract import Extractor
from penultimate.features.images import pixels_of
from penultimate.features.single import features_of

__all__ = [
    "FEATURES_VERSION",
    "Extractor",
    "Features",
    "cached",
    "features_of",
    "pixels_of",
    "usable_device",
]
