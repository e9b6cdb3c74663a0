"""Losses against longhand, and that they do not depend on how a batch is cut."""

from __future__ import annotations

import math
from typing import NamedTuple

import pytest
import torch
from tiny_training import ArrayImages, fit, network, pictures, recipe
from torch import Tensor, nn

from penultimate.errors import BackboneError, DataError
from penultimate.training.losses import summed_loss

GENERATOR = torch.Generator().manual_seed(3)
LOGITS = torch.randn(6, 4, generator=GENERATOR)
CLASSES = torch.tensor([0, 3, 1, 1, 2, 0])
SEVERAL = torch.tensor(
    [[1, 0, 0, -1], [0, 1, 1, 0], [-1, -1, -1, -1], [0, 0, 0, 0], [1, 1, -1, 0], [0, 0, 1, 1]]
)


class Heads(NamedTuple):
    main: Tensor
    auxiliary: tuple[Tensor, ...]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_softmax_loss_is_that_of_longhand(smoothing: float) -> None:
    expected = 0.0
    for logits, label in zip(LOGITS.tolist(), CLASSES.tolist(), strict=True):
        log_sum = math.log(sum(math.exp(z) for z in logits))
        for k, z in enumerate(logits):
            target = smoothing / 4 + (1 - smoothing) * (k == label)
            expected -= target * (z - log_sum)
    got = summed_loss(LOGITS, CLASSES, recipe(label_smoothing=smoothing), multi_label=False)
    assert float(got) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_sigmoid_loss_is_that_of_longhand(smoothing: float) -> None:
    expected = 0.0
    for logits, labels in zip(LOGITS.tolist(), SEVERAL.tolist(), strict=True):
        for z, y in zip(logits, labels, strict=True):
            if y >= 0:
                t = (1 - smoothing) * y + smoothing / 2
                p = 1 / (1 + math.exp(-z))
                expected -= (t * math.log(p) + (1 - t) * math.log(1 - p)) / 4
    got = summed_loss(LOGITS, SEVERAL, recipe(label_smoothing=smoothing), multi_label=True)
    assert float(got) == pytest.approx(expected, rel=1e-5)


def test_masked_pairs_teach_nothing() -> None:
    logits = LOGITS.clone().requires_grad_()
    summed_loss(logits, SEVERAL, recipe(), multi_label=True).backward()
    assert logits.grad is not None
    assert torch.equal(logits.grad == 0, SEVERAL == -1)


@pytest.mark.parametrize("multi_label", [False, True])
def test_parts_of_a_batch_add_up_to_the_whole(multi_label: bool) -> None:
    labels = SEVERAL if multi_label else CLASSES
    plan = recipe(label_smoothing=0.1)
    parts = [
        summed_loss(LOGITS[rows], labels[rows], plan, multi_label=multi_label)
        for rows in (slice(0, 1), slice(1, 3), slice(3, 6))
    ]
    whole = summed_loss(LOGITS, labels, plan, multi_label=multi_label)
    assert float(sum(parts)) == pytest.approx(float(whole), rel=1e-6)


def test_auxiliary_heads_count_with_their_weight() -> None:
    plan = recipe(auxiliary_weight=0.4)
    one, two = LOGITS.flip(0), LOGITS.flip(1)
    main, first, second = (
        float(summed_loss(z, CLASSES, plan, multi_label=False)) for z in (LOGITS, one, two)
    )
    both = summed_loss(Heads(LOGITS, (one, two)), CLASSES, plan, multi_label=False)
    assert float(both) == pytest.approx(main + 0.4 * (first + second), rel=1e-6)


def test_an_auxiliary_head_is_trained_by_its_own_loss() -> None:
    class WithHead(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net, self.head = network(seed=1), network(seed=2)

        def forward(self, images: Tensor) -> Tensor | Heads:
            main: Tensor = self.net(images)
            return Heads(main, (self.head(images),)) if self.training else main

    model = WithHead()
    done = fit(model, recipe(steps=60, auxiliary_weight=0.4))
    images, labels = pictures()
    assert (model.head(images).argmax(1) == labels).float().mean() > 0.9
    assert done.curve["loss"][0] == pytest.approx(1.4 * math.log(3), rel=0.1)


def test_several_labels_are_learned_through_the_loop() -> None:
    images, classes = pictures()
    labels = nn.functional.one_hot(classes, 3)
    labels[::5, 1] = -1
    model = network()
    fit(model, recipe(steps=120), ArrayImages(images, labels, 12), multi_label=True)
    right = (model(images) > 0) == (labels == 1)
    assert right[labels >= 0].float().mean() > 0.95


@pytest.mark.parametrize(
    ("labels", "multi_label", "message"),
    [
        (torch.full((48,), 3), False, "class number 3 and the network tells 3 classes apart"),
        (torch.full((48,), -1), False, "class number -1"),
        (torch.zeros(48, 3, dtype=torch.int64), False, "say multi_label"),
        (torch.zeros(48, 2, dtype=torch.int64), True, r"labels are \(12, 2\)"),
    ],
)
def test_labels_that_do_not_fit_are_refused(
    labels: Tensor, multi_label: bool, message: str
) -> None:
    images = ArrayImages(pictures()[0], labels, 12)
    with pytest.raises(DataError, match=message):
        fit(network(), recipe(), images, multi_label=multi_label)


def test_a_network_without_logits_is_refused() -> None:
    with pytest.raises(BackboneError, match=r"gives \(12, 8, 8, 8\) for 12 images where logits"):
        fit(nn.Conv2d(3, 8, 1), recipe())
