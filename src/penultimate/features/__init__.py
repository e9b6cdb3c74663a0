"""Penultimate activations of images: extracted once, cached by content."""

from penultimate.features.cache import FEATURES_VERSION, Features, extract, features_key

__all__ = ["FEATURES_VERSION", "Features", "extract", "features_key"]
