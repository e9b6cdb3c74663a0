"""The folder that a pretraining leaves.

::

    FOLDER/pretraining.json             what it is, and how it went
    FOLDER/step-000500.safetensors      a checkpoint along the way: a backbone like any other
    FOLDER/final.safetensors            the backbone
    FOLDER/curve.parquet                loss, learning rate and speed, step by step
    FOLDER/checkpoint.pt                while it runs; a crash loses the steps since
    FOLDER/cache/                       decoded pictures, if they have no other place
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from penultimate.errors import StoreError
from penultimate.io import indented_json, write_atomic
from penultimate.lease import Waiter
from penultimate.spec import SourceScore
from penultimate.spec.base import Frozen
from penultimate.store.result import Number, Provenance, SkippedExample
from penultimate.store.training import Training

RECORD, FINAL, STATE = "pretraining.json", "final.safetensors", "checkpoint.pt"
CURVE, LEASE, CACHE = "curve.parquet", "lease.json", "cache"


class Saved(Frozen):
    """A backbone file, and how good it is at its source task."""

    file: str
    step: int
    scores: tuple[SourceScore, ...]


class PretrainingRecord(Frozen):
    """What a pretraining is, and how it went: the schema of ``pretraining.json``.

    Parameters
    ----------
    backbone : the network and its switches, as in ``paper:NAME,SWITCH=VALUE``.
    status : ``diverged`` where the loss was no longer finite or left all bounds: no backbone came
        of it.
    steps : that were taken when it ended.
    saved : the backbone files in the order of their steps, the final one last.
    """

    schema_version: int = 1
    digest: str
    backbone: str
    task: str
    source: str
    classes: int
    n_train: int
    training: Training
    status: Literal["running", "finished", "diverged"] = "running"
    reason: str = ""
    steps: int = 0
    saved: tuple[Saved, ...] = ()
    final_loss: Number = Field(default=None, description="of training, mean of the last steps")
    seconds: float | None = None
    images_per_second: Number = None
    peak_memory: int | None = None
    split_source: str = ""
    skipped: tuple[SkippedExample, ...] = ()
    notices: tuple[str, ...] = ()
    provenance: Provenance | None = None


class PretrainingFolder:
    """One folder for one pretraining."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def final(self) -> Path:
        """The backbone."""
        return self.root / FINAL

    @property
    def cache(self) -> Path:
        """Of decoded pictures, if they have no other place."""
        return self.root / CACHE

    @property
    def state(self) -> Path:
        """From which an interrupted training goes on."""
        return self.root / STATE

    @property
    def curve(self) -> Path:
        """Step by step."""
        return self.root / CURVE

    def step(self, step: int, steps: int) -> Path:
        """A checkpoint along the way; names sort as steps do."""
        return self.root / f"step-{step:0{len(str(steps))}d}.safetensors"

    def files(self) -> list[Path]:
        """All backbone files that are there, the final one first."""
        return sorted(self.root.glob("*.safetensors"))

    def lease(self) -> Waiter:
        """Compete for the right to train here."""
        return Waiter(self.root / LEASE)

    def read(self) -> PretrainingRecord | None:
        """What the folder holds; None where it is empty or not there.

        Raises
        ------
        StoreError : it is a file, holds something else, or its record is damaged.
        """
        path = self.root / RECORD
        if self.root.exists() and not self.root.is_dir():
            raise StoreError(f"{self.root} is a file: a pretraining leaves a folder, name another")
        if not path.is_file():
            there = sorted(self.root.iterdir()) if self.root.is_dir() else []
            others = [path.name for path in there if not _of_a_beginning(path)]
            if others:
                raise StoreError(
                    f"{self.root} holds other files ({others[0]}) and no {RECORD}: choose an "
                    "empty or new folder"
                )
            return None
        try:
            return PretrainingRecord.model_validate(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, ValidationError, RecursionError) as error:
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise StoreError(
                f"{path} is no record of a pretraining ({reason}): delete the folder, or choose "
                "another"
            ) from None

    def write(self, record: PretrainingRecord) -> None:
        """Keep how it stands.

        Raises
        ------
        StoreError : the folder cannot be written.
        """
        write_atomic(self.root / RECORD, indented_json(record.model_dump(mode="json")))


def _of_a_beginning(path: Path) -> bool:
    """What there may be before the record is: pictures, a lease, a file half written."""
    return path.name in (CACHE, LEASE) or path.name.startswith(".")


def difference(one: Any, other: Any, name: str = "") -> str:
    """The first setting in which two identities differ: ``recipe.steps: 200, not 100``."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            if one.get(key) != other.get(key):
                return difference(one.get(key), other.get(key), f"{name}.{key}".lstrip("."))
    return f"{name}: {_short(one)}, not {_short(other)}"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 12 or " " in text else text[:12]
