"""What a finished run leaves: the schema of ``result.json``.

The schema is versioned. Within a version, fields are only added, each with a default, so that an
older result can always be read. Undefined numbers are ``null`` here and NaN in the frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from penultimate.spec import RunSpec
from penultimate.spec.base import Frozen
from penultimate.store.imagenet import STUDY
from penultimate.store.run import Run

SCHEMA_VERSION = 1
FEATURE_SAMPLE = "feature_sample"
"""The kind of artefact that has some test examples' features; results from before have none."""


def _undefined(value: Any) -> Any:
    """NaN and infinity have no JSON: undefined is null."""
    return None if isinstance(value, float) and not -1e308 < value < 1e308 else value


Number = Annotated[float | None, BeforeValidator(_undefined)]


class Interval(Frozen):
    """A confidence interval for a score, and how it was computed."""

    low: Number
    high: Number
    level: float = 0.95
    method: str


class Candidate(Frozen):
    """One setting of the hyper-parameters, as selection on validation saw it."""

    settings: dict[str, float]
    score: Number = Field(description="the task's measure, on validation")
    loss: Number = Field(default=None, description="mean cross-entropy, nats, on validation")
    objective: Number = Field(default=None, description="of the training problem, at the solution")
    gap_bound: Number = Field(
        default=None, description="certified distance of the objective from its minimum, relative"
    )
    gap_estimate: Number = Field(
        default=None, description="estimated distance of the objective from its minimum, relative"
    )
    converged: bool = True
    status: str = ""
    training: str = Field(default="", description="digest of the training that it was, if one")
    view: Literal["", "whole", "central"] = Field(
        default="", description="of the image that scored best on validation, of a training"
    )


class Network(Frozen):
    """What is known of the backbone, for tables and for cost."""

    architecture: str
    source: str = Field(description="where the weights came from")
    parameters: int | None = Field(default=None, description="without the classification layer")
    features: int
    image_size: int | None = None
    switches: dict[str, bool | float] | None = Field(
        default=None, description="the paper's four settings of training on ImageNet, if known"
    )


class SkippedExample(Frozen):
    """An image that could not be read, and why."""

    id: str
    reason: str


class Provenance(Frozen):
    """Who made this result, with what, on what."""

    created: str = Field(description="UTC, ISO 8601")
    python: str
    packages: dict[str, str]
    platform: str
    processor: str
    threads: int
    device: str
    engine: dict[str, Any] = Field(description="how features were computed, as fixed at the start")
    command: str = Field(default="", description="what to run to get this result again")


class Result(Frozen):
    """One finished run.

    ``artefacts`` maps a kind (``predictions``, ``probe`` or ``network``, ``split``, and of linear
    probes ``feature_sample``) to a path relative to the store. ``score`` is a fraction.
    ``selection`` is in the order of the grid, or of trying.
    """

    schema_version: int = SCHEMA_VERSION
    digest: str
    run: Run
    spec: RunSpec
    classes: tuple[str, ...]
    measure: str
    score: Number
    interval: Interval
    n_train: int
    n_val: int
    n_test: int
    chosen: dict[str, float]
    selection: tuple[Candidate, ...]
    final: Candidate = Field(description="the fit on train and validation that was scored")
    network: Network
    split_source: str
    test_drawn: bool | None = Field(
        default=None, description="whether the test part was drawn; None: the source of it tells"
    )
    repeat_of: str = Field(
        default="", description="digest of the run on the first split, of a repeat on another"
    )
    skipped: tuple[SkippedExample, ...] = ()
    notices: tuple[str, ...] = ()
    durations: dict[str, float] = Field(description="seconds")
    images_per_second: Number = None
    provenance: Provenance
    artefacts: dict[str, str]

    def row(self) -> dict[str, Any]:
        """The result as one row of the tidy frame."""
        return {
            "run": self.digest,
            "backbone": self.spec.backbone.display,
            "task": self.spec.task.display,
            "method": self.spec.method.name,
            "measure": self.measure,
            "score": self.score,
            "ci_low": self.interval.low,
            "ci_high": self.interval.high,
            "n_train": self.n_train,
            "n_val": self.n_val,
            "n_test": self.n_test,
            "n_skipped": len(self.skipped),
            "n_classes": len(self.classes),
            "imagenet_top1": self.spec.backbone.imagenet_top1,
            "imagenet_top1_source": STUDY if self.spec.backbone.imagenet_top1 else None,
            "seed": self.spec.seed,
            "repeat": self.spec.repeat,
            "repeat_of": self.repeat_of or self.digest,
            "test_drawn": self.split_source.startswith("seed ")
            if self.test_drawn is None
            else self.test_drawn,
            "parameters": self.network.parameters,
            "features": self.network.features,
            "image_size": self.network.image_size,
            "images_per_second": self.images_per_second,
            "l2": self.chosen.get("l2"),
            "learning_rate": self.chosen.get("learning_rate"),
            "weight_decay": self.chosen.get("weight_decay"),
            "steps": self.chosen.get("steps"),
            # A grid of learning rates reaches to where trainings diverge; a path's fits all end.
            "converged": self.final.converged
            and (bool(self.final.training) or all(c.converged for c in self.selection)),
            "device": f"{self.provenance.device}, {self.provenance.processor}",
            "created": self.provenance.created,
            "weights": self.run.weights,
            "data": self.run.data,
        }


def without_floor(results: Sequence[Result]) -> list[Result]:
    """Those of networks that do not begin as ``@random``; all of them where there are no others.

    The floor is wrong on most images, which says nothing of these.
    """
    kept = [result for result in results if not result.spec.backbone.name.endswith("@random")]
    return kept or list(results)
