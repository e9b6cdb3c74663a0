"""Thresholds of odds, against odds written out; means and quartiles against hand counts."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penultimate.errors import SpecError, UnknownNameError
from penultimate.stats import odds_threshold, odds_thresholds, speed_up, summarise_thresholds

STEPS = [100, 200, 400, 800]


def test_ninety_percent_of_the_odds_is_not_of_the_accuracy():
    """Odds 1, 4, 8.5 and 9: 0.9 * 9 = 8.1 is first reached at 400; of accuracy at 200 wrongly."""
    accuracy = [1 / 2, 4 / 5, 8.5 / 9.5, 9 / 10]
    assert odds_threshold(STEPS, accuracy) == 400
    assert odds_threshold(STEPS, accuracy, share=4 / 9) == 200
    assert odds_threshold(STEPS, accuracy, share=1) == 800


@given(
    st.lists(st.floats(0.01, 0.99), min_size=1, max_size=8),
    st.floats(0.1, 1),
    st.randoms(use_true_random=False),
)
def test_it_is_the_first_that_reaches_whatever_the_order(accuracy, share, random):
    steps = [2.0**i for i in range(len(accuracy))]
    found = odds_threshold(steps, accuracy, share=share)
    odds = [p / (1 - p) for p in accuracy]
    reached = [o >= share * max(odds) * (1 - 1e-9) for o in odds]
    assert found == steps[reached.index(True)]
    pairs = list(zip(steps, accuracy, strict=True))
    random.shuffle(pairs)
    assert odds_threshold(*zip(*pairs, strict=True), share=share) == found


def test_exactly_the_share_is_reached():
    for k in range(1, 40):
        best = k / (k + 1)
        at = 0.9 * k / (0.9 * k + 1)
        assert odds_threshold([1, 2], [at, best]) == 1


def test_the_maximum_of_another_run_may_not_be_reached():
    accuracy = [0.5, 0.6, 0.7, 0.8]
    assert math.isnan(odds_threshold(STEPS, accuracy, best=0.9))
    assert odds_threshold(STEPS, accuracy, best=0.7) == 400


def test_a_diverged_run_reaches_nothing_and_no_run_is_nan():
    assert odds_threshold(STEPS, [0.5, math.nan, 0.8, math.nan]) == 400
    assert math.isnan(odds_threshold(STEPS, [math.nan] * 4))
    assert math.isnan(odds_threshold([], []))


def test_all_right_needs_the_size_of_the_test_set():
    with pytest.raises(SpecError, match="give n"):
        odds_threshold([1, 2], [0.9, 1.0])
    assert odds_threshold([1, 2], [0.9, 1.0], n=10) == 2, "odds of 9, and of 10.5 / 0.5"
    assert odds_threshold([1, 2], [0.9, 1.0], n=4) == 1, "all of 4 right are odds of 9 too"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 1], [0.5, 0.6]), "a step count is there twice"),
        (([1, 2], [50, 60]), "divide percentages by 100"),
    ],
)
def test_mistakes_are_one_sentence(arguments, message):
    with pytest.raises(SpecError, match=message):
        odds_threshold(*arguments)
    with pytest.raises(SpecError, match="share is a fraction"):
        odds_threshold([1], [0.5], share=90)
    with pytest.raises(ValueError, match="2 step counts for 1 accuracies"):
        odds_threshold([1, 2], [0.5])


def curve(data_set, start, odds, epochs=0.1):
    return pd.DataFrame(
        {
            "data_set": data_set,
            "initialisation": start,
            "steps": STEPS,
            "epochs": [epochs * s for s in STEPS],
            "accuracy": [o / (1 + o) for o in odds],
        }
    )


@pytest.fixture
def runs():
    return pd.concat(
        [
            curve("pets", "fine-tune", [9.5, 10, 10, 10]),
            curve("pets", "from-scratch", [1, 2, 5, 9.1]),
            curve("cars", "fine-tune", [1, 10, 9.5, 10], epochs=0.2),
            curve("cars", "from-scratch", [1, 2, 8, 9], epochs=0.2),
        ]
    ).sample(frac=1, random_state=0)


def test_every_curve_has_its_threshold_in_steps_and_in_epochs(runs):
    found = odds_thresholds(runs).set_index(["data_set", "initialisation"])
    assert found.loc[("pets", "fine-tune")].tolist() == pytest.approx([100, 10])
    assert found.loc[("cars", "fine-tune")].tolist() == pytest.approx([200, 40])
    assert found.loc[("pets", "from-scratch")].tolist() == pytest.approx([800, 80])
    assert found.loc[("cars", "from-scratch")].tolist() == pytest.approx([800, 160])


def test_the_maximum_over_both_is_a_setting(runs):
    found = odds_thresholds(runs, best_of_all=True).set_index(["data_set", "initialisation"])
    assert found.loc[("pets", "from-scratch"), "steps"] == 800, "9.1 of 10"
    assert found.loc[("cars", "from-scratch"), "steps"] == 800, "exactly 9 of 10"
    harder = pd.concat([runs, curve("cars", "other", [20, 20, 20, 20])])
    found = odds_thresholds(harder, best_of_all=True).set_index(["data_set", "initialisation"])
    assert math.isnan(found.loc[("cars", "from-scratch"), "steps"])


def test_geometric_means_quartiles_and_speed_up_are_the_hand_counts(runs):
    thresholds = odds_thresholds(runs)
    found = summarise_thresholds(thresholds)
    assert found.loc["fine-tune", "steps"] == pytest.approx(math.sqrt(100 * 200))
    assert found.loc["fine-tune", "epochs"] == pytest.approx(math.sqrt(10 * 40))
    assert found.loc["fine-tune", ["steps_low", "steps_high"]].tolist() == [125, 175]
    assert found["data_sets"].tolist() == found["reached"].tolist() == [2, 2]
    assert speed_up(thresholds, "fine-tune", "from-scratch") == pytest.approx(math.sqrt(8 * 4))
    ratio = found.loc["from-scratch", "steps"] / found.loc["fine-tune", "steps"]
    assert speed_up(thresholds, "fine-tune", "from-scratch") == pytest.approx(ratio)
    assert speed_up(thresholds, "fine-tune", "from-scratch", unit="epochs") == pytest.approx(
        math.sqrt(8 * 4)
    )


def test_what_is_not_reached_everywhere_has_no_mean(runs):
    thresholds = odds_thresholds(runs)
    slow = (thresholds["data_set"] == "cars") & (thresholds["initialisation"] == "from-scratch")
    thresholds.loc[slow, ["steps", "epochs"]] = math.nan
    found = summarise_thresholds(thresholds).loc["from-scratch"]
    assert (found["data_sets"], found["reached"]) == (2, 1)
    assert found.drop(["data_sets", "reached"]).isna().all()
    assert math.isnan(speed_up(thresholds, "fine-tune", "from-scratch"))
    only_fine_tuned = thresholds[~slow]
    assert speed_up(only_fine_tuned, "fine-tune", "from-scratch") == pytest.approx(8), "pets alone"


def test_unknown_names_are_answered_with_the_nearest(runs):
    thresholds = odds_thresholds(runs)
    with pytest.raises(UnknownNameError, match="did you mean 'fine-tune'"):
        speed_up(thresholds, "finetune", "from-scratch")
    with pytest.raises(UnknownNameError, match="did you mean 'steps'"):
        speed_up(thresholds, "fine-tune", "from-scratch", unit="step")
    with pytest.raises(UnknownNameError, match="'accuracy'"):
        odds_thresholds(runs.rename(columns={"accuracy": "score"}))


def test_no_run_has_no_threshold():
    empty = odds_thresholds(curve("a", "b", [1] * 4).head(0))
    assert list(empty.columns) == ["data_set", "initialisation", "steps", "epochs"]
    assert summarise_thresholds(empty).empty


def test_all_right_on_a_data_set_takes_its_n_test(runs):
    perfect = runs.assign(n_test=1000)
    perfect.loc[perfect["accuracy"] == perfect["accuracy"].max(), "accuracy"] = 1.0
    assert np.isfinite(odds_thresholds(perfect)["steps"]).all()
