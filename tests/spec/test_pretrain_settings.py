"""How a pretraining is asked for, and the recipe that comes of it."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from penultimate.spec import Augmentation, Pretrain
from penultimate.training.schedule import learning_rate

IMAGENET = 1_281_167


def test_the_default_is_the_protocols_recipe():
    recipe = Pretrain(epochs=100).recipe(IMAGENET, label_smoothing=0.1)
    an_epoch = IMAGENET / 4096
    assert recipe.steps == round(100 * an_epoch) == 31_278
    assert (recipe.batch_size, recipe.learning_rate) == (4096, 1.6)
    assert (recipe.momentum, recipe.nesterov) == (0.9, True)
    assert (recipe.weight_decay, recipe.average) == (8e-5, 0.9999)
    assert (recipe.label_smoothing, recipe.auxiliary_weight) == (0.1, 0.4)
    assert recipe.schedule == "exponential"
    assert recipe.warmup_steps == round(10 * an_epoch)
    assert recipe.augmentation == Augmentation()


@pytest.mark.parametrize("images", [IMAGENET, 9_000, 4096])
def test_after_the_warm_up_each_epoch_multiplies_the_learning_rate_by_0_975(images):
    recipe = Pretrain(epochs=40).recipe(images)
    an_epoch = images / 4096
    assert learning_rate(recipe, recipe.warmup_steps - 1) == 1.6
    for epochs in (0, 1, 7, 29):
        step = recipe.warmup_steps + math.floor(epochs * an_epoch)
        passed = math.floor(epochs * an_epoch) / an_epoch
        assert learning_rate(recipe, step) == pytest.approx(1.6 * 0.975**passed, rel=1e-9)


@pytest.mark.parametrize("batch", [64, 256, 8192])
def test_the_learning_rate_goes_with_the_batch_and_nothing_else_does(batch):
    one, other = (Pretrain(epochs=20, batch_size=size).recipe(IMAGENET) for size in (4096, batch))
    assert other.learning_rate == pytest.approx(1.6 * batch / 4096)
    kept = {"weight_decay", "momentum", "average", "label_smoothing", "auxiliary_weight"}
    assert one.model_dump(include=kept) == other.model_dump(include=kept)
    assert other.steps == pytest.approx(one.steps * 4096 / batch, rel=1e-4)


def test_a_learning_rate_that_is_given_is_taken_as_it_is():
    assert Pretrain(epochs=20, batch_size=64, learning_rate=0.3).recipe(9_000).learning_rate == 0.3


def test_epochs_may_be_a_fraction_and_steps_take_their_place():
    assert Pretrain(epochs=2.5, batch_size=100, warmup_epochs=0).recipe(1_000).steps == 25
    assert Pretrain(steps=7, batch_size=100, warmup_epochs=0).recipe(1_000).steps == 7
    assert Pretrain.preset("quick", steps=90).recipe(1_000).steps == 90


def test_quick_fills_in_what_is_not_given():
    quick = Pretrain.preset("quick", weight_decay=1e-3)
    assert quick.weight_decay == 1e-3
    assert quick.schedule == "cosine"
    assert quick.parts == "train"
    assert Pretrain.preset("paper", epochs=1) == Pretrain(epochs=1)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "how long the paper trained is not known here"),
        ({"epochs": 1, "steps": 1}, "either epochs or steps"),
        ({"epochs": 0}, "greater than 0"),
        ({"epochs": 1, "preset": "fast"}, "there are paper and quick"),
        ({"epochs": 1, "crop_scale": (0.5, 0.1)}, "no range"),
        ({"epochs": 1, "lr": 0.1}, "not permitted"),
    ],
)
def test_what_cannot_be_meant_is_refused(given, message):
    with pytest.raises(ValidationError, match=message):
        Pretrain.model_validate(given)


def test_a_batch_larger_than_the_training_set_is_refused():
    with pytest.raises(ValueError, match="a batch of 4,096 is larger than the 744 training images"):
        Pretrain(epochs=20).recipe(744)


def test_a_warm_up_longer_than_the_training_is_refused():
    with pytest.raises(ValueError, match="a warm-up of 10 epochs is 3,128 steps"):
        Pretrain(epochs=5).recipe(IMAGENET)
