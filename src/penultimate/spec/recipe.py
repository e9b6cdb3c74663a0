"""One run of the training loop with nothing left to choose."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from penultimate.spec.base import Frozen


def _range(value: tuple[float, float]) -> tuple[float, float]:
    if not 0 < value[0] <= value[1]:
        raise ValueError(f"{value[0]:g} to {value[1]:g} is no range of positive numbers")
    return value


Range = Annotated[tuple[float, float], AfterValidator(_range)]
Pixels = Literal["original", "reduced"]
Precision = Literal["float32", "bfloat16"]
Decayed = Literal["weights", "all"]


class Augmentation(Frozen):
    """Random resized crop and horizontal flip, nothing else (SimCLR, appendix B.8).

    Parameters
    ----------
    crop_scale : smallest and largest share of the picture's area that a crop covers.
    crop_ratio : of width to height, drawn evenly on a logarithmic scale.
    flip : half of the pictures are mirrored.
    pixels : what crops are taken from: the picture as it was decoded (``original``), or one whose
        shorter side was reduced to at most 8/7 of the network's image size, as 256 is to 224.
    """

    crop_scale: Range = (0.08, 1.0)
    crop_ratio: Range = (3 / 4, 4 / 3)
    flip: bool = True
    pixels: Pixels = "original"

    @model_validator(mode="after")
    def _within_the_picture(self) -> Self:
        if self.crop_scale[1] > 1:
            raise ValueError(f"crop_scale {self.crop_scale} asks for more than the picture")
        return self


class Recipe(Frozen):
    """How one network is trained, from the first step to the last.

    Parameters
    ----------
    steps : updates of the weights.
    batch_size : images an update, over all devices.
    micro_batch : images that go through the network at a time, on one device; the whole batch
        where None. It changes the numbers of a network with batch norm, and of no other.
    learning_rate : at its peak.
    weight_decay : PyTorch's own coupled L2, as ``torch.optim.SGD`` takes it.
    decayed : ``weights`` of convolutions and linear layers only, or ``all`` parameters.
    schedule : ``cosine`` falls to nothing over all the steps; ``exponential`` multiplies by
        ``decay_rate`` every ``decay_steps`` after the warm-up.
    warmup_steps : the learning rate climbs linearly to its peak.
    batch_norm_momentum : in PyTorch's convention; the network's own where None.
    average : the moving average of the weights that is scored, warmed up; None for none.
    """

    steps: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    micro_batch: int | None = Field(default=None, ge=1)
    learning_rate: float = Field(gt=0)
    momentum: float = Field(default=0.9, ge=0, lt=1)
    nesterov: bool = True
    weight_decay: float = Field(default=0.0, ge=0)
    decayed: Decayed = "weights"
    schedule: Literal["cosine", "exponential"] = "cosine"
    warmup_steps: int = Field(default=0, ge=0)
    decay_rate: float = Field(default=0.975, gt=0, le=1)
    decay_steps: int = Field(default=1, ge=1)
    batch_norm_momentum: float | None = Field(default=None, gt=0, le=1)
    average: float | None = Field(default=None, gt=0, lt=1)
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    auxiliary_weight: float = Field(default=0.4, ge=0)
    precision: Precision = "float32"
    augmentation: Augmentation = Augmentation()

    @model_validator(mode="after")
    def _micro_batch_within(self) -> Self:
        if self.micro_batch is not None and self.micro_batch > self.batch_size:
            raise ValueError(
                f"micro_batch {self.micro_batch} is larger than batch_size {self.batch_size}"
            )
        return self
