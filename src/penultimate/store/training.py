"""One training run of a grid or of a final fit: what identifies it and what it leaves.

::

    STORE/trainings/<digest>/record.json           the commit: without it, it is unfinished
    STORE/trainings/<digest>/curve.parquet         loss, learning rate and speed, step by step
    STORE/trainings/<digest>/network.safetensors   the weights, of a final fit only
    STORE/trainings/<digest>/checkpoint.pt         while it runs; a crash loses the steps since

Runs that need the same training share it: a cell of two grids, a rung of a search.
"""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from pydantic import Field

from penultimate.io import digest_json
from penultimate.spec import Preprocessing, Recipe
from penultimate.spec.base import Frozen
from penultimate.spec.task import Measure
from penultimate.store.result import Number, Provenance

Part = Literal["train", "val"]


class Training(Frozen):
    """Everything that can change what comes of it, and nothing else.

    Parameters
    ----------
    data : fingerprint of the task's images, labels and parts.
    parts : what it learns from.
    measure : of its scores on validation; it changes no weights.
    weights : digest of the weights it starts from.
    preprocessing : of the network: size, geometry, mean, standard deviation, interpolation.
    head, regularisation : as in the method's settings.
    recipe : ``micro_batch`` is None where the network has no batch norm.
    version : of the training loop; goes up when its numbers change.
    """

    data: str
    parts: tuple[Part, ...]
    measure: Measure
    weights: str
    preprocessing: Preprocessing | str
    head: Literal["zero", "random"] = "zero"
    regularisation: Literal["as-pretrained", "off"] = "as-pretrained"
    recipe: Recipe
    seed: int
    version: int

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON of all that is not at its default."""
        return digest_json(self.identity())


class TrainingRecord(Frozen):
    """A training that came to its end, well or not: the schema of ``record.json``.

    Parameters
    ----------
    status : ``diverged`` where the loss was no longer finite or left all bounds; such a run ends
        early and counts as worse than any other.
    steps : that were taken.
    scores, losses : on validation, by how the image was seen (``whole``, ``central``); empty where
        there was none to score on.
    images_per_second : of training, checkpoints and scoring left out.
    peak_memory : bytes; of the device, or of the process on a CPU.
    micro_batch : images that went through the network at a time.
    """

    schema_version: int = 1
    digest: str
    training: Training
    status: Literal["finished", "diverged"]
    reason: str = ""
    steps: int
    scores: dict[str, Number] = Field(default_factory=dict)
    losses: dict[str, Number] = Field(default_factory=dict)
    final_loss: Number = Field(default=None, description="of training, mean of the last steps")
    seconds: float
    images_per_second: Number = None
    peak_memory: int | None = None
    micro_batch: int | None = None
    provenance: Provenance
