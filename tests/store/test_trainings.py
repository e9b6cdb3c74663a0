"""Trainings in the store: found by what they are, committed once, tidied, never half-trusted."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pandas as pd
import pytest

from penultimate.errors import StoreError
from penultimate.lease import Waiter
from penultimate.spec import Augmentation, Preprocessing, Recipe
from penultimate.store import Provenance, ResultStore, Training, TrainingRecord

RECIPE = {"steps": 20, "batch_size": 8, "learning_rate": 0.1}
PREPROCESSING = Preprocessing(
    size=32, mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2), interpolation="bicubic"
)
CURVE = pd.DataFrame({"step": [1, 2], "loss": [2.3, 2.1]})


def training(**changes) -> Training:
    fields = {
        "data": "d" * 64,
        "parts": ("train",),
        "measure": "top-1",
        "weights": "a" * 64,
        "preprocessing": PREPROCESSING,
        "recipe": Recipe(**RECIPE),
        "seed": 0,
        "version": 1,
    }
    return Training(**(fields | changes))


def record(of: Training, **changes) -> TrainingRecord:
    fields = {
        "digest": of.digest,
        "training": of,
        "status": "finished",
        "steps": of.recipe.steps,
        "scores": {"whole": 0.5, "central": 0.4},
        "losses": {"whole": 1.5, "central": 1.6},
        "final_loss": 1.2,
        "seconds": 3.0,
        "images_per_second": 50.0,
        "provenance": Provenance(
            created="2026-05-04T12:00:00+00:00",
            python="3.11.7",
            packages={},
            platform="Linux",
            processor="a processor",
            threads=1,
            device="cpu",
            engine={},
        ),
    }
    return TrainingRecord(**(fields | changes))


@pytest.fixture
def store(tmp_path):
    return ResultStore(tmp_path / "store")


def committed(store: ResultStore, of: Training) -> Path:
    store.trainings.begin(of)
    store.trainings.commit(record(of), CURVE)
    return store.trainings.folder(of) / "record.json"


CHANGES = [
    {"data": "e" * 64},
    {"parts": ("train", "val")},
    {"measure": "mean-per-class"},
    {"weights": "b" * 64},
    {"preprocessing": PREPROCESSING.model_copy(update={"size": 33})},
    {"head": "random"},
    {"regularisation": "off"},
    {"recipe": Recipe(**(RECIPE | {"learning_rate": 0.2}))},
    {"recipe": Recipe(**(RECIPE | {"micro_batch": 4}))},
    {"recipe": Recipe(**RECIPE, augmentation=Augmentation(flip=False))},
    {"seed": 1},
    {"version": 2},
]


def test_whatever_can_change_the_weights_makes_another_training():
    assert {name for changes in CHANGES for name in changes} == set(Training.model_fields)
    digests = {training(**changes).digest for changes in [{}, *CHANGES]}
    assert len(digests) == len(CHANGES) + 1


def test_what_was_committed_is_found_as_it_was(store):
    one, other = training(), training(seed=1)
    assert store.trainings.find(one) is None
    path = committed(store, one)
    assert store.trainings.find(one) == record(one)
    assert store.trainings.find(other) is None
    pd.testing.assert_frame_equal(store.trainings.curve(one.digest), CURVE)
    assert store.trainings.records() == {one.digest: record(one)}
    assert path.parent == store.root / "trainings" / one.digest


def test_numbers_that_are_none_come_back_as_undefined(store):
    diverged = training()
    store.trainings.begin(diverged)
    left = record(diverged, status="diverged", scores={"whole": float("nan")}, final_loss=1e400)
    store.trainings.commit(left, CURVE)
    found = store.trainings.find(diverged)
    assert found is not None
    assert (found.status, found.scores, found.final_loss) == ("diverged", {"whole": None}, None)


def test_one_that_was_begun_is_not_finished_and_keeps_its_checkpoint(store):
    store.trainings.begin(training())
    store.trainings.checkpoint(training()).write_bytes(b"state")
    store.trainings.begin(training())
    assert store.trainings.find(training()) is None
    assert store.trainings.records() == {}
    assert store.trainings.checkpoint(training()).read_bytes() == b"state"


def test_the_first_record_counts(store):
    committed(store, training())
    again = store.trainings.commit(record(training(), seconds=99.0), CURVE.head(1))
    assert again.seconds == 3.0
    assert len(store.trainings.curve(training().digest)) == 2


def test_a_finished_one_keeps_neither_checkpoint_nor_what_a_crash_left(store):
    folder = store.trainings.begin(training())
    store.trainings.checkpoint(training()).write_bytes(b"state")
    (folder / ".curve.parquet.0123").write_bytes(b"half")
    store.trainings.network(training()).write_bytes(b"weights")
    store.trainings.commit(record(training()), CURVE)
    left = {path.name for path in folder.iterdir()}
    assert left == {"record.json", "curve.parquet", "network.safetensors"}


def test_tidying_takes_a_dead_holder_s_lease_away_and_leaves_a_living_one(store):
    committed(store, training())
    place = store.root / "leases" / f"{training().digest}.json"
    with store.trainings.lease(training()).acquire():
        dead = json.loads(place.read_text()) | {"started": 0.0, "token": "of another"}
    place.write_text(json.dumps(dead))
    store.trainings.tidy(record(training()))
    assert not place.exists()
    with store.trainings.lease(training()).acquire():
        store.trainings.tidy(record(training()))
        assert place.exists()
        assert Waiter(place).try_acquire() is None


def wrong(path: Path, content: str) -> None:
    path.write_text(content)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda path: wrong(path, "{"), "is not JSON"),
        (lambda path: wrong(path, "[" * 100_000), "is not JSON"),
        (lambda path: wrong(path, "{}"), r"is not the record of a training \(digest: "),
        (lambda path: path.write_bytes(b"\xff\xfe"), "is not JSON"),
        (
            lambda path: wrong(path, record(training(seed=1)).model_dump_json()),
            f"is of training {training(seed=1).digest[:12]}",
        ),
    ],
    ids=["cut", "deep", "empty", "bytes", "another's"],
)
def test_a_damaged_record_is_named_with_the_remedy(store, spoil, sentence):
    path = committed(store, training())
    spoil(path)
    with pytest.raises(StoreError, match=sentence) as caught:
        store.trainings.find(training())
    assert str(path) in str(caught.value)
    assert "delete its folder and run again" in str(caught.value)


def test_a_damaged_curve_is_named_with_the_remedy(store):
    path = committed(store, training()).with_name("curve.parquet")
    path.write_bytes(b"PAR1")
    with pytest.raises(StoreError, match=r"curve.parquet cannot be read .*run again"):
        store.trainings.curve(training().digest)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_place_that_cannot_be_written_is_named(store):
    (store.root / "trainings").mkdir()
    (store.root / "trainings").chmod(0o500)
    with pytest.raises(StoreError, match="cannot be written"):
        store.trainings.begin(training())
