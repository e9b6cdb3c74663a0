"""ImageNet accuracy of models that others named, from a table of checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from penultimate.errors import SpecError, nearest
from penultimate.report.given.accuracies import MODEL
from penultimate.report.given.csv_file import GivenCsv
from penultimate.store import ImageNetTable

CHECKPOINT = {"checkpoint", "imagenet_name", "imagenet"}


@dataclass(frozen=True)
class FoundImageNet:
    """Fractions by model, where they came from, and the models that have none."""

    accuracy: pd.Series
    source: str
    missing: list[str]
    notes: list[str]


def read_names(path: Path) -> dict[str, str]:
    """A CSV with the columns ``model`` and ``checkpoint``: names here, names in ImageNet's table.

    Raises
    ------
    SpecError : it is not of that form, or a model is there twice.
    """
    table = GivenCsv.read(path)
    model, checkpoint = table.find(MODEL), table.find(CHECKPOINT)
    if model is None or checkpoint is None:
        raise SpecError(
            f"{path} has no columns model and checkpoint: its first line is model,checkpoint, and "
            "each other one a name in your table and its name in the table of ImageNet results"
        )
    models = table.texts(model)
    for name in models:
        if models.count(name) > 1:
            raise SpecError(f"{path} has the model {name!r} twice: leave one line out")
    return dict(zip(models, table.texts(checkpoint), strict=True))


def look_up(models: Sequence[str], table: ImageNetTable, names: dict[str, str]) -> FoundImageNet:
    """What the table has of each model, under its own name or under that which ``names`` gives.

    A checkpoint that stands there at several image sizes must be named with one, as
    ``resnet50.a1_in1k@224``: none is taken by guess.

    Raises
    ------
    SpecError : a checkpoint given for a model is not in the table, or at several sizes.
    """
    found, missing, notes = {}, [], []
    for model in models:
        name, _, size = names.get(model, model).partition("@")
        sizes = table.rows.get(name, {})
        if not sizes and model in names:
            near = nearest(name, table.rows)
            hint = f", which has {' and '.join(map(repr, near))}" if near else ""
            raise SpecError(
                f"the checkpoint {name!r} of {model} is not in {table.name}{hint}: correct --names"
            )
        if not sizes:
            missing.append(model)
            continue
        found[model] = _at(model, name, size, sizes, table)
    idle = sorted(set(names) - set(models))
    if idle:
        more = f" and {len(idle) - 1} more" if len(idle) > 1 else ""
        notes.append(f"--names has {idle[0]}{more}, of no model in the table of accuracies")
    source = f"results table {table.name} (sha256 {table.digest[:12]})"
    return FoundImageNet(pd.Series(found, dtype=float), source, missing, notes)


def _at(
    model: str,
    name: str,
    size: str,
    sizes: dict[int | None, tuple[float, float | None]],
    table: ImageNetTable,
) -> float:
    """The accuracy at the size asked for, or at the only one."""
    if not size and len(sizes) == 1:
        return next(iter(sizes.values()))[0]
    for known, (top1, _) in sizes.items():
        if size and str(known) == size:
            return top1
    at = " and ".join(str(known) for known in sizes)
    asked = f"not at {size}" if size else "so that one must be chosen"
    raise SpecError(
        f"{name} stands in {table.name} at {at} px, {asked}: give --names a file with the line "
        f"{model},{name}@{next(iter(sizes))}"
    )
