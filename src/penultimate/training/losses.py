"""What is minimised, summed over the images of a micro-batch.

The loop divides the sums of all micro-batches and processes by the images of the whole batch.
A loss therefore may not depend on what else is in its micro-batch. That is why the masked sigmoid
loss divides by all pairs of image and class, masked ones too: dividing by those that count would
give a pair more weight where its micro-batch happens to have many masked ones.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from penultimate.errors import BackboneError, DataError
from penultimate.spec import Recipe


def heads_of(output: Any, images: int) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The network's logits (N, K) and those of its auxiliary heads, in float32.

    Raises
    ------
    BackboneError : the network gives something else.
    """
    main = getattr(output, "main", output)
    auxiliary = tuple(getattr(output, "auxiliary", ()))
    for logits in (main, *auxiliary):
        if not isinstance(logits, Tensor) or logits.ndim != 2 or len(logits) != images:
            shape = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise BackboneError(
                f"the network gives {shape} for {images} images where logits ({images}, classes) "
                "are needed: end it with a classification layer"
            )
    return main.float(), tuple(logits.float() for logits in auxiliary)


def summed_loss(output: Any, labels: Tensor, recipe: Recipe, *, multi_label: bool) -> Tensor:
    """The loss of a network's output, summed over images: that of each auxiliary head is added,
    times ``recipe.auxiliary_weight``.

    Parameters
    ----------
    output : logits (N, K), or something with ``main`` and ``auxiliary`` logits.
    labels : class numbers (N,), or with ``multi_label`` (N, K) of 1, 0 and -1 (masked).
    """
    main, auxiliary = heads_of(output, len(labels))
    one = sigmoid_loss if multi_label else softmax_loss
    loss = one(main, labels, recipe.label_smoothing)
    for logits in auxiliary:
        loss = loss + recipe.auxiliary_weight * one(logits, labels, recipe.label_smoothing)
    return loss


def softmax_loss(logits: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    """Cross-entropy with ``1 - smoothing`` on the label and ``smoothing`` spread over all classes,
    summed over images."""
    return functional.cross_entropy(logits, labels, reduction="sum", label_smoothing=smoothing)


def sigmoid_loss(logits: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    """Binary cross-entropy, the mean over classes, summed over images; masked pairs count as 0.

    Smoothing draws targets towards 1/2: ``(1 - smoothing) y + smoothing / 2``.
    """
    targets = (1 - smoothing) * labels.to(logits.dtype) + smoothing / 2
    losses = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return torch.where(labels < 0, 0.0, losses).sum() / logits.shape[1]


def check_labels(output: Any, labels: Tensor, *, multi_label: bool) -> None:
    """Whether labels and logits fit together; looked at once, since it waits for the device.

    Raises
    ------
    DataError : they do not.
    """
    main, _ = heads_of(output, len(labels))
    classes = main.shape[1]
    if multi_label:
        if tuple(labels.shape) != tuple(main.shape):
            raise DataError(
                f"labels are {tuple(labels.shape)} and the network gives {tuple(main.shape)}: "
                "give it as many outputs as there are classes"
            )
        return
    if labels.ndim != 1 or labels.is_floating_point():
        raise DataError(
            f"labels are {labels.dtype} {tuple(labels.shape)} where one class number an image is "
            "needed: say multi_label where images have several"
        )
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= classes:
        raise DataError(
            f"an image has class number {low if low < 0 else high} and the network tells "
            f"{classes} classes apart: give it as many outputs as there are classes"
        )
