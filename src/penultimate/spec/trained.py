"""Methods that train the whole network: their settings, as a user asks for them.

Every setting of the paper's fine-tuning and training from scratch is one here. The key ``preset``
fills in what is not given: ``paper`` to the letter, ``quick`` (the default) for one GPU, or for a
CPU and few small pictures. It is not kept, the settings it stands for are.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from penultimate.spec.base import Frozen
from penultimate.spec.presets import preset_in
from penultimate.spec.recipe import Augmentation, Decayed, Pixels, Range, Recipe


def spaced(low: float, high: float, points: int) -> tuple[float, ...]:
    """Logarithmically spaced values from 10**low to 10**high."""
    return tuple(10 ** (low + (high - low) * i / (points - 1)) for i in range(points))


class _Trained(Frozen):
    """What fine-tuning and training from scratch have in common; defaults are of ``quick``.

    Parameters
    ----------
    steps : None for 20 passes over the training images, at least 200 and at most 2,000 steps.
    batch_size : None for 64, or 32 where there are fewer than 2,000 training images, and never
        more than a quarter of them.
    micro_batch : images that go through the network at a time; the whole batch where None.
    learning_rates, weight_decays : the grid.
    divide_weight_decay : SGD's weight decay is the grid's value over the learning rate.
    search : every cell of the ``grid`` at full length, or successive ``halving``: all cells in
        short complete runs, the better third in longer ones, and so on.
    decayed : see ``Recipe``.
    batch_norm : ``by-epoch`` is momentum ``min(10 / s, 0.1)`` with s steps an epoch.
    head : the new classification layer starts at ``zero``, or at random.
    regularisation : dropout, label smoothing and auxiliary head as the network was pretrained
        with, or off.
    evaluation : the test image ``whole``, its ``central`` 87.5 %, or the ``better`` of the two on
        validation.
    crop_scale, crop_ratio, flip, pixels : see ``Augmentation``.
    """

    steps: int | None = Field(default=None, ge=1)
    batch_size: int | None = Field(default=None, ge=1)
    micro_batch: int | None = Field(default=None, ge=1)
    learning_rates: tuple[float, ...]
    weight_decays: tuple[float, ...]
    divide_weight_decay: bool = True
    search: Literal["grid", "halving"] = "halving"
    momentum: float = Field(default=0.9, ge=0, lt=1)
    nesterov: bool = True
    decayed: Decayed = "weights"
    batch_norm: Literal["by-epoch", "own"] = "by-epoch"
    head: Literal["zero", "random"] = "zero"
    regularisation: Literal["as-pretrained", "off"] = "as-pretrained"
    evaluation: Literal["better", "whole", "central"] = "better"
    crop_scale: Range = (0.25, 1.0)
    crop_ratio: Range = (3 / 4, 4 / 3)
    flip: bool = True
    pixels: Pixels = "reduced"

    PAPER: ClassVar[dict[str, Any]] = {}  # what differs from the above

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, given: Any) -> Any:
        preset, settings = preset_in(given, ("quick", "paper"))
        return {**cls.PAPER, **settings} if preset == "paper" else settings

    @classmethod
    def preset(cls, preset: str, **settings: Any) -> Self:
        """The settings of a preset, ``quick`` or ``paper``, with some of one's own."""
        return cls.model_validate({"preset": preset, **settings})

    @field_validator("learning_rates")
    @classmethod
    def _positive(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if not values or min(values) <= 0 or len(set(values)) < len(values):
            raise ValueError("learning rates must be positive, at least one, each of them once")
        return values

    @field_validator("weight_decays")
    @classmethod
    def _not_negative(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if not values or min(values) < 0 or len(set(values)) < len(values):
            raise ValueError("weight decays must be 0 or more, at least one, each of them once")
        return values

    @model_validator(mode="after")
    def _fits_the_recipe(self) -> Self:
        """What a recipe would refuse is refused before anything is computed."""
        Augmentation(crop_scale=self.crop_scale, crop_ratio=self.crop_ratio)
        Recipe(
            steps=1,
            batch_size=self.batch_size or self.micro_batch or 1,
            micro_batch=self.micro_batch,
            learning_rate=1.0,
        )
        return self

    def cells(self) -> tuple[tuple[float, float], ...]:
        """The grid: each learning rate with each weight decay, as they are written."""
        return tuple((rate, decay) for rate in self.learning_rates for decay in self.weight_decays)


class FineTune(_Trained):
    """The whole network is trained on, from its pretrained weights (section 4.2)."""

    VERSION: ClassVar[int] = 1
    PAPER: ClassVar[dict[str, Any]] = {
        "steps": 20_000,
        "batch_size": 256,
        "learning_rates": spaced(-4, -1, 7),
        "weight_decays": (0.0, *spaced(-6, -3, 7)),
        "search": "grid",
        "crop_scale": (0.08, 1.0),
        "pixels": "original",
    }

    name: Literal["fine-tune"] = "fine-tune"
    learning_rates: tuple[float, ...] = spaced(-3, -1, 5)
    weight_decays: tuple[float, ...] = (0.0, 1e-5)


class FromScratch(_Trained):
    """The same architecture is trained from random weights (section 4.3)."""

    VERSION: ClassVar[int] = 1
    PAPER: ClassVar[dict[str, Any]] = {
        "steps": 40_000,
        "batch_size": 256,
        "learning_rates": spaced(-3, 0, 7),
        "weight_decays": spaced(-5, -1.5, 8),
        "search": "grid",
        "crop_scale": (0.08, 1.0),
        "pixels": "original",
    }

    name: Literal["from-scratch"] = "from-scratch"
    learning_rates: tuple[float, ...] = spaced(-2, 0, 5)
    weight_decays: tuple[float, ...] = (1e-5, 1e-4)
