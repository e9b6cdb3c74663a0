"""ImageNet accuracy beside the results: joined by weights, in the order of what is explicit."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from builders import FakeStudy
from penultimate.errors import SpecError, StoreError
from penultimate.io import digest_bytes
from penultimate.store import (
    Accuracy,
    CheckpointName,
    ImageNetTable,
    Result,
    ResultStore,
)
from penultimate.store import imagenet_table as table_module
from penultimate.store.imagenet import ORDER, choose

TABLE = """\
model,img_size,top1,top1_err,top5,top5_err
one.in1k,288,80.5,19.5,95.0,5.0
one.in1k,224,79.25,20.75,94.5,5.5
two.in1k,224,70.0,30.0,90.0,10.0
"""


def weights_of(backbone: str) -> str:
    """The digest that the fake study gives a backbone."""
    return digest_bytes(backbone.encode())


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    return FakeStudy({"one": 1.0, "two": 0.5}, seeds=(0, 1)).commit(ResultStore(tmp_path / "store"))


def by_backbone(frame: pd.DataFrame) -> dict[str, tuple[float, str]]:
    return {
        row.backbone: (row.imagenet_top1, row.imagenet_top1_source) for row in frame.itertuples()
    }


class TestJoining:
    def test_shows_a_number_and_its_source_in_every_run_of_the_network(self, store) -> None:
        store.imagenet.write(weights_of("one"), "table", Accuracy(top1=0.75, source="a table"))
        frame = store.frame()
        assert by_backbone(frame)["one"] == (0.75, "a table")
        of_two = frame[frame["backbone"] == "two"]
        assert len(of_two) == 2
        assert of_two[["imagenet_top1", "imagenet_top1_source"]].isna().all(axis=None)

    def test_shows_what_has_changed_since_the_index_was_made(self, store) -> None:
        store.frame()
        store.imagenet.write(weights_of("one"), "table", Accuracy(top1=0.75, source="a table"))
        assert by_backbone(store.frame())["one"] == (0.75, "a table")
        store.imagenet.write(weights_of("one"), "table", Accuracy(top1=0.76, source="another"))
        assert by_backbone(store.frame())["one"] == (0.76, "another")

    def test_has_the_same_types_with_numbers_without_and_of_no_run(self, store, tmp_path) -> None:
        without = store.frame().dtypes
        store.imagenet.write(weights_of("one"), "table", Accuracy(top1=0.75, source="a table"))
        pd.testing.assert_series_equal(store.frame().dtypes, without)
        empty = ResultStore(tmp_path / "empty").frame()
        pd.testing.assert_series_equal(empty.dtypes, without)

    def test_undefined_is_null_in_json(self, store) -> None:
        row = json.loads(store.frame().to_json(orient="records"))[0]
        assert row["imagenet_top1"] is None
        assert row["imagenet_top1_source"] is None

    def test_a_number_in_a_result_itself_counts_as_the_study_s(self, store) -> None:
        """As results have it that were made before accuracies had a place of their own."""
        (result, *_) = [r for r in store.results() if r.spec.backbone.name == "one"]
        path = store.root / "runs" / result.digest / "result.json"
        record = json.loads(path.read_text())
        record["spec"]["backbone"]["imagenet_top1"] = 0.7
        path.unlink()
        path.write_text(json.dumps(record))
        store.imagenet.write(weights_of("one"), "table", Accuracy(top1=0.75, source="a table"))
        row = store.frame().set_index("run").loc[result.digest]
        assert (row["imagenet_top1"], row["imagenet_top1_source"]) == (0.7, "study file")
        # A study that was run later has the last word.
        store.imagenet.write(weights_of("one"), "study", Accuracy(top1=0.72, source="study file"))
        assert store.frame().set_index("run").loc[result.digest, "imagenet_top1"] == 0.72


class TestChoosing:
    def test_the_most_explicit_counts(self) -> None:
        known = {
            kind: Accuracy(top1=0.5, source=kind, images=50_000 if kind == "measured" else None)
            for kind in reversed(ORDER)
        }
        for kind in ("study", "measured", "table", "published"):
            best = choose(known)
            assert best is not None
            assert best.source == kind
            del known[kind]
        assert choose(known) is None

    def test_measured_on_a_part_of_the_images_counts_only_alone(self) -> None:
        part = Accuracy(top1=0.5, source="measured on 100 of 50,000 images", images=100)
        assert choose({"measured": part}) == part
        other = Accuracy(top1=0.6, source="published")
        assert choose({"measured": part, "published": other}) == other


class TestTheTable:
    def test_is_looked_up_for_the_checkpoint_at_its_training_size(self, store, tmp_path) -> None:
        (tmp_path / "table.csv").write_text(TABLE)
        one = CheckpointName(model="one.in1k", image_size=224)
        store.imagenet.write_name(weights_of("one"), one)
        store.imagenet.write_name(weights_of("two"), CheckpointName(model="two.in1k"))
        table = ImageNetTable.read(tmp_path / "table.csv")
        assert store.imagenet.add_table(table) == 1  # the table has sizes and 'two' has none
        digest = digest_bytes(TABLE.encode())[:12]
        source = f"results table table.csv (sha256 {digest}), one.in1k, 224 px"
        found = by_backbone(store.frame())
        assert found["one"] == (0.7925, source)
        assert all(pd.isna(value) for value in found["two"])

    def test_has_fractions_as_one_would_write_them(self) -> None:
        found = ImageNetTable.parse(b"model,top1\na,76.674\n", "t.csv").find("a", None)
        assert found is not None
        assert str(found.top1) == "0.76674"

    @pytest.mark.parametrize("name", ["one", "one.in22k", "ONE.in1k", "one.in1k "])
    def test_is_never_guessed_at(self, name: str) -> None:
        assert ImageNetTable.parse(TABLE.encode(), "t.csv").find(name, 224) is None

    def test_at_another_size_only_has_no_number(self) -> None:
        assert ImageNetTable.parse(TABLE.encode(), "t.csv").find("one.in1k", 160) is None

    def test_without_sizes_has_one_number_a_checkpoint(self) -> None:
        table = ImageNetTable.parse(b"\xef\xbb\xbfmodel,top1\none.in1k,79.25\n", "t.csv")
        found = table.find("one.in1k", 224)
        assert found is not None
        assert found.top1 == 0.7925
        assert found.source.endswith("one.in1k")

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("name,top1\na,70\n", "has no column model"),
            ("model,top5\na,70\n", "has no column top1"),
            ("", "has no column model"),
            ("model,top1\na,b\n", "line 2: img_size, top1 and top5 are numbers"),
            ("model,top1\na\n", "line 2: img_size, top1 and top5 are numbers"),
            ("model,top1\na,70\nb,170\n", "line 3: top1 and top5 are percentages"),
            ("model,top1\na,nan\n", "line 2: top1 and top5 are percentages"),
            ("model,top1\na,0.7\nb,0.8\n", "top1 is in percent, as in 76.1"),
            ("model,img_size,top1\na,224,70\na,224,71\n", "line 3: a at 224 px is there twice"),
        ],
    )
    def test_that_is_none_is_one_sentence(self, content: str, message: str) -> None:
        with pytest.raises(SpecError, match=message) as caught:
            ImageNetTable.parse(content.encode(), "t.csv")
        assert "\n" not in str(caught.value)
        assert "t.csv" in str(caught.value)

    def test_that_is_not_there_says_where_timm_s_is(self, tmp_path) -> None:
        with pytest.raises(SpecError, match=r"no table .*nowhere\.csv: save https://.*'timm'"):
            ImageNetTable.read(tmp_path / "nowhere.csv")
        with pytest.raises(SpecError, match="cannot be read"):
            ImageNetTable.read(tmp_path)
        (tmp_path / "t.csv").write_bytes(b"model,top1\n\xff,70\n")
        with pytest.raises(SpecError, match="not UTF-8"):
            ImageNetTable.read(tmp_path / "t.csv")


class TestFetching:
    @pytest.fixture
    def asked(self, tmp_path, monkeypatch) -> list[str]:
        """The addresses that were asked for; a table in a file stands for timm's."""
        (tmp_path / "timm.csv").write_text(TABLE)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.setattr(table_module, "URL", (tmp_path / "timm.csv").as_uri())
        asked: list[str] = []
        import urllib.request

        opened = urllib.request.urlopen

        def urlopen(url: str, timeout: float) -> object:
            asked.append(url)
            return opened(url, timeout=timeout)

        monkeypatch.setattr(urllib.request, "urlopen", urlopen)
        return asked

    def test_is_done_once(self, asked, tmp_path) -> None:
        first, second = ImageNetTable.read("timm"), ImageNetTable.read("timm")
        assert first == second
        assert first.name == "timm-results-imagenet.csv"
        assert first.find("two.in1k", 224) is not None
        assert len(asked) == 1

    def test_without_a_network_says_what_to_do_instead(self, asked, tmp_path) -> None:
        (tmp_path / "timm.csv").unlink()
        with pytest.raises(
            SpecError, match=r"cannot be fetched \(.*\): save file.* elsewhere"
        ) as e:
            ImageNetTable.read("timm")
        assert "\n" not in str(e.value)

    def test_keeps_nothing_that_is_no_table(self, asked, tmp_path) -> None:
        (tmp_path / "timm.csv").write_text("<html>Log in to this network</html>")
        with pytest.raises(SpecError, match="has no column model"):
            ImageNetTable.read("timm")
        assert not list((tmp_path / "cache").rglob("*.csv"))


class TestDamage:
    @pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"top1": 2}', b"\xff", b"[" * 100_000])
    def test_is_one_sentence_that_names_the_file(self, store, content: bytes) -> None:
        store.imagenet.write(weights_of("one"), "table", Accuracy(top1=0.75, source="a table"))
        path = store.root / "imagenet" / weights_of("one") / "table.json"
        path.write_bytes(content)
        with pytest.raises(StoreError) as caught:
            store.frame()
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_other_files_in_the_folder_do_no_harm(self, store) -> None:
        table = ImageNetTable.parse(TABLE.encode(), "t.csv")
        (store.root / "imagenet").mkdir()
        (store.root / "imagenet" / ".DS_Store").write_bytes(b"")
        (store.root / "imagenet" / "notes").mkdir()
        assert store.imagenet.add_table(table) == 0

    def test_of_results_an_unknown_digest_reads_nothing_outside(self, store, tmp_path) -> None:
        (tmp_path / "table.json").write_text('{"top1": 0.5, "source": "outside"}')
        assert store.imagenet.read("../..") == {}


def test_a_result_says_which_weights_it_is_of(store) -> None:
    result: Result = next(store.results())
    row = store.frame().set_index("run").loc[result.digest]
    assert row["weights"] == result.run.weights
