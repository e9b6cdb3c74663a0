"""Use a fitted probe, or a network that was trained, on new images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from penultimate.backbones import resolve
from penultimate.data import Skipped, read_image
from penultimate.errors import BackboneError, StoreError, UnreadableImageError
from penultimate.execution.network_file import load_network, read_card
from penultimate.features import features_of, pixels_of, usable_device
from penultimate.methods import Probe, load_probe
from penultimate.methods.scoring import log_softmax
from penultimate.metrics import SEVERAL
from penultimate.spec import Preprocessing
from penultimate.store import Result, ResultStore
from penultimate.training.cuts import finish, prepare
from penultimate.training.engine import autocast, exact_float32
from penultimate.training.views import cut_of

BATCH = 32

Look = Callable[[list[Image.Image]], NDArray[np.float64]]
"""From RGB images to probabilities (n, K)."""


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
    StoreError : the run has neither a probe nor a network, or its file is damaged.
    """
    look = _trained(store, result, device) if "network" in result.artefacts else None
    look = look or _probed(store, result, device)
    readable: list[Path] = []
    found: list[NDArray[np.float64]] = []
    unreadable: list[Skipped] = []
    waiting: list[Image.Image] = []
    for path in images:
        try:
            waiting.append(read_image(path))
            readable.append(path)
        except UnreadableImageError as error:
            unreadable.append(Skipped(id=str(path), reason=str(error)))
        if len(waiting) == BATCH:
            found.append(look(waiting))
            waiting = []
    if waiting:
        found.append(look(waiting))
    return [
        Prediction(path, result.classes, row, multi_label=result.measure == SEVERAL)
        for path, row in zip(readable, (row for rows in found for row in rows), strict=True)
    ], unreadable


def _probed(store: ResultStore, result: Result, device: str | None) -> Look:
    """The backbone and its fitted probe."""
    probe: Probe = load_probe(store.artefact(result, "probe"))
    backbone = resolve(result.spec.backbone, seed=result.run.seed)
    name = result.spec.backbone.display
    if backbone.given is not None:
        raise BackboneError(f"{name} is features without a network: it cannot look at images")
    if (backbone.weights, backbone.preprocessing) != (result.run.weights, result.run.preprocessing):
        raise BackboneError(
            f"{name} has changed since run {result.digest[:12]} was made: bring back the weights "
            f"with digest {result.run.weights[:12]}, or run the study again"
        )

    def look(images: list[Image.Image]) -> NDArray[np.float64]:
        prepared = [pixels_of(image, backbone) for image in images]
        return np.exp(probe.log_probabilities(features_of(backbone, prepared, device=device)))

    return look


def _trained(store: ResultStore, result: Result, device: str | None) -> Look:
    """The network that was trained, which sees an image as the test images were seen."""
    path = store.artefact(result, "network")
    card = read_card(path)
    if card.classes != result.classes:
        raise StoreError(f"{path} is of other classes: delete its folder and run again")
    network = card.build()
    load_network(network.module, path)
    place = torch.device(usable_device(device))
    module = network.module.to(place).eval()
    seen, view = result.run.preprocessing, result.final.view or "whole"
    if not isinstance(seen, Preprocessing):
        raise StoreError(f"run {result.digest[:12]} does not say how it saw images: run it again")

    def look(images: list[Image.Image]) -> NDArray[np.float64]:
        cuts = [cut_of(np.asarray(image), seen, view) for image in images]
        with torch.inference_mode(), exact_float32():
            prepared = finish(prepare(cuts, seen, place), seen, place)
            with autocast(place.type, result.run.precision):
                logits = module(prepared).float().cpu().numpy().astype(np.float64)
        log_p = -np.logaddexp(0, -logits) if card.multi_label else log_softmax(logits)
        p: NDArray[np.float64] = np.exp(log_p)
        return p

    return look
