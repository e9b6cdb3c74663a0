"""Outcomes of tests between pairs of runs: kept, used again, not trusted beyond their runs."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from builders import FakeStudy, FakeTask
from penultimate.report.findings import Findings
from penultimate.stats import rank
from penultimate.stats.ranking import TESTS_VERSION
from penultimate.store import PairTests, ResultStore

TASKS = {"digits": FakeTask(n_test=80), "pets": FakeTask(n_test=80, measure="mean-per-class")}
STUDY = FakeStudy(
    {"one": 1.0, "two": 0.5, "three": 0.2}, TASKS, methods=("linear-probe", "fine-tune")
)


class Counting(ResultStore):
    """A store that notes whose predictions are read."""

    def __init__(self, root):
        super().__init__(root)
        self.read = []

    def predictions(self, result):
        self.read.append(result.digest)
        return super().predictions(result)


@pytest.fixture
def store(tmp_path):
    return STUDY.commit(ResultStore(tmp_path / "store"))


def outcomes(store):
    with PairTests(store, TESTS_VERSION) as tests:
        return dict(tests)


def test_a_second_report_reads_no_predictions_and_says_the_same(store):
    first, second = Counting(store.root), Counting(store.root)
    found, again = Findings.read(first), Findings.read(second)
    assert len(first.read) == 12
    assert len(set(first.read)) == 12, "each is read once"
    assert second.read == []
    pd.testing.assert_frame_equal(found.ranking, again.ranking)
    pd.testing.assert_frame_equal(found.settings, again.settings)
    # Two others against the best in 4 groups, and one method against another in 6.
    assert len(outcomes(store)) == 14


def test_they_are_what_the_tests_give(store):
    Findings.read(store)
    frame = store.frame()
    plain = rank(frame, lambda digest: store.predictions(store.get(digest)))
    pd.testing.assert_frame_equal(Findings.read(store).ranking, plain)


def test_a_run_that_joins_is_tested_and_the_others_are_not_again(store):
    Findings.read(store)
    FakeStudy({"four": 0.4}, {"digits": TASKS["digits"]}).commit(store)
    counting = Counting(store.root)
    Findings.read(counting)
    assert len(counting.read) == 2, "the new one and the best"


def test_outcomes_of_a_run_made_again_are_forgotten(store):
    Findings.read(store)
    old = store.frame().iloc[0]["run"]
    path = store.root / "runs" / old / "result.json"
    record = json.loads(path.read_text())
    path.unlink()
    path.write_text(json.dumps(record))
    kept = outcomes(store)
    assert kept
    assert not [pair for pair in kept if old in pair]


def test_outcomes_of_an_older_test_are_forgotten(store):
    Findings.read(store)
    with PairTests(store, TESTS_VERSION + 1) as newer:
        assert len(newer) == 0


@pytest.mark.parametrize("damage", [b"", b"PAR1 no table", None])
def test_a_damaged_or_missing_file_is_made_again(store, damage):
    Findings.read(store)
    before = outcomes(store)
    path = store.root / "pair-tests.parquet"
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage)
    Findings.read(store)
    assert outcomes(store) == before


def test_nothing_is_kept_of_pairs_that_could_not_be_tested(store):
    gone = store.match(store.frame().iloc[1]["run"])
    path = store.artefact(gone, "predictions")
    content = path.read_bytes()
    path.unlink()
    Findings.read(store)
    assert not [pair for pair in outcomes(store) if gone.digest in pair]
    path.write_bytes(content)
    Findings.read(store)
    assert [pair for pair in outcomes(store) if gone.digest in pair]
