"""Training one of the paper's networks on a source task: its settings, as a user asks for them.

The defaults are the preset ``paper``, what is known of how the paper trained on ImageNet; the key
``preset`` with ``quick`` fills in settings for thousands of small pictures in place of a million.
It is not kept, the settings it stands for are.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from penultimate.spec.base import Frozen
from penultimate.spec.presets import preset_in
from penultimate.spec.recipe import Augmentation, Decayed, Pixels, Precision, Range, Recipe

BATCH = 4096  # of the paper: what its learning rate belongs to


class Pretrain(Frozen):
    """How a network is trained on its source task.

    Parameters
    ----------
    epochs : passes over the training images; may be a fraction.
    steps : updates of the weights, in place of ``epochs``.
    batch_size : images an update, over all devices.
    micro_batch : images that go through the network at a time, on one device; its share of the
        batch where None.
    learning_rate : at its peak; ``learning_rate_at_4096 * batch_size / 4096`` where None.
    learning_rate_at_4096 : what the linear rule starts from.
    weight_decay : PyTorch's own coupled L2; the same for every batch size.
    schedule : ``exponential`` multiplies by ``decay_rate`` an epoch, after the warm-up; ``cosine``
        falls to nothing over all the steps.
    warmup_epochs : the learning rate climbs linearly to its peak.
    average : the moving average of the weights that is kept, warmed up; None for none.
    auxiliary_weight : of the loss of an auxiliary head, where the network has one.
    parts : of the source task, what is learned from. ``train+val`` leaves the test part only to
        measure on.
    evaluation : how a picture is seen when accuracy is measured: the ``whole`` of it rescaled to
        the square, or the ``central`` square of it, 87.5 % of the shorter side.
    crop_scale, crop_ratio, flip, pixels : see ``Augmentation``.
    """

    QUICK: ClassVar[dict[str, Any]] = {
        "epochs": 40,
        "batch_size": 32,
        "learning_rate_at_4096": 6.4,
        "weight_decay": 1e-4,
        "schedule": "cosine",
        "warmup_epochs": 1,
        "average": 0.99,
        "parts": "train",
        "evaluation": "whole",
        "crop_scale": (0.5, 1.0),
        "pixels": "reduced",
    }

    epochs: float | None = Field(default=None, gt=0)
    steps: int | None = Field(default=None, ge=1)
    batch_size: int = Field(default=BATCH, ge=1)
    micro_batch: int | None = Field(default=None, ge=1)
    learning_rate: float | None = Field(default=None, gt=0)
    learning_rate_at_4096: float = Field(default=1.6, gt=0)
    momentum: float = Field(default=0.9, ge=0, lt=1)
    nesterov: bool = True
    weight_decay: float = Field(default=8e-5, ge=0)
    decayed: Decayed = "weights"
    schedule: Literal["exponential", "cosine"] = "exponential"
    decay_rate: float = Field(default=0.975, gt=0, le=1)
    warmup_epochs: float = Field(default=10.0, ge=0)
    average: float | None = Field(default=0.9999, gt=0, lt=1)
    auxiliary_weight: float = Field(default=0.4, ge=0)
    precision: Precision = "float32"
    parts: Literal["train", "train+val"] = "train+val"
    evaluation: Literal["central", "whole"] = "central"
    crop_scale: Range = (0.08, 1.0)
    crop_ratio: Range = (3 / 4, 4 / 3)
    flip: bool = True
    pixels: Pixels = "original"

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, given: Any) -> Any:
        preset, settings = preset_in(given, ("paper", "quick"))
        if preset != "quick":
            return settings
        defaults = dict(cls.QUICK)
        if settings.get("steps") is not None:
            del defaults["epochs"]  # one takes the place of the other
        return {**defaults, **settings}

    @classmethod
    def preset(cls, preset: str, **settings: Any) -> Self:
        """The settings of a preset, ``paper`` or ``quick``, with some of one's own."""
        return cls.model_validate({"preset": preset, **settings})

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError(
                "give either epochs or steps"
                if self.epochs is not None
                else "how long the paper trained is not known here: give epochs or steps"
            )
        return self

    def recipe(self, images: int, *, label_smoothing: float = 0.0) -> Recipe:
        """The whole training over ``images`` pictures, with nothing left to choose.

        Parameters
        ----------
        label_smoothing : of the network's switches.

        Raises
        ------
        ValueError : the batch is larger than the training set, or the warm-up than the training.
        """
        if self.batch_size > images:
            raise ValueError(
                f"a batch of {self.batch_size:,} is larger than the {images:,} training images"
            )
        an_epoch = images / self.batch_size
        steps = self.steps or max(1, round((self.epochs or 0) * an_epoch))
        warmup = round(self.warmup_epochs * an_epoch)
        if warmup >= steps:
            raise ValueError(
                f"a warm-up of {self.warmup_epochs:g} epochs is {warmup:,} steps and the training "
                f"has {steps:,}"
            )
        linear = self.learning_rate_at_4096 * self.batch_size / BATCH
        # An epoch is no whole number of steps: the decay of one step is exact, of many is not.
        decay = (
            {"decay_rate": self.decay_rate ** (1 / an_epoch)}
            if self.schedule == "exponential"
            else {}
        )
        return Recipe(
            steps=steps,
            batch_size=self.batch_size,
            micro_batch=self.micro_batch,
            learning_rate=self.learning_rate or linear,
            momentum=self.momentum,
            nesterov=self.nesterov,
            weight_decay=self.weight_decay,
            decayed=self.decayed,
            schedule=self.schedule,
            warmup_steps=warmup,
            average=self.average,
            label_smoothing=label_smoothing,
            auxiliary_weight=self.auxiliary_weight,
            precision=self.precision,
            augmentation=Augmentation(
                crop_scale=self.crop_scale,
                crop_ratio=self.crop_ratio,
                flip=self.flip,
                pixels=self.pixels,
            ),
            **decay,
        )
