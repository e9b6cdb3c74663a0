"""One training on a data set: it learns, validation scores it, and the test part is not seen."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import log_softmax as peer

from penultimate.backbones import trainable
from penultimate.data import load_dataset
from penultimate.data.dataset import ArrayImages, Dataset
from penultimate.errors import DataError
from penultimate.methods.cell import Cell, recipe
from penultimate.methods.scoring import log_softmax, mean_loss
from penultimate.methods.train_one import scores_of, train_one
from penultimate.metrics import score
from penultimate.spec import Backbone, FineTune, Task
from penultimate.training import Team
from penultimate.training.pixels import PixelCache

TINY = Backbone(name="test_resnet@random", image_size=24)


@pytest.fixture(scope="module")
def digits(tmp_path_factory) -> Dataset:
    return load_dataset(Task(source="digits"), seed=0, cache=tmp_path_factory.mktemp("scans"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pixels")

    def opened(dataset: Dataset) -> PixelCache:
        return PixelCache.open(dataset, folder, side=None, limit=10**8, workers=1)

    return opened


def trained(pixels: PixelCache, parts=("train",), *, rate: float = 0.05, steps: int = 60, **more):
    """A tiny network after some steps, and what came of it."""
    dataset = pixels.dataset
    network = trainable(TINY, classes=len(dataset.classes), seed=0)
    settings = FineTune(learning_rates=(rate,), crop_scale=(0.5, 1.0), flip=False)
    rows = sum(len(dataset.indices(part)) for part in parts)
    how = recipe(
        settings, Cell(rate, 0.0), steps=steps, batch_size=32, n_images=rows, batch_norm=True
    )
    team = Team.join("cpu")
    found = train_one(
        network,
        how,
        pixels,
        parts,
        seed=0,
        identity="a",
        team=team,
        workers=1,
        compiled=False,
        **more,
    )
    return network, how, team, found


@pytest.mark.slow
def test_it_learns_and_its_scores_are_those_of_what_it_makes_of_validation(digits, cache):
    pixels = cache(digits)
    network, how, team, found = trained(pixels, steps=120)
    assert found.outcome.status == "finished" and found.outcome.steps == 120
    assert found.outcome.scores["whole"] > 0.6  # chance is 0.1
    validation = digits.indices("val")
    for view in ("whole", "central"):
        scores = scores_of(network, pixels, validation, view, how, team, workers=1)
        assert scores.shape == (len(validation), 10)
        assert np.allclose(np.exp(scores).sum(axis=1), 1)
        labels = digits.labels[validation]
        assert found.outcome.scores[view] == score("top-1", labels, scores)
        assert found.outcome.losses[view] == pytest.approx(mean_loss(labels, scores))
    assert found.outcome.scores["whole"] != found.outcome.scores["central"]


@pytest.mark.parametrize("parts", [("train",), ("train", "val")])
def test_the_test_part_is_neither_learned_from_nor_looked_at(digits, cache, parts):
    test = digits.indices("test")
    pixels = np.stack([np.asarray(digits.image(i)) for i in range(len(digits))])
    pixels[test] = 255 - pixels[test]
    labels = digits.labels.copy()
    labels[test] = 0
    digests = tuple(
        f"other {digest}" if row in set(test.tolist()) else digest
        for row, digest in enumerate(digits.digests)
    )
    other = replace(digits, labels=labels, images=ArrayImages(pixels), digests=digests)
    before = trained(cache(digits), parts, steps=3)
    after = trained(cache(other), parts, steps=3)
    assert before[3].outcome == after[3].outcome
    ours, others = before[0].module.state_dict(), after[0].module.state_dict()
    assert all(torch.equal(ours[key], others[key]) for key in ours)


def test_what_learned_from_validation_is_not_scored_on_it(digits, cache):
    found = trained(cache(digits), ("train", "val"), steps=2)[3]
    assert found.outcome.scores == {} and found.outcome.losses == {}
    assert found.outcome.status == "finished"


def test_a_learning_rate_that_is_too_large_is_recorded_and_not_scored(digits, cache):
    found = trained(cache(digits), rate=1e12, steps=40)[3]
    assert found.outcome.diverged and found.outcome.reason
    assert found.outcome.steps < 40
    assert found.outcome.scores == {}


def test_without_validation_there_is_nothing_to_choose_on(digits, cache):
    parts = np.where(digits.parts == "val", "train", digits.parts)
    with pytest.raises(DataError, match="no validation example to choose a cell on"):
        trained(cache(replace(digits, parts=parts)), steps=1)


def test_several_labels_an_image(digits, cache):
    """The digit, and whether it is even; a masked pair here and there."""
    labels = np.zeros((len(digits), 11), dtype=np.int8)
    labels[np.arange(len(digits)), digits.labels] = 1
    labels[:, 10] = digits.labels % 2 == 0
    labels[::7, 3] = -1
    several = replace(
        digits,
        labels=labels,
        classes=(*digits.classes, "even"),
        measure="mean-average-precision",
    )
    pixels = cache(several)
    network, how, team, found = trained(pixels, steps=30, rate=0.3)
    validation = several.indices("val")
    odds = scores_of(network, pixels, validation, "whole", how, team, workers=1)
    assert odds.max() > 0 > odds.min()  # log odds, not log probabilities
    asked = several.labels[validation]
    assert found.outcome.scores["whole"] == score("mean-average-precision", asked, odds)
    share = 1 / (1 + np.exp(-odds))
    right = np.where(asked == 1, share, 1 - share)[asked >= 0]
    assert found.outcome.losses["whole"] == pytest.approx(-np.log(right).mean())


def test_scoring_leaves_the_network_in_its_mode(digits, cache):
    pixels = cache(digits)
    network, how, team, _ = trained(pixels, steps=1)
    for mode in (True, False):
        network.module.train(mode)
        first = scores_of(network, pixels, digits.indices("val")[:5], "whole", how, team)
        assert network.module.training is mode
    again = scores_of(network, pixels, digits.indices("val")[:5], "whole", how, team)
    assert np.array_equal(first, again)


def test_log_softmax_and_loss_against_longhand():
    rng = np.random.default_rng(0)
    logits = rng.normal(scale=300, size=(7, 4))  # exp of these overflows
    found = log_softmax(logits)
    assert np.allclose(found, peer(logits, axis=1))
    labels = rng.integers(0, 4, 7)
    assert mean_loss(labels, found) == pytest.approx(
        -np.mean([found[i, labels[i]] for i in range(7)])
    )
    assert math.isnan(mean_loss(labels[:0], found[:0]))
    assert math.isnan(mean_loss(np.full((2, 4), -1), found[:2]))
