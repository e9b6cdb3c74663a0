"""Choosing a cell: the whole grid or halving, over stand-ins that score by a formula."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penultimate.errors import DataError, SpecError
from penultimate.methods.cell import Cell
from penultimate.methods.halving import FACTOR, halve, rungs
from penultimate.methods.outcome import CellOutcome, Tried
from penultimate.methods.selection import count_runs, planned_runs, select
from penultimate.spec import FineTune

RATES = (1e-3, 1e-2, 1e-1)


def settings(**changes) -> FineTune:
    given = {"learning_rates": RATES, "weight_decays": (0.0, 1e-5), "search": "grid"}
    return FineTune(**(given | changes))


class Runs:
    """Scores by a formula of the cell, and remembers what was asked for."""

    def __init__(self, score, loss=lambda cell: 1.0, diverges=lambda cell, steps: False) -> None:
        self.score, self.loss, self.diverges = score, loss, diverges
        self.asked: list[tuple[Cell, int]] = []

    def __call__(self, cell: Cell, steps: int) -> CellOutcome:
        self.asked.append((cell, steps))
        if self.diverges(cell, steps):
            return CellOutcome("diverged", steps // 2, reason="the loss is NaN")
        score, loss = self.score(cell), self.loss(cell)
        return CellOutcome(
            "finished",
            steps,
            scores={"whole": score, "central": score - 0.01},
            losses={"whole": loss, "central": loss},
        )


def near(best: float):
    """A score that falls with the distance of the learning rate from the best one."""
    return lambda cell: 0.9 - 0.1 * abs(math.log10(cell.learning_rate / best))


def test_the_whole_grid_is_run_at_full_length_and_the_best_is_chosen():
    run = Runs(near(1e-2), loss=lambda cell: 1.0 - cell.weight_decay)
    found = select(settings(), run, steps=100)
    assert [steps for _, steps in run.asked] == [100] * 6
    assert len({cell for cell, _ in run.asked}) == 6
    assert found.cell == Cell(1e-2, 1e-5)  # the lower loss of two equal scores
    assert found.view == "whole"
    assert [t.cell for t in found.tried] == [cell for cell, _ in run.asked]


def test_of_equal_scores_and_losses_the_smaller_learning_rate():
    found = select(settings(), Runs(lambda cell: 0.5), steps=10)
    assert found.cell == Cell(1e-3, 0.0)


def test_the_view_is_chosen_with_the_cell_unless_it_is_set():
    def run(cell: Cell, steps: int) -> CellOutcome:
        central = 0.8 if cell.learning_rate == 1e-3 else 0.1
        return CellOutcome(
            "finished", steps, {"whole": 0.7, "central": central}, {"whole": 1.0, "central": 2.0}
        )

    both = select(settings(), run, steps=5)
    assert (both.cell.learning_rate, both.view, both.chosen.loss) == (1e-3, "central", 2.0)
    assert select(settings(evaluation="whole"), run, steps=5).view == "whole"
    assert select(settings(evaluation="central"), run, steps=5).view == "central"


def test_views_of_equal_score_are_told_apart_by_loss():
    def run(cell: Cell, steps: int) -> CellOutcome:
        return CellOutcome(
            "finished", steps, {"whole": 0.7, "central": 0.7}, {"whole": 1.0, "central": 0.9}
        )

    assert select(settings(), run, steps=5).view == "central"


def test_a_diverged_run_is_recorded_and_worse_than_any_other():
    run = Runs(lambda cell: -1.0, diverges=lambda cell, steps: cell.learning_rate > 1e-3)
    found = select(settings(), run, steps=50)
    assert found.cell == Cell(1e-3, 0.0)
    assert [t.outcome.diverged for t in found.tried] == [False] * 2 + [True] * 4
    assert {t.outcome.steps for t in found.tried[2:]} == {25}
    assert all(math.isnan(t.score) for t in found.tried[2:])


@pytest.mark.parametrize("search", ["grid", "halving"])
def test_a_grid_that_diverged_altogether_says_so(search):
    run = Runs(near(1), diverges=lambda cell, steps: True)
    with pytest.raises(SpecError, match=r"every cell .* 0.001 to 0.1 .*loss is NaN.*smaller") as e:
        select(settings(search=search), run, steps=300)
    assert "\n" not in str(e.value)


def test_an_undefined_score_is_worse_than_any_other_and_no_divergence():
    run = Runs(lambda cell: math.nan if cell.learning_rate > 1e-3 else 0.1)
    assert select(settings(), run, steps=10).cell.learning_rate == 1e-3
    undefined = Runs(lambda cell: math.nan, loss=lambda cell: cell.learning_rate)
    assert select(settings(), undefined, steps=10).cell == Cell(1e-3, 0.0)  # by loss


def test_what_a_training_raises_comes_through():
    def run(cell: Cell, steps: int) -> CellOutcome:
        raise DataError("gone")

    for search in ("grid", "halving"):
        with pytest.raises(DataError, match="gone"):
            select(settings(search=search), run, steps=100)


@given(n=st.integers(1, 200), steps=st.integers(1, 20_000))
def test_rungs_go_up_to_full_length(n, steps):
    found = rungs(n, steps)
    assert found[0].cells == n and found[-1].steps == steps
    for rung, following in pairwise(found):
        assert following.cells == math.ceil(rung.cells / FACTOR)
        assert rung.steps < following.steps <= FACTOR * rung.steps


@pytest.mark.parametrize("n", [1, 2, 3, 8, 9, 10, 27, 28, 56, 81, 243])
def test_halving_runs_the_rungs_that_were_planned_and_keeps_the_best(n):
    rng = np.random.default_rng(n)
    values = dict(zip(rng.permutation(n).tolist(), rng.random(n), strict=True))
    cells = [Cell(1.0 + i, 0.0) for i in range(n)]
    run = Runs(lambda cell: values[int(cell.learning_rate) - 1])

    def try_(cell: Cell, steps: int) -> Tried:
        return Tried.of(cell, steps, run(cell, steps), ("whole",))

    tried = halve(cells, 1_000, try_)
    planned = rungs(n, 1_000)
    done = [(steps, sum(t.asked == steps for t in tried)) for steps in {t.asked for t in tried}]
    assert sorted(done) == [(rung.steps, rung.cells) for rung in planned]
    order = sorted(cells, key=lambda cell: -run.score(cell))
    for rung in planned:
        assert {t.cell for t in tried if t.asked == rung.steps} == set(order[: rung.cells])


def test_halving_promotes_by_loss_among_equal_scores_and_never_a_diverged_run():
    grid = {"learning_rates": tuple(0.01 * (i + 1) for i in range(9)), "weight_decays": (0.0,)}
    run = Runs(
        lambda cell: 0.5,
        loss=lambda cell: abs(cell.learning_rate - 0.05),
        diverges=lambda cell, steps: cell.learning_rate > 0.065,
    )
    found = select(settings(search="halving", **grid), run, steps=900)
    assert found.cell.learning_rate == pytest.approx(0.05)
    second = {round(t.cell.learning_rate, 4) for t in found.tried if t.asked == 300}
    assert second == {0.04, 0.05, 0.06}
    assert [steps for _, steps in run.asked] == [100] * 9 + [300] * 3 + [900]


def test_where_the_longest_runs_diverge_the_next_best_cell_goes_on():
    run = Runs(near(1e-1), diverges=lambda cell, steps: steps == 900 and cell.learning_rate == 1e-1)
    grid = settings(search="halving", learning_rates=(1e-5, 1e-4, *RATES), weight_decays=(0.0, 1.0))
    found = select(grid, run, steps=900)
    assert found.cell.learning_rate == 1e-2
    assert found.chosen.asked == 900
    assert len(set(run.asked)) == len(run.asked)  # no cell twice with the same steps


def test_the_number_of_runs_is_known_before():
    for search in ("grid", "halving"):
        grid = settings(search=search, learning_rates=tuple(10.0**-i for i in range(7)))
        run = Runs(near(1e-3))
        select(grid, run, steps=900)
        assert len(run.asked) == count_runs(grid, steps=900)
    assert planned_runs(grid, steps=900) == ((100, 14), (300, 5), (900, 2))
