"""Adjusted accuracy against loops written out, and the laws it must hold to."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penultimate.errors import SpecError, UnknownNameError
from penultimate.stats import accuracy_grid, adjusted_log_odds, complete


def grid(models=4, sets=3, seed=0):
    rng = np.random.default_rng(seed)
    values = 1 / (1 + np.exp(-rng.normal(1, 1, (models, sets))))
    return pd.DataFrame(
        values, index=[f"m{i}" for i in range(models)], columns=[f"d{i}" for i in range(sets)]
    )


def longhand(accuracy):
    """Section 3 of the paper, one sum after another."""
    x = [[math.log(p / (1 - p)) for p in row] for row in accuracy.to_numpy().tolist()]
    models, sets = len(x), len(x[0])
    column = [sum(x[m][d] for m in range(models)) / models for d in range(sets)]
    rows = []
    for m in range(models):
        adjusted = [x[m][d] - column[d] for d in range(sets)]
        mean = sum(adjusted) / sets
        variance = sum((a - mean) ** 2 for a in adjusted) / (sets - 1)
        rows.append((mean, math.sqrt(variance / sets) * math.sqrt(models / (models - 1))))
    return rows


@given(st.integers(2, 6), st.integers(2, 6), st.integers(0, 1000))
@settings(max_examples=30)
def test_it_is_the_longhand_computation(models, sets, seed):
    accuracy = grid(models, sets, seed)
    found = adjusted_log_odds(accuracy)
    assert list(found.columns) == ["mean", "standard_error"]
    assert list(found.index) == list(accuracy.index)
    for row, (mean, error) in zip(found.to_numpy(), longhand(accuracy), strict=True):
        assert row == pytest.approx([mean, error], abs=1e-12)


def test_a_harder_data_set_changes_nothing():
    """The odds of all models on one data set divided by five: no mean and no error moves."""
    accuracy = grid()
    odds = accuracy / (1 - accuracy)
    odds["d1"] /= 5
    harder = odds / (1 + odds)
    pd.testing.assert_frame_equal(adjusted_log_odds(harder), adjusted_log_odds(accuracy))


def test_the_means_sum_to_nothing_and_the_order_of_data_sets_does_not_matter():
    accuracy = grid(5, 6)
    found = adjusted_log_odds(accuracy)
    assert found["mean"].sum() == pytest.approx(0, abs=1e-12)
    pd.testing.assert_frame_equal(adjusted_log_odds(accuracy[accuracy.columns[::-1]]), found)


def test_the_standard_error_is_unbiased_in_size():
    """Equal noise for all: mean squared errors over many draws are the noise's own variance."""
    rng = np.random.default_rng(1)
    squares = []
    for _ in range(400):
        noisy = pd.DataFrame(1 / (1 + np.exp(-rng.normal(1, 0.3, (4, 6)))))
        squares.append((adjusted_log_odds(noisy)["standard_error"] ** 2).mean())
    assert np.mean(squares) == pytest.approx(0.3**2 / 6, rel=0.05)


def test_what_cannot_be_estimated_is_nan():
    one_model = adjusted_log_odds(grid(1, 3))
    assert one_model["mean"].tolist() == [0]
    assert one_model["standard_error"].isna().all()
    assert adjusted_log_odds(grid(3, 1))["standard_error"].isna().all()


class TestHoles:
    @pytest.fixture
    def holes(self):
        accuracy = grid(4, 3)
        accuracy.loc["m1", "d2"] = math.nan
        accuracy.loc["m3", "d2"] = math.nan
        return accuracy

    def test_are_refused_with_what_each_remedy_costs(self, holes):
        with pytest.raises(SpecError) as caught:
            adjusted_log_odds(holes)
        assert str(caught.value) == (
            "there is no accuracy of m1 on d2, and 1 more of 12 are missing: drop-models leaves "
            "out 2 of 4 models, drop-data-sets 1 of 3 data sets"
        )

    def test_are_dropped_by_model_or_by_data_set(self, holes):
        assert list(complete(holes, "drop-models").index) == ["m0", "m2"]
        assert list(complete(holes, "drop-data-sets").columns) == ["d0", "d1"]
        pd.testing.assert_frame_equal(
            adjusted_log_odds(holes, missing="drop-data-sets"),
            adjusted_log_odds(grid(4, 3)[["d0", "d1"]]),
        )

    def test_that_leave_nothing_are_an_error(self, holes):
        with pytest.raises(SpecError, match="no accuracy is left to compare after drop-models"):
            complete(holes.assign(d0=math.nan), "drop-models")
        with pytest.raises(SpecError, match="give models and data sets"):
            complete(holes.head(0))

    def test_an_unknown_way_is_answered_with_the_nearest(self, holes):
        with pytest.raises(UnknownNameError, match="did you mean 'drop-models'"):
            complete(holes, "drop-model")


def test_names_there_twice_are_refused():
    accuracy = grid(2, 2)
    with pytest.raises(SpecError, match="the model m0 is there twice"):
        complete(accuracy.iloc[[0, 0]])
    with pytest.raises(SpecError, match="the data set d1 is there twice"):
        complete(accuracy[["d0", "d1", "d1"]])


class TestFromRows:
    def test_a_grid_in_the_order_of_the_rows(self):
        rows = pd.DataFrame(
            [("t", "z", 0.9), ("s", "z", 0.8), ("t", "a", 0.7)],
            columns=["task", "backbone", "score"],
        )
        found = accuracy_grid(rows)
        assert list(found.index) == ["z", "a"]
        assert list(found.columns) == ["t", "s"]
        assert found.loc["a", "t"] == 0.7
        assert math.isnan(found.loc["a", "s"])

    def test_two_accuracies_of_one_cell_are_refused(self):
        rows = pd.DataFrame({"task": ["t", "t"], "backbone": ["a", "a"], "score": [0.1, 0.2]})
        with pytest.raises(SpecError, match="a has more than one accuracy on t"):
            accuracy_grid(rows)

    def test_an_unknown_column_is_answered_with_the_nearest(self):
        with pytest.raises(UnknownNameError, match="did you mean 'score'"):
            accuracy_grid(pd.DataFrame(columns=["task", "backbone", "score"]), accuracy="scores")
