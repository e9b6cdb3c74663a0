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
    intercept minus infinity, and so probability 0. With ``multi_label`` each class has a
    probability of its own: sigmoid in place of softmax, and 1 for a class that every example had.
    """

    coef: NDArray[np.float64]
    intercept: NDArray[np.float64]
    classes: tuple[str, ...]
    multi_label: bool = False

    def scores(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """What measures look at (n, K): log odds of each class with several labels, else log p.

        Log odds, since far from 1/2 probabilities round to equal ones.
        """
        return self._logits(features) if self.multi_label else self.log_probabilities(features)

    def log_probabilities(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """Log probabilities (n, K) of features (n, D); minus infinity for an unlearned class."""
        logits = self._logits(features)
        if self.multi_label:
            return -np.logaddexp(0, -logits)
        logits -= logits.max(axis=1, keepdims=True)
        logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return logits

    def _logits(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        logits: NDArray[np.float64] = features.astype(np.float64) @ self.coef.T + self.intercept
        return logits


def save_probe(probe: Probe, path: Path) -> None:
    """Write a probe as safetensors, its classes in the metadata, and whether it is of sigmoids."""
    from safetensors.numpy import save

    data = save(
        {"coef": probe.coef, "intercept": probe.intercept},
        metadata={
            "classes": json.dumps(probe.classes),
            **({"multi_label": "true"} if probe.multi_label else {}),
        },
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
                multi_label=file.metadata().get("multi_label") == "true",
            )
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise StoreError(f"{path} is not a fitted probe ({error}): run the study again") from None
