"""Where examples come from, how images are decoded, and how they are divided.

``load_dataset(task)`` gives a ``Dataset``: examples with labels, content digests and parts.
"""

from penultimate.data.assemble import divided_anew
from penultimate.data.catalogue import TASKS, BuiltIn
from penultimate.data.dataset import Dataset, Skipped
from penultimate.data.decode import read_image
from penultimate.data.feature_folder import read_features
from penultimate.data.load import load_dataset
from penultimate.data.official import OFFICIAL

__all__ = [
    "OFFICIAL",
    "TASKS",
    "BuiltIn",
    "Dataset",
    "Skipped",
    "divided_anew",
    "load_dataset",
    "read_features",
    "read_image",
]
