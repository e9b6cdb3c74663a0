"""The paper's grid, 16 networks x 12 data sets x 3 settings, built with known structure.

Each setting's mean log odds are made to have an exact r with ImageNet's. What single data sets add
sums to nothing over data sets, so that it moves no mean. All that the statistics then say is known
beforehand, or is computed here longhand.
"""

import math

import numpy as np
import pandas as pd
import pytest

from penultimate.stats import (
    accuracy_grid,
    adjusted_log_odds,
    compare_settings,
    compare_with_best,
    correlation,
    count_pairs,
    regression_band,
)

NETWORKS = [f"network {i:02}" for i in range(16)]
LARGE = ["food101", "cifar10", "cifar100", "birdsnap", "sun397"]
SMALL = ["cars", "aircraft", "voc2007", "dtd", "pets", "caltech101", "flowers102"]
SETS = LARGE + SMALL
DIFFICULTY = np.linspace(2.5, -0.5, 12)  # log odds of the mean network
SETTINGS = ("linear-probe", "fine-tune", "from-scratch")

R = {"linear-probe": 0.99, "fine-tune": 0.96}
R_SMALL, R_LARGE = 0.29, 0.86  # from scratch
CRITICAL = 2.20099  # t of 11 degrees of freedom at p = 0.05, from a table
LOST_TO_PROBE = [(m, "caltech101") for m in range(0, 16, 2)] + list(
    zip([1, 3, 5, 7, 9], ["dtd", "pets", "sun397", "voc2007", "cifar10"], strict=True)
)
LOST_TO_SCRATCH = [(2, "cars"), (4, "cars"), (6, "aircraft")]

IMAGENET = pd.Series(np.linspace(0.716, 0.808, 16), index=NETWORKS)


def log_odds(p):
    return np.log(p / (1 - p))


def with_correlation(r, seed):
    """(16,) mean 0, variance 1, with Pearson's r exactly ``r`` with ImageNet's log odds."""
    x = log_odds(IMAGENET.to_numpy())
    x = (x - x.mean()) / x.std()
    other = np.random.default_rng(seed).normal(size=16)
    other -= other.mean() + (other * x).mean() * x
    return r * x + math.sqrt(1 - r**2) * other / other.std()


def zero_sum(rows, size):
    """(16, 12) a pattern that sums to nothing over data sets, times ``rows``."""
    return np.outer(rows, np.tile([1.0, -1.0], 6)) * size


def probe():
    """Log odds of the probe, and which networks are level with its best.

    A network's difference from the best is ``gap`` on average and ``+-e`` beside it, alternating
    over data sets: t is known, and chosen on one side of the critical value or on the other.
    """
    mean = 0.4 * with_correlation(R["linear-probe"], seed=1)
    gap = mean.max() - mean
    level = set(np.argsort(gap)[:4].tolist()) | {
        5
    }  # the best, three next to it, and a wavering one
    t = np.array([CRITICAL * (0.97 if m in level else 1.03) for m in range(16)])
    noise = np.where(gap > 0, gap / (t * math.sqrt(12 / 11) / math.sqrt(12)), 0)
    return mean[:, None] + DIFFICULTY + zero_sum(noise, 1), {NETWORKS[m] for m in level}


def lower(cells, where, below):
    """``cells`` with those at ``where`` just under ``below``, each network's mean kept."""
    cells = cells.copy()
    for m, name in where:
        d = SETS.index(name)
        moved = cells[m, d] - (below[m, d] - 0.05)
        cells[m] += moved / 11
        cells[m, d] -= moved * 12 / 11
    return cells


@pytest.fixture(scope="module")
def truth():
    """Log odds by setting, (16, 12) each."""
    first, _ = probe()
    rng = np.random.default_rng(2)
    uneven = rng.normal(0, 0.1, (16, 12))
    uneven -= uneven.mean(axis=1, keepdims=True)
    tuned = 0.3 * with_correlation(R["fine-tune"], seed=3)[:, None] + DIFFICULTY + 3 + uneven
    small = 0.4 * with_correlation(R_SMALL, seed=4)[:, None]
    large = 0.4 * with_correlation(R_LARGE, seed=5)[:, None]
    scratch = np.concatenate([np.tile(large, 5), np.tile(small, 7)], axis=1) + DIFFICULTY - 3
    tuned = lower(tuned, LOST_TO_PROBE, first)
    for m, name in LOST_TO_SCRATCH:  # from scratch gains there, and loses it on like data sets
        d = SETS.index(name)
        group = [SETS.index(other) for other in SMALL if other != name]
        gained = tuned[m, d] + 0.05 - scratch[m, d]
        scratch[m, d] += gained
        scratch[m, group] -= gained / len(group)
    return dict(zip(SETTINGS, (first, tuned, scratch), strict=True))


