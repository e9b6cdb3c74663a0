"""The commands end to end: results on standard output, all else on standard error."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from commands import NAMES, entry_point

from penultimate.store import ResultStore

COLUMNS = {
    *("run", "backbone", "task", "method", "measure", "score", "ci_low", "ci_high"),
    *("n_train", "n_val", "n_test", "imagenet_top1", "seed"),
}


class TestRun:
    def test_on_features_ranks_them_without_a_network(self, feature_run, features):
        assert f"features:{features}"[:20] in feature_run.out.replace("\n", "")
        assert "95 % interval" in feature_run.out
        (result,) = ResultStore("store").results()
        assert result.score > 0.9
        assert (result.n_train, result.n_val, result.n_test) == (72, 24, 24)
        assert result.classes == tuple(sorted(NAMES))

    def test_prints_results_on_standard_output_and_notices_on_standard_error(self, feature_run):
        assert "features [bold]" in feature_run.out
        assert "1 computed, 0 already in the store" in feature_run.err
        assert "penultimate report store" in feature_run.err
        assert "computed" not in feature_run.out
        assert "\x1b" not in feature_run.out + feature_run.err

    def test_again_computes_nothing_and_gives_the_same(self, penultimate, feature_run, features):
        again = penultimate("run", "--backbone", f"features:{features}", "--store", "store")
        assert "0 computed, 1 already in the store" in again.err
        assert again.out == feature_run.out

    def test_with_one_more_seed_computes_only_that(self, penultimate, feature_run, features):
        more = penultimate(
            *("run", "--backbone", f"features:{features}", "--store", "store"),
            *("--seed", "0", "--seed", "1", "--json"),
        )
        assert "1 computed, 1 already in the store" in more.err
        assert {row["seed"] for row in json.loads(more.out)} == {0, 1}

    def test_with_json_prints_one_array_and_nothing_else(
        self, penultimate, feature_run, features, place
    ):
        (place / "store").rename(place / "penultimate-store")  # where results go by default
        outcome = penultimate("run", "--backbone", f"features:{features}", "--json")
        (row,) = json.loads(outcome.out)
        assert set(row) >= COLUMNS
        assert row["imagenet_top1"] is None
        assert row["backbone"] == f"features:{features}"
        assert "everything is in penultimate-store" in outcome.err

    def test_that_is_quiet_says_nothing_but_the_results(self, penultimate, feature_run, features):
        outcome = penultimate(
            "run", "--backbone", f"features:{features}", "--store", "store", "--quiet"
        )
        assert outcome.err == ""
        assert outcome.out == feature_run.out

    def test_writes_the_report_that_it_is_asked_for(self, penultimate, feature_run, features):
        outcome = penultimate(
            *("run", "--backbone", f"features:{features}", "--store", "store"),
            *("--report", "page.html"),
        )
        assert "the report is page.html" in outcome.err
        assert Path("page.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")

    def test_names_what_could_not_be_read(self, penultimate, photo_store, photos):
        outcome = penultimate(
            *("run", "--data", photos, "--backbone", "test_vit@random"),
            *("--store", photo_store, "--json"),
        )
        assert "1 image left out that cannot be read: crow/broken [x].png (" in outcome.err
        (row,) = json.loads(outcome.out)
        assert row["n_skipped"] == 1
        assert row["n_train"] + row["n_val"] + row["n_test"] == 36

    def test_that_fails_in_part_prints_the_rest_and_says_which(
        self, penultimate, place, photos, photo_store, features
    ):
        shutil.copytree(photo_store, "store")
        outcome = penultimate(
            *("run", "--data", photos, "--store", "store", "--json"),
            *("--backbone", "test_vit@random", "--backbone", f"features:{features}"),
        )
        assert outcome.code == 1
        assert [row["backbone"] for row in json.loads(outcome.out)] == ["test_vit@random"]
        last = outcome.err.splitlines()[-1]
        assert last.startswith("error: 1 of 2 runs failed, the first of features:")
        assert "has no features for 36 of the task's 36 examples" in last

    def test_that_fails_alone_is_told_once(self, penultimate, place, photos, features):
        outcome = penultimate("run", "--data", photos, "--backbone", f"features:{features}")
        assert "has no features for" in outcome.sentence
        assert penultimate("results", "penultimate-store").out == ""


class TestStudyFile:
    def test_runs_and_runs_again_from_anywhere(self, penultimate, place, features, monkeypatch):
        shutil.copytree(features, place / "mine")
        (place / "study.toml").write_text(
            'name = "mine"\nbackbones = ["features:mine"]\ntasks = ["features:mine"]\n'
            "seeds = [0, 1]\n\n[[methods]]\nname = 'linear-probe'\nl2_points = 3\n"
        )
        first = penultimate("run", "study.toml", "--store", "store", "--json")
        assert {row["seed"] for row in json.loads(first.out)} == {0, 1}
        assert {row["backbone"] for row in json.loads(first.out)} == {"features:mine"}
        (place / "elsewhere").mkdir()
        monkeypatch.chdir(place / "elsewhere")
        again = penultimate("run", "../study.toml", "--store", "../store", "--json")
        assert "0 computed, 2 already in the store" in again.err
        assert json.loads(again.out) == json.loads(first.out)

    def test_is_kept_in_the_store_as_the_way_to_repeat_a_result(
        self, penultimate, feature_run, features
    ):
        (result,) = ResultStore("store").results()
        command = result.provenance.command
        assert command.startswith("penultimate run ")
        (kept,) = Path("store/studies").iterdir()
        assert str(kept) in command
        assert tomllib.loads(kept.read_text())["tasks"] == [{"source": f"features:{features}"}]
        again = penultimate("run", kept, "--store", "store")
        assert "0 computed, 1 already" in again.err

    def test_that_init_writes_is_said_and_read(self, penultimate, place):
        outcome = penultimate("init", "my study.toml")
        assert outcome.out == ""
        assert outcome.err == "wrote my study.toml; run it with: penultimate run 'my study.toml'\n"
        assert tomllib.loads(Path("my study.toml").read_text())["name"] == "my study"
        again = penultimate("init", "my study.toml", "--force")
        assert again.code == 0

    def test_that_init_writes_is_toml_whatever_its_name(self, penultimate, place):
        name = "two\nlines\x01.toml"
        assert penultimate("init", name).code == 0
        tomllib.loads(Path(name).read_text())


class TestResults:
    def test_as_json_is_the_tidy_frame(self, penultimate, photo_store):
        rows = json.loads(penultimate("results", photo_store, "--json").out)
        assert {row["backbone"] for row in rows} == {"test_vit@random", "test_byobnet@random"}
        assert all(set(row) >= COLUMNS for row in rows)
        assert [row["score"] for row in rows] == sorted((r["score"] for r in rows), reverse=True)

    def test_as_csv_is_the_tidy_frame(self, penultimate, photo_store):
        rows = list(csv.DictReader(io.StringIO(penultimate("results", photo_store, "--csv").out)))
        assert len(rows) == 2
        assert set(rows[0]) >= COLUMNS
        assert {row["imagenet_top1"] for row in rows} == {""}

    def test_for_people_is_the_table_of_the_run(self, penultimate, feature_run):
        assert penultimate("results", "store").out == feature_run.out

    def test_of_an_empty_store_are_empty(self, penultimate, place):
        ResultStore("store")
        assert json.loads(penultimate("results", "store", "--json").out) == []
        assert len(penultimate("results", "store", "--csv").out.splitlines()) == 1
        outcome = penultimate("results", "store")
        assert (outcome.code, outcome.out) == (0, "")
        assert outcome.err == "store holds no finished run yet\n"

    def test_can_be_read_from_a_store_that_cannot_be_written(self, penultimate, feature_run):
        Path("store/index.parquet").unlink(missing_ok=True)
        Path("store/index.parquet").mkdir()
        assert len(json.loads(penultimate("results", "store", "--json").out)) == 1

    def test_cut_off_as_by_head_end_quietly(self, shell, feature_run):
        reading, writing = os.pipe()
        os.close(reading)
        outcome = shell("results", "store", "--json", stdout=writing)
        os.close(writing)
        assert outcome.err == ""

    def test_print_on_a_terminal_without_unicode(self, shell, feature_run):
        outcome = shell("results", "store", env={**os.environ, "PYTHONIOENCODING": "ascii"})
        assert outcome.code == 0
        assert outcome.out.isascii()


class TestLists:
    def test_of_backbones_as_json_names_the_packaged_lites(self, penultimate):
        rows = json.loads(penultimate("list", "backbones", "tf_efficientnet_lite*", "--json").out)
        names = {row["name"]: row["weights"] for row in rows}
        assert names["tf_efficientnet_lite0@package"] == "package"
        assert names["tf_efficientnet_lite0"] == "download"
        assert all(name.startswith("tf_efficientnet_lite") for name in names)

    def test_of_backbones_for_people_has_a_line_a_name(self, penultimate):
        outcome = penultimate("list", "backbones", "tf_efficientnet_lite*")
        assert "tf_efficientnet_lite1@package " in outcome.out
        count = re.match(r"(\d+) names", outcome.err)
        assert count is not None
        assert int(count.group(1)) == len(outcome.out.splitlines())

    def test_without_a_match_are_an_empty_array_as_json(self, penultimate):
        assert json.loads(penultimate("list", "backbones", "zzz*", "--json").out) == []

    def test_of_tasks_as_json_say_what_each_is(self, penultimate):
        rows = {row["name"]: row for row in json.loads(penultimate("list", "tasks", "--json").out)}
        assert rows["digits"]["classes"] == 10
        assert rows["digits"]["images"] == 1797
        assert rows["glyphs"]["classes"] == 62

    def test_of_tasks_for_people_name_each(self, penultimate):
        outcome = penultimate("list", "tasks")
        listed = re.findall(r"^\w+", outcome.out, flags=re.M)
        assert listed[:4] == ["digits", "glyphs", "mnist5k", "food101"]


class TestPredict:
    @pytest.fixture
    def digest(self, photo_store) -> str:
        return ResultStore(photo_store).match("test_vit@random").digest

    def test_by_digest_prefix_folder_and_backbone_is_the_same(
        self, penultimate, photo_store, photos, digest
    ):
        image = photos / "crow" / "0.png"
        runs = [digest[:8], photo_store / "runs" / digest, "test_vit@random"]
        outcomes = [penultimate("predict", run, image, "--store", photo_store) for run in runs]
        assert outcomes[0].code == 0
        assert re.fullmatch(rf"{re.escape(str(image))}: .+ \d+\.\d%\n", outcomes[0].out)
        assert outcomes[0] == outcomes[1] == outcomes[2]

    def test_as_json_gives_probabilities_that_sum_to_one(
        self, penultimate, photo_store, photos, digest
    ):
        images = [photos / "crow" / "0.png", photos / "jay [b]" / "1.png"]
        outcome = penultimate(
            "predict", digest[:8], *images, "--store", photo_store, "--top", "9", "--json"
        )
        rows = json.loads(outcome.out)
        assert [row["image"] for row in rows] == [str(image) for image in images]
        for row in rows:
            p = [prediction["probability"] for prediction in row["predictions"]]
            assert p == sorted(p, reverse=True)
            assert sum(p) == pytest.approx(1)
            assert {prediction["class"] for prediction in row["predictions"]} == {
                *("crow", "jay [b]", "tit 'grün'")
            }

    def test_agrees_with_the_predictions_that_the_run_kept(
        self, penultimate, photo_store, photos, digest
    ):
        store = ResultStore(photo_store)
        kept = store.predictions(store.match(digest))
        images = [photos / example for example in kept["example_id"]]
        outcome = penultimate("predict", digest, *images, "--store", photo_store, "--json")
        found = [row["predictions"][0] for row in json.loads(outcome.out)]
        assert [prediction["class"] for prediction in found] == kept["predicted"].tolist()
        assert [prediction["probability"] for prediction in found] == pytest.approx(
            kept["p_predicted"].tolist(), abs=1e-4
        )

    def test_of_an_image_that_cannot_be_read_gives_the_others_and_fails(
        self, penultimate, photo_store, photos, digest
    ):
        good, broken = photos / "crow" / "0.png", photos / "crow" / "broken [x].png"
        outcome = penultimate(
            "predict", digest, good, broken, "none.png", "--store", photo_store, "--json"
        )
        assert outcome.code == 1
        assert [row["image"] for row in json.loads(outcome.out)] == [str(good)]
        first, second, last = outcome.err.splitlines()
        assert first.startswith(f"{broken}: ")
        assert second.startswith("none.png: ")
        assert last == "error: 2 of 3 images could not be read"

    def test_of_nothing_readable_is_an_empty_array(self, penultimate, photo_store, photos, digest):
        outcome = penultimate("predict", digest, "none.png", "--store", photo_store, "--json")
        assert outcome.code == 1
        assert json.loads(outcome.out) == []

    def test_of_a_name_that_is_not_utf8_prints_it_escaped(
        self, penultimate, place, photo_store, photos, digest
    ):
        name = os.fsdecode(b"caf\xe9.png")
        shutil.copy(photos / "crow" / "0.png", name)
        outcome = penultimate("predict", digest, name, "--store", photo_store)
        assert outcome.code == 0
        assert outcome.out.startswith("caf\\udce9.png: ")
        as_json = penultimate("predict", digest, name, "--store", photo_store, "--json")
        assert json.loads(as_json.out)[0]["image"] == name


class TestNamesThatAreMarkup:
    def test_print_as_text_in_the_table(self, feature_run, features):
        assert "features [bold]" in feature_run.out

    def test_print_as_text_in_notices(self, penultimate, photo_store, photos):
        outcome = penultimate(
            *("run", "--data", photos, "--backbone", "test_vit@random", "--store", photo_store)
        )
        assert (
            "photos [1]: 1 image left out that cannot be read: crow/broken [x].png" in outcome.err
        )
        assert "photos [1]" in outcome.out

    def test_print_as_text_in_a_study(self, penultimate, place, features):
        (place / "study.toml").write_text(
            f"[[backbones]]\nname = 'features:{features}'\nlabel = '[red]<i>ours</i>[/red]'\n"
            f"[[tasks]]\nsource = 'features:{features}'\nname = '[/]&amp;<script>'\n"
            "[[methods]]\nname = 'linear-probe'\nl2_points = 3\n"
        )
        outcome = penultimate("run", "study.toml", "--store", "store", "--report", "page.html")
        assert "[red]<i>ours</i>[/red]" in outcome.out
        assert "[/]&amp;<script>" in outcome.out
        page = Path("page.html").read_text(encoding="utf-8")
        assert "<i>ours" not in page
        assert "[red]&lt;i&gt;ours&lt;/i&gt;[/red]" in page
        assert "[/]&amp;amp;&lt;script&gt;" in page


class TestTerminal:
    def run_on_a_terminal(self, *arguments: str, both: bool = False) -> tuple[str, str]:
        """Standard output, and what a terminal behind standard error (or behind both) was sent."""
        controller, terminal = pty.openpty()
        process = subprocess.Popen(
            [entry_point(), *arguments],
            stdout=terminal if both else subprocess.PIPE,
            stderr=terminal,
            stdin=terminal,
            env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "80"},
        )
        os.close(terminal)
        shown = b""
        while True:
            try:
                piece = os.read(controller, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            shown += piece
        os.close(controller)
        out = b"" if process.stdout is None else process.stdout.read()
        if process.stdout is not None:
            process.stdout.close()
        assert process.wait() == 0, shown
        return out.decode(), shown.decode()

    def test_shows_bars_with_speed_and_time_left_and_keeps_the_output_clean(self, place, photos):
        (place / "study.toml").write_text(
            f"backbones = ['test_vit@random']\ntasks = ['folder:{photos}']\n"
            "[[methods]]\nname = 'linear-probe'\nl2_points = 3\n"
        )
        out, shown = self.run_on_a_terminal("run", "study.toml", "--json")
        assert len(json.loads(out)) == 1
        assert "\x1b[" in shown
        assert "━" in shown
        assert re.search(r"\d+/36", shown)
        assert "test_vit@random on photos [1]" in shown
        assert "images/s" in shown
        assert re.search(r"\d:\d\d:\d\d", shown)
        assert '"backbone"' not in shown

    def test_of_80_columns_is_not_overrun(self, feature_run):
        _, shown = self.run_on_a_terminal("results", "store", both=True)
        lines = re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines()
        assert any("95 % interval" in line for line in lines)
        assert max(len(line) for line in lines) <= 80


def test_version_is_that_of_the_package(shell):
    import penultimate as package

    assert shell("--version").out == f"penultimate, version {package.__version__}\n"


def test_help_names_every_command(shell):
    outcome = shell("--help")
    assert outcome.err == ""
    for command in ("demo", "init", "list", "predict", "report", "results", "run"):
        assert re.search(rf"^  {command} ", outcome.out, flags=re.M)
