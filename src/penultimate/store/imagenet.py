"""What is known of the networks' ImageNet accuracy, the paper's x-axis, beside the results.

::

    STORE/imagenet/<weights>/name.json       what tables of results call the checkpoint
    STORE/imagenet/<weights>/study.json      from the user: imagenet_top1 of a study
    STORE/imagenet/<weights>/measured.json   by ``penultimate imagenet-accuracy``
    STORE/imagenet/<weights>/table.json      from a table of results
    STORE/imagenet/<weights>/published.json  from whoever published the weights
    STORE/imagenet/<weights>/source.json     of weights trained on another task: how good at it

It is no part of a result: a number changes no features, and may be found long after the runs. Every
kind has a file of its own, so that two processes never write over each other's.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import Field, ValidationError

from penultimate.errors import StoreError
from penultimate.io import DIGEST_LENGTH, indented_json, write_atomic
from penultimate.spec.base import Frozen

if TYPE_CHECKING:
    import pandas as pd

    from penultimate.store.imagenet_table import ImageNetTable

FOLDER = "imagenet"
STUDY = "study file"
VALIDATION_IMAGES = 50_000

Kind = Literal["study", "measured", "table", "published"]
# The first that there is counts. Measured on a part of the images only it comes last.
ORDER: tuple[Kind, ...] = ("study", "measured", "table", "published")


class CheckpointName(Frozen):
    """What timm's tables call a checkpoint, and the image size that it is trained at."""

    model: str
    image_size: int | None = None


class Accuracy(Frozen):
    """An ImageNet accuracy, a fraction, and where it is from.

    ``images`` is on how many it was measured, where that was here; ``record`` how it was.
    """

    top1: float = Field(ge=0, le=1)
    source: str
    top5: float | None = Field(default=None, ge=0, le=1)
    images: int | None = None
    record: dict[str, Any] = Field(default_factory=dict)

    @property
    def is_partial(self) -> bool:
        """Whether it was measured on a part of the validation images."""
        return self.images is not None and self.images < VALIDATION_IMAGES


class SourceAccuracy(Frozen):
    """How well a network does on the task that it was trained on, which is not ImageNet.

    ``score`` is what the task measures, a fraction; ``source`` says how it was measured.
    """

    task: str
    measure: str
    score: float
    source: str


Record = TypeVar("Record", CheckpointName, Accuracy, SourceAccuracy)


class ImageNetAccuracies:
    """The accuracies of the networks of one store, by the digest of their weights."""

    def __init__(self, root: Path) -> None:
        self.root = root / FOLDER

    def write(self, weights: str, kind: Kind, accuracy: Accuracy) -> None:
        """Keep an accuracy; a later one of the same kind takes its place.

        Raises
        ------
        StoreError : the store cannot be written.
        """
        self._write(weights, kind, accuracy)

    def write_name(self, weights: str, name: CheckpointName) -> None:
        """Keep what tables call a checkpoint, to look it up without the network."""
        self._write(weights, "name", name)

    def write_source(self, weights: str, accuracy: SourceAccuracy) -> None:
        """Keep how good a network is at the task that it was trained on."""
        self._write(weights, "source", accuracy)

    def source(self, weights: str) -> SourceAccuracy | None:
        """How good a network is at the task that it was trained on, where that is known."""
        return self._read(weights, "source", SourceAccuracy)

    def read(self, weights: str) -> dict[Kind, Accuracy]:
        """Every accuracy that is known of a network.

        Raises
        ------
        StoreError : a file is damaged.
        """
        found = {kind: self._read(weights, kind, Accuracy) for kind in ORDER}
        return {kind: accuracy for kind, accuracy in found.items() if accuracy is not None}

    def best(self, weights: str) -> Accuracy | None:
        """The accuracy that counts; None where none is known."""
        return choose(self.read(weights))

    def add_table(self, table: ImageNetTable) -> int:
        """Keep a table's numbers for the networks of the store; returns for how many."""
        found = 0
        for folder in sorted(self.root.glob("*")) if self.root.is_dir() else ():
            name = self._read(folder.name, "name", CheckpointName)
            accuracy = table.find(name.model, name.image_size) if name else None
            if accuracy is not None:
                self.write(folder.name, "table", accuracy)
                found += 1
        return found

    def join(self, frame: pd.DataFrame) -> pd.DataFrame:
        """What is known of each row's network, by its ``weights``.

        ``imagenet_top1`` and its source; for a network that was trained on another task
        ``source_task``, its ``source_score`` there, and how that was measured in
        ``source_measured``.
        """
        import pandas as pd

        known = {weights: self.read(weights) for weights in frame["weights"].unique()}
        best = {weights: choose(found) for weights, found in known.items()}
        columns = ["imagenet_top1", "imagenet_top1_source"]
        values = []
        for weights, top1, source in zip(*(frame[c] for c in ["weights", *columns]), strict=True):
            # A result made before there was this room has the study's number in itself only.
            own = not math.isnan(top1) and "study" not in known[weights]
            found = None if own else best[weights]
            values.append((found.top1, found.source) if found else (top1, source))
        joined = pd.DataFrame(values, columns=columns, index=frame.index)
        return frame.assign(
            **{c: joined[c].astype(frame[c].dtype) for c in columns}, **self._sources(frame)
        )

    def _sources(self, frame: pd.DataFrame) -> dict[str, pd.Series]:
        """The columns of networks' source tasks."""
        import pandas as pd

        found = {weights: self.source(weights) for weights in frame["weights"].unique()}
        known = [found[weights] for weights in frame["weights"]]
        columns: dict[str, tuple[str, list[object]]] = {
            "source_task": ("str", [one and one.task for one in known]),
            "source_score": ("float64", [one and one.score for one in known]),
            "source_measured": ("str", [one and f"{one.measure}, {one.source}" for one in known]),
        }
        return {
            name: pd.Series(values, index=frame.index, dtype=dtype)
            for name, (dtype, values) in columns.items()
        }

    def _path(self, weights: str, kind: str) -> Path:
        return self.root / weights / f"{kind}.json"

    def _write(self, weights: str, kind: str, value: Frozen) -> None:
        path = self._path(weights, kind)
        text = indented_json(value.model_dump(mode="json", exclude_defaults=True))
        if not path.is_file() or path.read_text(encoding="utf-8", errors="replace") != text:
            write_atomic(path, text)

    def _read(self, weights: str, kind: str, schema: type[Record]) -> Record | None:
        if len(weights) != DIGEST_LENGTH or not weights.isalnum():
            return None  # a file that somebody put there
        path = self._path(weights, kind)
        try:
            return schema.model_validate(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, ValidationError, RecursionError) as error:
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise StoreError(
                f"{path} is no record of an accuracy ({reason}): delete it and run the "
                "command again that gave the number"
            ) from None


def choose(known: Mapping[Kind, Accuracy]) -> Accuracy | None:
    """The most explicit of several accuracies of one network."""
    found = [known[kind] for kind in ORDER if kind in known]
    return next(iter(sorted(found, key=lambda accuracy: accuracy.is_partial)), None)
