"""The interval of mean average precision: what it holds, and when it says that it knows nothing."""

import math

import numpy as np
import pytest

from penultimate.metrics import mean_average_precision
from penultimate.stats import precision_interval


def drawn(seed, n=200, classes=4, apart=1.5):
    """Labels of an eighth of the images, and scores that lie ``apart`` deviations apart."""
    random = np.random.default_rng(seed)
    labels = (random.random((n, classes)) < 1 / 8).astype(np.int8)
    labels[random.random((n, classes)) < 0.02] = -1
    return labels, random.normal(size=(n, classes)) + apart * (labels == 1)


def test_it_holds_the_score_repeats_with_its_seed_and_narrows_with_images():
    labels, scores = drawn(0)
    low, high, method = precision_interval(labels, scores, resamples=300, seed=3)
    assert low < mean_average_precision(labels, scores) < high
    assert method == "bootstrap of images, centred on the score"
    assert (low, high) == precision_interval(labels, scores, resamples=300, seed=3)[:2]
    assert (low, high) != precision_interval(labels, scores, resamples=300, seed=4)[:2]
    narrow = precision_interval(*drawn(1, n=1800), resamples=300)
    assert (high - low) / 4 < narrow[1] - narrow[0] < (high - low) / 2, "a third"


def test_of_300_test_sets_about_95_of_100_hold_what_sets_of_that_size_score_on_average():
    sets = [drawn(seed) for seed in range(300)]
    mean = np.mean([mean_average_precision(*one) for one in sets])
    intervals = [precision_interval(*one, resamples=200)[:2] for one in sets]
    held = np.mean([low <= mean <= high for low, high in intervals])
    assert 0.90 <= held <= 0.98


def test_it_ends_where_scores_end():
    labels, scores = drawn(0, n=60, apart=4)
    low, high, _ = precision_interval(labels, scores)
    assert low < 1
    assert high <= 1


@pytest.mark.parametrize("labels", [np.eye(4), np.zeros((4, 4)), np.zeros((0, 4))])
def test_resamples_that_all_score_the_same_say_nothing(labels):
    low, high, method = precision_interval(labels.astype(np.int8), labels)
    assert math.isnan(low)
    assert math.isnan(high)
    assert method


def test_masked_pairs_do_not_count():
    labels, scores = drawn(5)
    other = np.where(labels < 0, scores + 9, scores)
    assert precision_interval(labels, other) == precision_interval(labels, scores)
