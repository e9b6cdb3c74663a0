"""A run that is lost ends early, with a reason."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from tiny_training import ArrayImages, fit, network, pictures, recipe
from torch import nn

from penultimate.training.curve import Watchdog


def test_a_loss_that_is_not_finite_ends_the_run_with_a_reason() -> None:
    images, labels = pictures()
    done = fit(network(), recipe(steps=500, learning_rate=1e18, momentum=0.0))
    assert done.status == "diverged"
    assert done.steps < 10
    assert done.reason == f"the loss of step {done.steps} is {done.curve['loss'][-1]}"
    assert not math.isfinite(done.curve["loss"][-1])
    assert np.isfinite(done.curve["loss"][:-1]).all()
    images[7] = math.nan
    done = fit(network(), recipe(steps=500), ArrayImages(images, labels, 12))
    assert (done.status, done.steps <= 4) == ("diverged", True)


def test_a_loss_far_above_its_start_for_long_ends_the_run() -> None:
    # Three numbers tell nothing about the class: updates of this size never find back.
    images = torch.randn(48, 3, 1, 1, generator=torch.Generator().manual_seed(0)) * 10
    model = nn.Sequential(nn.Flatten(), nn.Linear(3, 3))
    done = fit(
        model,
        recipe(steps=1000, learning_rate=100.0, momentum=0.0, batch_size=6),
        ArrayImages(images, torch.arange(48) % 3, 6),
    )
    assert done.status == "diverged"
    assert done.steps < 300
    assert "times what it began with, for 100 steps up to step" in done.reason


def test_weights_that_are_lost_with_the_last_step_are_noticed() -> None:
    done = fit(network(), recipe(steps=1, learning_rate=1e38, weight_decay=1e30))
    assert math.isfinite(done.curve["loss"][0])
    assert (done.status, done.reason) == (
        "diverged",
        "the weights are not finite after step 1",
    )


@pytest.mark.parametrize(
    ("losses", "lost"),
    [
        ([1.0] * 1000, None),
        ([1.0, *[9.9] * 999], None),
        ([1.0, *[10.1] * 99, 1.0] * 9, None),  # it found back each time
        ([1.0, *[10.1] * 100], 100),
        ([0.001, *[6.8] * 999], None),  # it began with nearly nothing to lose
        ([0.001, *[7.0] * 100], 100),
        ([1.0, 2.0, math.inf], 2),
        ([math.nan], 0),
    ],
)
def test_when_a_run_is_given_up(losses: list[float], lost: int | None) -> None:
    watchdog = Watchdog(1000)
    found = [step for step, loss in enumerate(losses) if watchdog.take(step, loss)]
    assert (found[0] if found else None) == lost


def test_a_short_run_is_given_time() -> None:
    watchdog = Watchdog(30)
    found = [step for step in range(30) if watchdog.take(step, 100.0 if step else 1.0)]
    assert found[0] == 20
