"""The learning rate against the formulas."""

from __future__ import annotations

import math

import pytest
from tiny_training import fit, network, recipe

from penultimate.errors import SpecError
from penultimate.training.schedule import learning_rate


def test_cosine_at_its_first_middle_and_last_step() -> None:
    plan = recipe(steps=20_000, learning_rate=0.1)
    assert learning_rate(plan, 0) == 0.1
    assert learning_rate(plan, 10_000) == pytest.approx(0.05, rel=1e-12)
    last = 0.05 * (1 + math.cos(math.pi * 19_999 / 20_000))
    assert learning_rate(plan, 19_999) == pytest.approx(last, rel=1e-12)
    assert 0 < last < 1e-9


def test_warm_up_is_linear_and_the_schedule_follows_it() -> None:
    plan = recipe(steps=110, learning_rate=1.6, warmup_steps=10)
    assert [learning_rate(plan, step) for step in (0, 4, 9, 10)] == pytest.approx(
        [0.16, 0.8, 1.6, 1.6]
    )
    assert learning_rate(plan, 60) == pytest.approx(0.8)
    assert learning_rate(plan, 109) == pytest.approx(0.8 * (1 + math.cos(math.pi * 0.99)))


def test_exponential_is_a_staircase_after_the_warm_up() -> None:
    plan = recipe(
        steps=1000,
        learning_rate=1.6,
        warmup_steps=10,
        schedule="exponential",
        decay_rate=0.975,
        decay_steps=30,
    )
    assert [learning_rate(plan, step) for step in (9, 10, 39, 40, 69, 70)] == pytest.approx(
        [1.6, 1.6, 1.6, 1.6 * 0.975, 1.6 * 0.975, 1.6 * 0.975**2]
    )
    assert learning_rate(plan, 999) == pytest.approx(1.6 * 0.975**32)


def test_the_loop_renews_it_each_step() -> None:
    plan = recipe(steps=7, warmup_steps=2, learning_rate=0.3)
    done = fit(network(), plan)
    assert done.curve["learning_rate"].tolist() == [learning_rate(plan, t) for t in range(7)]


def test_a_warm_up_without_end_is_refused() -> None:
    with pytest.raises(SpecError, match="the warm-up takes 10 steps and the whole training 10"):
        fit(network(), recipe(steps=10, warmup_steps=10))
