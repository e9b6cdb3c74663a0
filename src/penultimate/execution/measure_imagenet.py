"""ImageNet accuracy, measured: the whole network on the validation images of ILSVRC 2012."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from penultimate.backbones.build import build, digest_of
from penultimate.backbones.built import Built, Evaluation
from penultimate.backbones.digest import digest_network
from penultimate.data import read_image
from penultimate.data.official.imagenet import imagenet_validation
from penultimate.errors import BackboneError, DataError, UnreadableImageError
from penultimate.execution.provenance import provenance
from penultimate.features.engine import Running, choose, ready
from penultimate.features.images import batches
from penultimate.io import digest_json
from penultimate.progress import SILENT, Progress
from penultimate.store import Accuracy, ResultStore
from penultimate.store.imagenet import VALIDATION_IMAGES

CLASSES = 1000
PREPARED = "prepared"  # stands for a preprocessing: the images come normalised


@dataclass(frozen=True)
class Measured:
    """A network's accuracy on ImageNet's validation images, and the images that cannot be read.

    ``computed`` is False where it had been measured before.
    """

    name: str
    weights: str
    accuracy: Accuracy
    computed: bool

    @property
    def skipped(self) -> list[str]:
        """The images that cannot be read."""
        return list(self.accuracy.record["skipped"])


def measure_imagenet(
    name: str,
    root: Path,
    store: ResultStore,
    *,
    device: str | None = None,
    workers: int | None = None,
    command: str = "",
    progress: Progress = SILENT,
) -> Measured:
    """Classify the validation images, each prepared as the network's makers do, and keep the score.

    What was measured of the same network on the same files is not measured again. Nothing is kept
    of a measurement that was interrupted.

    Parameters
    ----------
    root : ImageNet's folder, with ``val`` and what tells the classes of its images.

    Raises
    ------
    BackboneError : the network does not answer in ImageNet's 1,000 classes.
    DataError : the validation images are not there, or none can be read.
    """
    built, evaluation = _classifier(name)
    weights = digest_of(built)
    images = imagenet_validation(root)
    paths = [image.path for image in images]
    key = {
        "network": digest_network(built.architecture + built.variant, built.network, ()),
        "files": digest_json([[path.relative_to(root).as_posix(), _size(path)] for path in paths]),
        "preprocessing": evaluation.settings,
    }
    kept = store.imagenet.read(weights).get("measured")
    if kept is not None and all(kept.record.get(what) == value for what, value in key.items()):
        return Measured(name, weights, kept, computed=False)
    sample = evaluation.transform(Image.new("RGB", (256, 256)))
    running = _running(built, sample, name, len(images), device, progress)
    ranks, skipped = _ranks(
        running, evaluation, paths, [image.index for image in images], workers, name, progress
    )
    if not ranks:
        raise DataError(f"none of the {len(paths):,} images in {root} can be read: is it whole?")
    accuracy = Accuracy(
        top1=sum(rank < 1 for rank in ranks) / len(ranks),
        top5=sum(rank < 5 for rank in ranks) / len(ranks),
        source=_measured_on(len(ranks)),
        images=len(ranks),
        record={
            **key,
            "backbone": name,
            "weights": built.source,
            "skipped": [path.relative_to(root).as_posix() for path in skipped],
            "provenance": provenance(running.engine.record(), command).model_dump(mode="json"),
        },
    )
    if kept is None or (kept.images or 0) <= len(ranks):  # more images tell more
        store.imagenet.write(weights, "measured", accuracy)
    return Measured(name, weights, accuracy, computed=True)


def _classifier(name: str) -> tuple[Built, Evaluation]:
    """The network with its last layer, and how it wants its images."""
    if name.startswith("features:"):
        raise BackboneError(f"{name} is features without a network: it cannot look at images")
    built = build(name)
    evaluation = built.evaluation()
    if evaluation is None or not built.has_head:
        raise BackboneError(
            f"{name} has no layer for ImageNet's {CLASSES:,} classes, and so no accuracy there: "
            "give weights that have one"
        )
    return built, evaluation


def _running(
    built: Built, sample: Tensor, name: str, images: int, device: str | None, progress: Progress
) -> Running:
    """The network on the engine that is through soonest; it must answer in 1,000 classes."""
    engine = choose(
        built.network,
        sample,
        PREPARED,
        images,
        precision="float32",
        device=device,
        progress=progress,
    )
    running = ready(built.network, sample, PREPARED, engine, progress)
    if running.width != CLASSES:
        raise BackboneError(
            f"{name} answers in {running.width:,} classes and ImageNet's validation images have "
            f"{CLASSES:,}: give weights that were trained or fine-tuned on ILSVRC 2012"
        )
    return running


def _ranks(
    running: Running,
    evaluation: Evaluation,
    paths: list[Path],
    labels: list[int],
    workers: int | None,
    name: str,
    progress: Progress,
) -> tuple[list[int], list[Path]]:
    """At which place, from 0, the right class of each image came; and what cannot be read."""
    unreadable: set[int] = set()
    blank = evaluation.transform(Image.new("RGB", (256, 256)))

    def read(index: int) -> Tensor:
        try:
            return evaluation.transform(read_image(paths[index]))
        except UnreadableImageError:
            unreadable.add(index)
            return blank

    ranks: list[int] = []
    everything = range(len(paths))
    size, threads = running.engine.batch_size, workers or os.cpu_count() or 1
    done = 0
    with progress.step(f"{name} on ImageNet's validation images", len(paths)) as step:
        for pixels, real in batches(read, everything, size, threads):
            logits = running.run(pixels)[:real]
            for row, index in zip(logits, everything[done : done + real], strict=True):
                if index not in unreadable:
                    # An answer that is not a number is wrong, and so is a tie: no luck counts.
                    above = torch.count_nonzero(~(row < row[labels[index]]))
                    ranks.append(int(above) - 1)
            done += real
            step.advance(real)
    return ranks, [paths[index] for index in sorted(unreadable)]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1  # unreadable, as reading it will say


def _measured_on(images: int) -> str:
    whole = f"{VALIDATION_IMAGES:,} images"
    return f"measured on {whole if images >= VALIDATION_IMAGES else f'{images:,} of {whole}'}"
