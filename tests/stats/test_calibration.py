"""Calibration: against scikit-learn, against draws image by image, and by laws."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from penultimate.stats import (
    calibration,
    confidence_of,
    expected_calibration_error,
    reliability,
    wilson_interval,
)

ANSWERS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=80)


def drawn(n, seed=0, shift=0.0):
    """Confidences, and answers that are right ``shift`` less often than these say."""
    rng = np.random.default_rng(seed)
    confidence = rng.beta(4, 1.2, n)
    return confidence, rng.random(n) < np.clip(confidence - shift, 0, 1)


@settings(max_examples=100, deadline=None)
@given(ANSWERS, st.integers(1, 20))
def test_the_table_is_scikit_learns_curve_and_the_error_its_weighted_distance(answers, bins):
    confidence, right = map(np.array, zip(*answers, strict=True))
    table = reliability(confidence, right, bins=bins)
    filled = table[table["n"] > 0]
    accuracy, mean = calibration_curve(right, confidence, n_bins=bins)
    np.testing.assert_allclose(filled["accuracy"], accuracy, atol=1e-12)
    np.testing.assert_allclose(filled["confidence"], mean, atol=1e-12)
    assert table["n"].sum() == len(right)
    error = np.average(np.abs(accuracy - mean), weights=filled["n"])
    found = calibration(confidence, right, bins=bins, draws=20)
    assert math.isclose(found.ece, error, abs_tol=1e-12)
    assert math.isclose(expected_calibration_error(confidence, right, bins), error, abs_tol=1e-12)
    assert 0 <= found.ece <= 1
    # No binning shows less than the distance of the means.
    assert found.ece >= abs(found.gap) - 1e-12
    assert math.isclose(found.gap, confidence.mean() - right.mean(), abs_tol=1e-12)


def test_a_bin_has_its_upper_end_and_not_its_lower_one():
    table = reliability(np.array([0.0, 0.5, 0.50001, 1.0]), np.array([0, 1, 1, 1]) > 0, bins=2)
    assert table["n"].tolist() == [2, 2]
    assert table["low"].tolist() == [0, 0.5]
    assert table["high"].tolist() == [0.5, 1]


def test_an_empty_bin_is_undefined_and_a_full_one_has_wilsons_interval():
    table = reliability(np.full(8, 0.9), np.arange(8) < 6, bins=4)
    assert table.loc[:2, ["confidence", "accuracy", "ci_low", "ci_high"]].isna().all(axis=None)
    low, high = wilson_interval(0.75, 8)
    assert table.loc[3, ["accuracy", "ci_low", "ci_high"]].tolist() == [0.75, low, high]


def test_by_hand():
    confidence = np.array([0.55, 0.65, 0.95, 0.85])
    right = np.array([True, False, True, True])
    found = calibration(confidence, right, bins=2)
    # One bin, in which three of four are right at 75 %.
    assert math.isclose(found.ece, 0.0, abs_tol=1e-12)
    found = calibration(confidence, right, bins=10)
    assert math.isclose(found.ece, (0.45 + 0.65 + 0.05 + 0.15) / 4)
    assert (found.n, found.accuracy) == (4, 0.75)


@pytest.mark.parametrize("n", [60, 361, 3000])
def test_what_chance_makes_is_what_calibrated_networks_have_image_by_image(n):
    confidence, right = drawn(n)
    found = calibration(confidence, right, draws=4000)
    rng = np.random.default_rng(5)
    errors = np.array(
        [expected_calibration_error(confidence, rng.random(n) < confidence) for _ in range(1500)]
    )
    assert abs(found.by_chance / errors.mean() - 1) < 0.03
    share = np.mean(errors >= found.ece)
    assert abs(found.p_value - share) < 0.05


def test_calibrated_networks_seldom_and_overconfident_ones_always_look_off():
    p_values = [calibration(*drawn(300, seed), draws=200).p_value for seed in range(300)]
    assert 0.02 <= np.mean(np.array(p_values) <= 0.05) <= 0.09
    assert 0.4 < np.mean(p_values) < 0.6
    off = calibration(*drawn(1000, shift=0.15))
    assert off.p_value == 1 / 501
    assert 0.08 < off.gap < 0.17
    assert off.ece > 3 * off.by_chance


def test_small_test_sets_look_worse_by_chance_alone():
    by_chance = [calibration(*drawn(n)).by_chance for n in (50, 500, 5000)]
    assert by_chance[0] > 2.5 * by_chance[1] > 6 * by_chance[2]


def test_it_repeats_with_its_seed():
    answers = drawn(200)
    assert calibration(*answers) == calibration(*answers)
    assert calibration(*answers, seed=1).by_chance != calibration(*answers).by_chance


def test_undefined_is_nan():
    nothing = calibration(np.empty(0), np.empty(0, dtype=bool))
    unknown = calibration(np.array([0.5, math.nan]), np.array([True, True]))
    for found in (nothing, unknown):
        values = (found.accuracy, found.confidence, found.ece, found.by_chance, found.p_value)
        assert all(map(math.isnan, (*values, found.gap)))
    assert reliability(np.empty(0), np.empty(0, dtype=bool))["n"].sum() == 0
    assert math.isnan(calibration(*drawn(9), draws=0).by_chance)


@pytest.mark.parametrize(
    ("confidence", "right", "bins", "message"),
    [
        ([1.2], [True], 15, "not within 0..1"),
        ([-0.1], [True], 15, "not within 0..1"),
        ([0.5, 0.5], [True], 15, "alike"),
        ([0.5], [True], 0, "at least 1"),
    ],
)
def test_what_is_no_confidence_is_refused(confidence, right, bins, message):
    for function in (calibration, reliability):
        with pytest.raises(ValueError, match=message):
            function(np.array(confidence), np.array(right), bins=bins)


def test_a_probability_that_rounding_put_above_one_counts_as_one():
    found = calibration(np.array([1 + 1e-9, 0.5]), np.array([True, True]))
    assert found.confidence == 0.75


def test_the_confidence_of_one_label_is_that_of_the_chosen_class():
    predictions = pd.DataFrame(
        {
            "label": pd.Categorical(["a", "b"], ["a", "b"]),
            "predicted": pd.Categorical(["b", "b"], ["b", "a"]),
            "p_predicted": [0.7, 0.9],
        }
    )
    confidence, right = confidence_of(predictions)
    assert confidence.tolist() == [0.7, 0.9]
    assert right.tolist() == [False, True]


def test_with_several_labels_each_unmasked_decision_counts_by_itself():
    predictions = pd.DataFrame(
        {
            "label:a": [1, 0, -1],
            "label:b": [1, 1, 0],
            "log_odds:a": [math.log(3), math.log(4), 9.0],
            "log_odds:b": [-math.log(9), 2000.0, -2000.0],
        }
    )
    confidence, right = confidence_of(predictions)
    np.testing.assert_allclose(confidence, [0.75, 0.9, 0.8, 1, 1])
    assert right.tolist() == [True, False, False, True, True]
