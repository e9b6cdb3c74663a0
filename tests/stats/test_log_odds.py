"""Log odds: the formula inside, half an answer at the ends, an order that is kept."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penultimate.errors import SpecError
from penultimate.stats import logit

INSIDE = st.floats(1e-6, 1 - 1e-6)


@given(INSIDE)
def test_inside_it_is_the_formula(p):
    assert logit(p) == pytest.approx(math.log(p / (1 - p)), rel=1e-9, abs=1e-9)
    assert 1 / (1 + math.exp(-float(logit(p)))) == pytest.approx(p, rel=1e-9)
    assert logit(1 - p) == pytest.approx(-float(logit(p)), rel=1e-6, abs=1e-9)


@given(st.integers(1, 50_000))
def test_counted_answers_change_at_the_ends_only(n):
    """Half an answer is added at none right and all right; one of n right is what it is."""
    right = np.unique([0, 1, n // 2, n - 1, n])
    found = logit(right / n, n)
    for k, value in zip(right, found, strict=True):
        k_right, k_wrong = (k, n - k) if 0 < k < n else (k + 0.5, n - k + 0.5)
        assert value == pytest.approx(math.log(k_right / k_wrong), rel=1e-9, abs=1e-9)
    assert (np.diff(found) > 0).all()


@given(st.lists(st.floats(0, 1), min_size=2, max_size=20), st.integers(1, 10_000))
def test_no_order_changes_and_nothing_is_infinite(values, n):
    """Also of measures that are not counts, such as mean per-class accuracy."""
    found = logit(np.sort(values), n)
    assert np.isfinite(found).all()
    assert (np.diff(found) >= 0).all()


@pytest.mark.parametrize("end", [0.0, 1.0])
def test_an_end_without_n_is_refused(end):
    with pytest.raises(SpecError, match=f"{100 * end:g} % has no finite log odds: give n"):
        logit([0.5, end])


def test_percentages_are_refused():
    with pytest.raises(SpecError, match=r"82\.7 is not: divide percentages by 100"):
        logit([0.5, 82.7])


def test_n_must_count():
    with pytest.raises(SpecError, match="0 is too few"):
        logit([0.5], 0)


def test_frames_stay_frames_and_n_goes_by_name():
    frame = pd.DataFrame({"pets": [1.0, 0.5], "cars": [0.25, math.nan]}, index=["a", "b"])
    found = logit(frame, pd.Series({"cars": 1000, "pets": 10}))
    assert found.loc["a", "pets"] == pytest.approx(math.log(10.5 / 0.5))
    assert found.loc["a", "cars"] == pytest.approx(math.log(1 / 3))
    assert math.isnan(found.loc["b", "cars"])
    assert list(found.columns) == ["pets", "cars"]
    series = logit(pd.Series({"a": 1.0, "b": 0.5}, name="pets"), pd.Series({"b": 7, "a": 3}))
    assert series["a"] == pytest.approx(math.log(3.5 / 0.5))
    assert series.name == "pets"


def test_where_n_is_not_known_the_formula_stands_and_an_end_is_refused():
    frame = pd.DataFrame({"pets": [1.0], "cars": [0.25]})
    assert logit(frame, pd.Series({"pets": 10})).loc[0, "cars"] == pytest.approx(math.log(1 / 3))
    with pytest.raises(SpecError, match="100 %"):
        logit(frame, pd.Series({"cars": 10}))


def test_undefined_stays_undefined():
    assert np.isnan(logit([math.nan, 0.5], 10)).tolist() == [True, False]
