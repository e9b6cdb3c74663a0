"""A fitted linear classifier that can be kept and used again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from penultimate.errors import StoreError
from penultimate.io import write_atomic


@dataclass(frozen=True, eq=False)
class Probe:
    """Class probabilities from features: softmax(features @ coef.T + intercept).

    ``coef`` is (K, D) and ``intercept`` (K,). A class that had no example to learn from has
    intercept minus infinity, and so probability 0.
    """

    coef: NDArray[np.float64]
    intercept: NDArray[np.float64]
    classes: tuple[str, ...]

    def log_probabilities(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """Log probabilities (n, K) of features (n, D); minus infinity for an unlearned class."""
        logits: NDArray[np.float64] = features.astype(np.float64) @ self.coef.T + self.intercept
        logits -= logits.max(axis=1, keepdims=True)
        logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return logits


def save_probe(probe: Probe, path: Path) -> None:
    """Write a probe as safetensors, its classes in the metadata."""
    from safetensors.numpy import save

    data = save(
        {"coef": probe.coef, "intercept": probe.intercept},
        metadata={"classes": json.dumps(probe.classes)},
    )
    write_atomic(path, data)


def load_probe(path: Path) -> Probe:
    """Read what ``save_probe`` wrote.

    Raises
    ------
    StoreError : the file is damaged or is no probe.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            return Probe(
                coef=file.get_tensor("coef"),
                intercept=file.get_tensor("intercept"),
                classes=tuple(json.loads(file.metadata()["classes"])),
            )
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise StoreError(f"{path} is not a fitted probe ({error}): run the study again") from None
