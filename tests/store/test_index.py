"""The index of a store: derived, disposable, and what makes thousands of runs quick to read."""

from __future__ import annotations

import json
import shutil

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builders import FakeStudy, FakeTask
from penultimate.store import Result, ResultStore

STUDY = FakeStudy({"one": 1.0, "two": 0.5, "three": 0.2}, {"digits": FakeTask(n_test=20)})


class Counting(ResultStore):
    """A store that counts the results it reads from their own files."""

    reads = 0

    def get(self, digest: str) -> Result | None:
        self.reads += 1
        return super().get(digest)


@pytest.fixture
def store(tmp_path):
    """A store of three runs that has been read once."""
    store = STUDY.commit(ResultStore(tmp_path / "store"))
    store.frame()
    return Counting(store.root)


def test_spares_reading_any_result_again(store):
    assert len(store.frame()) == 3
    assert store.reads == 0


def test_of_a_store_that_grew_has_only_the_new_run_read(store):
    FakeStudy({"four": 0.9}, STUDY.tasks).commit(ResultStore(store.root))
    assert set(store.frame()["backbone"]) == {"one", "two", "three", "four"}
    assert store.reads == 1
    store.frame()
    assert store.reads == 1


def test_forgets_a_run_whose_folder_is_gone(store):
    gone = store.match("two")
    shutil.rmtree(store.root / "runs" / gone.digest)
    assert set(store.frame()["backbone"]) == {"one", "three"}


def test_reads_a_run_anew_that_was_deleted_and_made_again(store):
    """As the remedy for a damaged run has it: delete its folder and run again."""
    old = store.match("two")
    path = store.root / "runs" / old.digest / "result.json"
    record = json.loads(path.read_text()) | {"images_per_second": 12345.0}
    path.unlink()
    path.write_text(json.dumps(record))
    row = store.frame().set_index("run").loc[old.digest]
    assert row["images_per_second"] == 12345.0


def same_as_without_index(store: ResultStore) -> None:
    found = store.frame()
    (store.root / "index.parquet").unlink()
    pd.testing.assert_frame_equal(found, store.frame())


def test_can_be_deleted(store):
    same_as_without_index(store)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" * 100, b"{}"])
def test_that_is_damaged_is_made_again(store, content):
    (store.root / "index.parquet").write_bytes(content)
    same_as_without_index(store)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_with_any_byte_changed_never_changes_an_answer(store, data):
    path = store.root / "index.parquet"
    store.frame()
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    same_as_without_index(store)


def test_of_an_older_version_is_made_again(store):
    path = store.root / "index.parquet"
    pd.read_parquet(path).drop(columns=["n_classes"]).to_parquet(path, index=False)
    same_as_without_index(store)
    assert "n_classes" in store.frame()


def test_of_a_newer_version_gives_the_columns_of_this_one(store):
    path = store.root / "index.parquet"
    pd.read_parquet(path).assign(colour="red").to_parquet(path, index=False)
    assert "colour" not in store.frame()
    assert store.reads == 0


def test_that_is_a_folder_does_no_harm(store):
    (store.root / "index.parquet").unlink()
    (store.root / "index.parquet").mkdir()
    assert len(store.frame()) == 3


def test_of_a_copied_store_holds_again_after_one_reading(store, tmp_path):
    shutil.copytree(store.root, tmp_path / "copy", copy_function=shutil.copyfile)
    copy = Counting(tmp_path / "copy")
    pd.testing.assert_frame_equal(copy.frame(), store.frame())
    reads = copy.reads
    copy.frame()
    assert copy.reads == reads
