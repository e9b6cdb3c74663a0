"""The store: a commit is whole and the first, readers trust nothing that they need not."""

from __future__ import annotations

import json
import os
import shutil
import threading
from pathlib import Path

import pandas as pd
import pytest

from builders import FakeStudy, FakeTask
from penultimate.errors import NewerSchemaError, StoreError
from penultimate.store import SCHEMA_VERSION, Result, ResultStore, SkippedExample

COLUMNS = {
    *("run", "backbone", "task", "method", "measure", "score", "ci_low", "ci_high"),
    *("n_train", "n_val", "n_test", "imagenet_top1", "seed"),
}


@pytest.fixture
def store(tmp_path):
    return ResultStore(tmp_path / "store")


@pytest.fixture
def filled(store):
    """Two backbones on two tasks with two seeds."""
    study = FakeStudy(
        {"one": 1.0, "two@random": 0.0},
        {"digits": FakeTask(n_test=40), "birds": FakeTask(n_test=30, measure="mean-per-class")},
        seeds=(0, 1),
    )
    return study.commit(store)


@pytest.fixture
def result(filled):
    """One of the results."""
    return next(filled.results())


def result_file(store: ResultStore, result: Result) -> Path:
    return store.root / "runs" / result.digest / "result.json"


class TestOpening:
    def test_makes_a_new_store_and_opens_it_again(self, tmp_path):
        ResultStore(tmp_path / "a" / "store")
        marker = json.loads((tmp_path / "a" / "store" / "store.json").read_text())
        assert marker == {"schema_version": SCHEMA_VERSION}
        assert list(ResultStore(tmp_path / "a" / "store", create=False).results()) == []

    def test_to_read_makes_nothing(self, tmp_path):
        with pytest.raises(StoreError, match=r"there is no results store at .*penultimate run"):
            ResultStore(tmp_path / "none", create=False)
        assert list(tmp_path.iterdir()) == []

    def test_takes_an_empty_folder(self, tmp_path):
        assert ResultStore(tmp_path).digests() == []

    def test_refuses_a_folder_that_holds_something_else(self, tmp_path):
        (tmp_path / "photo.jpg").write_bytes(b"")
        with pytest.raises(StoreError, match=r"holds other files and no store.json"):
            ResultStore(tmp_path)

    def test_refuses_a_file(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(StoreError, match="is a file"):
            ResultStore(tmp_path / "file")

    def test_refuses_a_store_of_a_newer_schema(self, filled):
        marker = filled.root / "store.json"
        marker.write_text(json.dumps({"schema_version": SCHEMA_VERSION + 1}))
        with pytest.raises(NewerSchemaError, match="pip install --upgrade penultimate"):
            ResultStore(filled.root)
        assert len(list((filled.root / "runs").iterdir())) == 8

    @pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b'{"schema_version": "1"}'])
    def test_refuses_a_marker_that_is_none(self, filled, content):
        (filled.root / "store.json").write_bytes(content)
        with pytest.raises(StoreError, match=r"store\.json"):
            ResultStore(filled.root)

    def test_by_many_threads_at_once_works_for_all(self, tmp_path):
        stores = []
        start = threading.Barrier(8)

        def open_it() -> None:
            start.wait()
            stores.append(ResultStore(tmp_path / "store"))

        threads = [threading.Thread(target=open_it) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(stores) == 8


class TestCommitting:
    def test_is_found_by_the_run_that_was_planned(self, filled, result):
        assert filled.find(result.run) == result
        assert result.run.digest == result.digest

    def test_of_an_unfinished_run_finds_nothing(self, filled, result):
        other = result.run.model_copy(update={"seed": 99})
        filled.begin(other)
        assert filled.find(other) is None
        assert other.digest not in filled.digests()

    def test_reads_back_as_it_was(self, store, result):
        record = json.loads(result.model_dump_json())
        assert Result.model_validate(record) == result

    def test_keeps_the_first_result_and_gives_it_to_the_second_writer(self, filled, result):
        late = filled.begin(result.run)
        late.path("predictions.parquet").write_bytes(b"late")
        kept = filled.commit(late, result.model_copy(update={"score": 0.123}))
        assert kept == result
        assert filled.get(result.digest) == result
        assert not late.folder.exists()
        assert filled.artefact(result, "predictions").is_file()

    def test_by_many_threads_keeps_one_with_its_own_files(self, filled, result):
        run = result.run.model_copy(update={"seed": 99})
        start = threading.Barrier(6)
        answers = []

        def finish(number: int) -> None:
            attempt = filled.begin(run)
            attempt.path("predictions.parquet").write_text(str(number))
            mine = result.model_copy(
                update={
                    "digest": run.digest,
                    "run": run,
                    "durations": {"features": float(number)},
                    "artefacts": {
                        "predictions": filled.relative(attempt.path("predictions.parquet"))
                    },
                }
            )
            start.wait()
            answers.append(filled.commit(attempt, mine))

        threads = [threading.Thread(target=finish, args=(i,)) for i in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(answers) == 6
        assert all(answer == answers[0] for answer in answers)
        content = filled.artefact(answers[0], "predictions").read_text()
        assert float(content) == answers[0].durations["features"]

    def test_drops_what_crashed_attempts_left(self, store):
        FakeStudy({"one": 1.0}).commit(store)
        (result,) = store.results()
        shutil.rmtree(store.root / "runs")
        crashed = store.begin(result.run)
        crashed.path("half.parquet").write_bytes(b"PAR1")
        FakeStudy({"one": 1.0}).commit(store)
        attempts = store.root / "runs" / result.digest / "attempts"
        assert not crashed.folder.exists()
        assert len(list(attempts.iterdir())) == 1

    def test_writes_undefined_as_null_and_reads_it_as_none(self, filled, result):
        run = result.run.model_copy(update={"seed": 99})
        undefined = result.model_copy(update={"digest": run.digest, "run": run})
        record = undefined.model_dump() | {"score": float("nan"), "images_per_second": float("inf")}
        record["interval"] = record["interval"] | {"low": float("nan"), "high": float("nan")}
        kept = filled.commit(filled.begin(run), Result.model_validate(record))
        raw = json.loads(result_file(filled, kept).read_text())
        assert raw["score"] is None
        assert raw["interval"]["low"] is None
        assert kept.score is None
        row = filled.frame().set_index("run").loc[run.digest]
        assert row[["score", "ci_low", "ci_high", "images_per_second"]].isna().all()

    def test_keeps_names_that_are_not_utf8(self, filled, result):
        """File names are bytes; Python reads those that are no UTF-8 as lone surrogates."""
        name = os.fsdecode(b"caf\xe9/\xff.png")
        run = result.run.model_copy(update={"seed": 99})
        odd = result.model_copy(
            update={
                "digest": run.digest,
                "run": run,
                "skipped": (SkippedExample(id=name, reason="empty"),),
                "notices": (f"{name} is odd",),
                "spec": result.spec.model_copy(
                    update={"task": result.spec.task.model_copy(update={"source": f"csv:{name}"})}
                ),
            }
        )
        kept = filled.commit(filled.begin(run), odd)
        assert kept == odd
        assert os.fsencode(kept.skipped[0].id) == b"caf\xe9/\xff.png"
        result_file(filled, kept).read_text(encoding="utf-8")
        assert run.digest in set(filled.frame()["run"])


class TestReading:
    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"{",
            b"\xff\xfe",
            b"null",
            b"[]",
            b"{}",
            b'{"schema_version": 1}',
            b'{"schema_version": 1, "digest": 3}',
            b"[" * 100_000,
        ],
        ids=lambda content: repr(content[:20]),
    )
    def test_a_damaged_result_is_one_sentence_that_names_it(self, filled, result, content):
        path = result_file(filled, result)
        path.write_bytes(content)
        with pytest.raises(StoreError) as caught:
            filled.get(result.digest)
        assert str(path) in str(caught.value)
        assert len(str(caught.value).splitlines()) == 1

    def test_a_result_of_a_newer_schema_asks_for_an_upgrade(self, filled, result):
        path = result_file(filled, result)
        record = json.loads(path.read_text()) | {"schema_version": SCHEMA_VERSION + 1}
        path.write_text(json.dumps(record))
        with pytest.raises(NewerSchemaError, match="upgrade"):
            filled.get(result.digest)

    def test_a_result_under_another_runs_name_is_refused(self, filled, result):
        copy = filled.root / "runs" / ("0" * 64)
        shutil.copytree(filled.root / "runs" / result.digest, copy)
        with pytest.raises(StoreError, match="copied by hand"):
            filled.get("0" * 64)

    def test_other_files_among_the_runs_are_no_runs(self, filled):
        (filled.root / "runs" / ".DS_Store").write_bytes(b"")
        (filled.root / "runs" / "empty").mkdir()
        assert len(filled.digests()) == len(filled.frame()) == 8

    @pytest.mark.parametrize(
        "path", ["../outside", "/etc/passwd", "runs/../../outside", "link", "circle", "a\0b"]
    )
    def test_an_artefact_cannot_lie_outside_the_store(self, filled, result, path):
        (filled.root.parent / "outside").write_text("secret")
        (filled.root / "link").symlink_to(filled.root.parent / "outside")
        (filled.root / "circle").symlink_to(filled.root / "circle")
        odd = result.model_copy(update={"artefacts": {"probe": path}})
        with pytest.raises(StoreError, match=r"outside the store|is missing"):
            filled.artefact(odd, "probe")

    def test_an_artefact_that_the_run_has_not_is_told_with_those_it_has(self, filled, result):
        with pytest.raises(StoreError, match="has no probe: it has predictions, split"):
            filled.artefact(result, "probe")

    def test_missing_or_damaged_predictions_are_one_sentence(self, filled, result):
        path = filled.artefact(result, "predictions")
        path.write_bytes(b"PAR1 and nothing else")
        with pytest.raises(StoreError, match=r"is damaged .*run again") as caught:
            filled.predictions(result)
        assert len(str(caught.value).splitlines()) == 1
        path.unlink()
        with pytest.raises(StoreError, match="is missing"):
            filled.predictions(result)

    def test_predictions_have_a_row_for_each_test_example(self, filled, result):
        frame = filled.predictions(result)
        assert list(frame.columns) == [
            *("example_id", "label", "predicted", "p_predicted", "p_label")
        ]
        assert len(frame) == result.n_test

    def test_finds_a_run_by_the_beginning_of_its_digest(self, filled, result):
        assert filled.match(result.digest) == result
        assert filled.match(result.digest[:12]) == result

    def test_finds_a_run_by_its_backbone_where_it_is_the_only_one(self, store):
        FakeStudy({"one": 1.0, "two": 0.5}).commit(store)
        assert store.match("two").spec.backbone.name == "two"

    def test_names_the_runs_where_a_name_stands_for_many(self, filled):
        with pytest.raises(StoreError, match=r"4 runs in .* are called 'one'.*birds.*digits"):
            filled.match("one")

    def test_of_an_unknown_name_says_where_names_are_listed(self, filled):
        with pytest.raises(StoreError, match=r"called 'three'.*penultimate results"):
            filled.match("three")


