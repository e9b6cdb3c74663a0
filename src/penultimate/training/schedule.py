"""The learning rate of each step."""

from __future__ import annotations

import math

from penultimate.errors import SpecError
from penultimate.spec import Recipe


def learning_rate(recipe: Recipe, step: int) -> float:
    """Of step 0, 1, ..., ``recipe.steps - 1``.

    Without a warm-up, ``cosine`` is ``lr / 2 (1 + cos(pi step / steps))``: the first step is at the
    peak, the last one just above nothing. With a warm-up of w steps, step w - 1 is the first at the
    peak, and the cosine falls over the steps that are left. ``exponential`` is a staircase.
    """
    peak, warmup = recipe.learning_rate, recipe.warmup_steps
    if step < warmup:
        return peak * (step + 1) / warmup
    done, steps = step - warmup, recipe.steps - warmup
    if recipe.schedule == "cosine":
        return peak / 2 * (1 + math.cos(math.pi * done / steps))
    return peak * float(recipe.decay_rate ** (done // recipe.decay_steps))


def check_schedule(recipe: Recipe) -> None:
    """Refuse a schedule that would never leave its warm-up.

    Raises
    ------
    SpecError : the warm-up takes all steps.
    """
    if recipe.warmup_steps >= recipe.steps:
        raise SpecError(
            f"the warm-up takes {recipe.warmup_steps} steps and the whole training {recipe.steps}: "
            "give it more steps or a shorter warm-up"
        )
