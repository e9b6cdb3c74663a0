"""What a file of weights says of how they were trained, and how good they are at it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from penultimate.spec.base import Frozen
from penultimate.spec.task import Measure

IMAGENET = "imagenet"
IMAGENET_CLASSES = 1000


class SourceScore(Frozen):
    """How well a network does on a part of the task it was trained on.

    Parameters
    ----------
    part : ``val`` where it was not learned from, and ``test``.
    score : what the task measures, a fraction; None where it is undefined.
    top1, top5 : shares of images whose class is the first or among the first five answers, where
        an image has one class.
    images : that it was measured on.
    """

    model_config = ConfigDict(extra="ignore")

    part: Literal["val", "test"]
    measure: Measure
    score: float | None
    images: int
    top1: float | None = None
    top5: float | None = None


class Pretrained(Frozen):
    """Where weights come from: task, recipe, how far, how good.

    Parameters
    ----------
    task, source : the source task as people call it, and as it was written.
    data : fingerprint of its images, labels and parts.
    classes : in the order of the network's answers.
    learned_from : the parts.
    image_size : pixels a side; features are taken at the same size.
    step : how many of ``steps`` were taken; fewer than all in a checkpoint along the way.
    recipe : all other settings of the training.
    evaluation : how images were seen when it was measured, see ``Pretrain``.
    scores : of exactly these weights.
    weights : their digest. Scores count for no others.
    training : the digest of all that could change them.
    versions : of the packages that trained them.
    """

    # A newer version may say more: what it says besides is no reason not to read the rest.
    model_config = ConfigDict(extra="ignore")

    task: str
    source: str
    data: str
    classes: tuple[str, ...]
    learned_from: tuple[str, ...]
    image_size: int = Field(ge=1)
    step: int
    steps: int
    recipe: dict[str, Any]
    seed: int
    evaluation: Literal["central", "whole"]
    scores: tuple[SourceScore, ...] = Field(min_length=1)
    weights: str
    training: str
    versions: dict[str, str] = Field(default_factory=dict)

    @property
    def test(self) -> SourceScore:
        """On the test part, or on the last part that there is."""
        return self.scores[-1]

    @property
    def is_imagenet(self) -> bool:
        """Whether its accuracy is what people call ImageNet accuracy."""
        kind = self.source.partition(":")[0]
        return kind == IMAGENET and len(self.classes) == IMAGENET_CLASSES

    @property
    def display(self) -> str:
        """``glyphs, step 120 of 480``."""
        return f"{self.task}, {self.progress}"

    @property
    def progress(self) -> str:
        """``step 120 of 480``."""
        return f"step {self.step:,} of {self.steps:,}"