class TestFrame:
    def test_has_a_row_a_run_and_the_columns_promised(self, filled):
        frame = filled.frame()
        assert set(frame.columns) >= COLUMNS
        assert len(frame) == 8
        assert set(frame["backbone"]) == {"one", "two@random"}
        assert set(frame["task"]) == {"digits", "birds"}
        assert set(frame["measure"]) == {"top-1", "mean-per-class"}
        assert frame["imagenet_top1"].isna().all()

    def test_agrees_with_the_results(self, filled):
        rows = {row["run"]: row for row in filled.frame().to_dict("records")}
        for result in filled.results():
            row = rows[result.digest]
            assert row["score"] == result.score
            assert (row["ci_low"], row["ci_high"]) == (result.interval.low, result.interval.high)
            assert (row["n_train"], row["n_val"], row["n_test"], row["seed"]) == (
                *(result.n_train, result.n_val, result.n_test),
                result.spec.seed,
            )

    def test_has_the_best_first_within_a_task_and_seed(self, filled):
        frame = filled.frame()
        for _, rows in frame.groupby(["task", "method", "seed"]):
            assert rows["score"].is_monotonic_decreasing
        assert frame["task"].is_monotonic_increasing

    def test_of_an_empty_store_has_every_column_with_its_type(self, store, filled):
        empty = ResultStore(store.root.parent / "empty").frame()
        assert len(empty) == 0
        pd.testing.assert_series_equal(empty.dtypes, filled.frame().dtypes)

    def test_is_the_same_in_any_order_of_commits(self, tmp_path):
        def frame_of(backbones: dict[str, float], name: str) -> pd.DataFrame:
            return FakeStudy(backbones).commit(ResultStore(tmp_path / name)).frame()

        one = frame_of({"a": 1.0, "b": 1.0, "c": 0.5}, "one")
        other = frame_of({"c": 0.5, "b": 1.0, "a": 1.0}, "other")
        pd.testing.assert_frame_equal(one, other)