@pytest.fixture(scope="module")
def grids(truth):
    """The three grids, from rows in no order, as a store would hand them out."""
    rows = [
        (setting, SETS[d], NETWORKS[m], 1 / (1 + math.exp(-x)))
        for setting, cells in truth.items()
        for (m, d), x in np.ndenumerate(cells)
    ]
    frame = pd.DataFrame(rows, columns=["method", "task", "backbone", "score"])
    frame = frame.sample(frac=1, random_state=0)
    assert len(frame) == 16 * 12 * 3
    return {name: accuracy_grid(group) for name, group in frame.groupby("method")}


@pytest.mark.parametrize(("setting", "r"), R.items())
def test_r_is_what_was_put_in(grids, setting, r):
    row = correlation(IMAGENET, grids[setting], resamples=1000).loc["all"]
    assert row["r"] == pytest.approx(r, abs=1e-9)
    assert row["r_low"] < r < row["r_high"]
    assert row["r_p"] < 1e-6


def test_within_groups_r_is_what_was_put_in_and_over_all_it_follows(grids, truth):
    found = correlation(
        IMAGENET, grids["from-scratch"], {"small": SMALL, "large": LARGE}, resamples=1000
    )
    assert found["r"].tolist()[1:] == pytest.approx([R_SMALL, R_LARGE], abs=1e-9)
    assert found["data_sets"].tolist() == [12, 7, 5]
    x, y = log_odds(IMAGENET.to_numpy()), truth["from-scratch"].sum(axis=1)
    x, y = x - x.mean(), y - y.mean()
    assert found.loc["all", "r"] == pytest.approx((x @ y) / math.sqrt((x @ x) * (y @ y)))
    assert found.loc["small", "r_p"] > 0.05 > found.loc["large", "r_p"]


@pytest.mark.parametrize("setting", SETTINGS)
def test_rho_is_the_longhand_one(grids, truth, setting):
    """Networks stand in the order of ImageNet: 1 - 6 sum d^2 / (M (M^2 - 1))."""
    mean = truth[setting].sum(axis=1)
    places = [sum(other < own for other in mean) for own in mean]
    d2 = sum((place - m) ** 2 for m, place in enumerate(places))
    row = correlation(IMAGENET, grids[setting], resamples=100).loc["all"]
    assert row["rho"] == pytest.approx(1 - 6 * d2 / (16 * 255))


@pytest.mark.parametrize("setting", SETTINGS)
def test_adjusted_means_and_standard_errors_are_the_longhand_ones(grids, truth, setting):
    found = adjusted_log_odds(grids[setting])
    x = truth[setting]
    for m, name in enumerate(NETWORKS):
        adjusted = [x[m, d] - sum(x[n, d] for n in range(16)) / 16 for d in range(12)]
        mean = sum(adjusted) / 12
        variance = sum((a - mean) ** 2 for a in adjusted) / 11
        error = math.sqrt(variance) / math.sqrt(12) * math.sqrt(16 / 15)
        assert found.loc[name].tolist() == pytest.approx([mean, error], abs=1e-9)


def test_adjusted_means_are_what_was_put_in(grids):
    found = adjusted_log_odds(grids["linear-probe"])["mean"].reindex(NETWORKS)
    assert found.tolist() == pytest.approx(0.4 * with_correlation(0.99, seed=1), abs=1e-9)


def test_the_networks_level_with_the_best_are_those_that_were_made_so(grids):
    _, level = probe()
    found = compare_with_best(grids["linear-probe"])
    assert set(found.index[found["tied_with_best"]]) == level
    assert "network 05" in level, "far behind on average, but unsteadily so"
    order = adjusted_log_odds(grids["linear-probe"])["mean"].sort_values(ascending=False)
    assert list(found.index) == list(order.index)
    corrected = compare_with_best(grids["linear-probe"], correction="holm")
    assert corrected["tied_with_best"].all(), "each is only just past the line of one test"


def test_in_how_many_of_the_192_pairs(grids):
    probed = count_pairs(grids["fine-tune"], grids["linear-probe"])
    assert (probed.above, probed.pairs) == (179, 192)
    assert str(probed) == "above in 179 of 192 pairs"
    scratch = count_pairs(grids["fine-tune"], grids["from-scratch"])
    assert (scratch.above, scratch.below, scratch.pairs) == (189, 3, 192)


def test_fine_tuning_is_better_on_every_data_set_but_one(grids):
    found = compare_settings(grids["fine-tune"], grids["linear-probe"])
    by_chance = list(found.index[found["p_value"] >= 0.01])
    assert by_chance == ["caltech101"]
    assert found.loc["caltech101", ["above", "below"]].tolist() == [8, 8]
    assert (found["mean_difference"].drop("caltech101") > 0).all()


def test_the_line_goes_through_what_was_put_in(grids, truth):
    band = regression_band(IMAGENET, grids["fine-tune"], at=IMAGENET, resamples=500)
    x = log_odds(IMAGENET.to_numpy())
    slope = 0.96 * 0.3 / x.std()
    middle = (DIFFICULTY + 3).mean()
    assert band["line"].tolist() == pytest.approx(middle + slope * (x - x.mean()), abs=1e-9)
    assert ((band["low"] < band["line"]) & (band["line"] < band["high"])).all()
