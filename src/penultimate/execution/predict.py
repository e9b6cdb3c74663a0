"""Use a fitted probe on new images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from penultimate.backbones import resolve
from penultimate.data import Skipped, read_image
from penultimate.errors import BackboneError, UnreadableImageError
from penultimate.features import features_of, pixels_of
from penultimate.methods import load_probe
from penultimate.store import Result, ResultStore


@dataclass(frozen=True, eq=False)
class Prediction:
    """Class probabilities (K,) of one image; each of its own where it can have several labels."""

    image: Path
    classes: tuple[str, ...]
    probabilities: NDArray[np.float64]
    multi_label: bool = False

    def likely(self) -> list[tuple[str, float]]:
        """The most probable class; all with p > 0.5, perhaps none, of several labels."""
        if not self.multi_label:
            return self.top(1)
        return [(name, p) for name, p in self.top(len(self.classes)) if p > 0.5]

    def top(self, count: int) -> list[tuple[str, float]]:
        """The ``count`` most probable classes, best first."""
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return [(self.classes[i], float(self.probabilities[i])) for i in order]


def predict_images(
    store: ResultStore, result: Result, images: list[Path], *, device: str | None = None
) -> tuple[list[Prediction], list[Skipped]]:
    """Predictions for the images that can be read, and the others with the reason.

    Raises
    ------
    BackboneError : the network is not the one that the probe was fitted on, or is not to be had.
    StoreError : the run has no probe.
    """
    probe = load_probe(store.artefact(result, "probe"))
    backbone = resolve(result.spec.backbone, seed=result.run.seed)
    name = result.spec.backbone.display
    if backbone.given is not None:
        raise BackboneError(f"{name} is features without a network: it cannot look at images")
    if (backbone.weights, backbone.preprocessing) != (result.run.weights, result.run.preprocessing):
        raise BackboneError(
            f"{name} has changed since run {result.digest[:12]} was made: bring back the weights "
            f"with digest {result.run.weights[:12]}, or run the study again"
        )
    readable: list[Path] = []
    prepared = []
    unreadable: list[Skipped] = []
    for path in images:
        try:
            prepared.append(pixels_of(read_image(path), backbone))
            readable.append(path)
        except UnreadableImageError as error:
            unreadable.append(Skipped(id=str(path), reason=str(error)))
    if not prepared:
        return [], unreadable
    p = np.exp(probe.log_probabilities(features_of(backbone, prepared, device=device)))
    return [
        Prediction(path, probe.classes, row, multi_label=probe.multi_label)
        for path, row in zip(readable, p, strict=True)
    ], unreadable
