"""``penultimate tasks show`` and ``download``, ``list tasks``."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from penultimate.data import OFFICIAL, TASKS
from penultimate.data.catalogue import KINDS
from penultimate.data.load import SOURCES


@pytest.fixture(autouse=True)
def own_place(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("PENULTIMATE_DATA", str(tmp_path / "data"))


class TestList:
    def test_as_json_is_one_array_of_all_there_is(self, penultimate):
        rows = json.loads(penultimate("list", "tasks", "--json").out)
        assert [row["name"] for row in rows if row["kind"] == "built-in"] == list(TASKS)
        published = {row["name"]: row for row in rows if row["kind"] == "published"}
        assert list(published) == list(OFFICIAL)
        for name, card in OFFICIAL.items():
            row = published[name]
            assert (row["classes"], row["measure"]) == (card.classes, card.measure)
            assert row["images"] == row["train"] + row["val"] + row["test"]
        assert [row["name"] for row in rows if row["kind"] == "source"] == list(KINDS)

    def test_names_every_kind_of_source(self, penultimate):
        assert {name.partition(":")[0] + ":" for name in KINDS} == set(SOURCES)
        out = penultimate("list", "tasks").out
        for name in [*TASKS, *OFFICIAL, *KINDS]:
            assert name in out

    def test_for_people_is_not_too_wide(self, penultimate):
        assert max(map(len, penultimate("list", "tasks").out.splitlines())) <= 100


class TestShow:
    @pytest.mark.parametrize("name", [*TASKS, *OFFICIAL])
    def test_says_what_each_task_is(self, penultimate, name):
        outcome = penultimate("tasks", "show", name)
        assert outcome.code == 0, outcome.err
        (row,) = json.loads(penultimate("tasks", "show", name, "--json").out)
        words = [f"{row['classes']:,}", f"{row['images']:,}", row["measure"]]
        if name in OFFICIAL:
            words += [row["homepage"], "licence", "get it", "mind", "not on this disk"]
            words += row["on_disk"]["looked_for"]
            assert row["on_disk"]["found"] is None
        for word in words:
            assert word in outcome.out

    def test_looks_in_the_folder_that_is_named(self, penultimate, place):
        (row,) = json.loads(penultimate("tasks", "show", f"food101:{place}", "--json").out)
        assert all(path.startswith(str(place)) for path in row["on_disk"]["looked_for"])

    def test_counts_what_is_missing(self, penultimate, place):
        meta = place / "food-101" / "meta"
        meta.mkdir(parents=True)
        (meta / "train.txt").write_text("apple_pie/1\napple_pie/2\nbeet_salad/3\n")
        (meta / "test.txt").write_text("apple_pie/4\nbeet_salad/5\n")
        images = place / "food-101" / "images" / "apple_pie"
        images.mkdir(parents=True)
        (images / "1.jpg").write_bytes(b"x")
        out = " ".join(penultimate("tasks", "show", f"food101:{place}").out.split())
        assert "with 4 of 101,000 images missing, for example images/apple_pie/2.jpg" in out
        assert "these are not the published sizes of food101: 3 instead of 75,750 train" in out
        (meta / "test.txt").write_text("nothing\n")
        assert "meta/test.txt" in penultimate("tasks", "show", f"food101:{place}").out

    def test_of_an_unknown_name_is_one_sentence(self, penultimate):
        assert "did you mean 'food101'" in penultimate("tasks", "show", "food").sentence
        assert "there is no task 'folder:x'" in penultimate("tasks", "show", "folder:x").sentence


class TestDownload:
    def test_unpacks_what_lies_there_and_says_where_it_is(self, penultimate, place, monkeypatch):
        import hashlib
        import io
        import tarfile

        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w:gz") as tar:
            members = {"meta/train.txt": b"pie/1\n", "meta/test.txt": b"pie/2\n"}
            members |= {"images/pie/1.jpg": b"x", "images/pie/2.jpg": b"y"}
            for name, data in members.items():
                info = tarfile.TarInfo(f"food-101/{name}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        archive = replace(
            OFFICIAL["food101"].archives[0], md5=hashlib.md5(file.getvalue()).hexdigest()
        )
        monkeypatch.setitem(OFFICIAL, "food101", replace(OFFICIAL["food101"], archives=(archive,)))
        (place / "food-101.tar.gz").write_bytes(file.getvalue())
        outcome = penultimate("tasks", "download", "food101", "--to", ".")
        assert outcome.code == 0, outcome.err
        assert "food101 is in food-101" in outcome.err
        assert (place / "food-101" / "images" / "pie" / "2.jpg").read_bytes() == b"y"

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("imagenet",), "imagenet has no source that can be fetched from: register"),
            (("digits",), "the task 'digits' is built in"),
            (("foood101",), "did you mean 'food101'"),
            (("torchvision:MNISTT",), "did you mean 'MNIST'"),
            (("hf:a/b", "--to", "x"), "leave --to out"),
            (("hf:./nowhere",), "the folder ./nowhere does not exist"),
        ],
    )
    def test_of_what_cannot_be_had_is_one_sentence(self, penultimate, place, arguments, said):
        assert said in penultimate("tasks", "download", *arguments).sentence

    def test_by_torchvision_without_a_network_is_one_sentence(
        self, penultimate, place, monkeypatch
    ):
        def no_network(*_, **__):
            raise OSError("no network here")

        monkeypatch.setattr("urllib.request.urlopen", no_network)
        outcome = penultimate("tasks", "download", "torchvision:CIFAR10", "--to", place / "cifar")
        assert "torchvision cannot fetch its CIFAR10 into" in outcome.sentence
