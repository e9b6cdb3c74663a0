"""ImageNet accuracy on the command line: from a table, from a study."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from penultimate.backbones import PACKAGES
from penultimate.store import CheckpointName, ResultStore

LITE = "tf_efficientnet_lite0"
TABLE = f"model,img_size,top1\n{LITE}.in1k,224,74.25\n"
SOURCE = f"{LITE}.in1k, 224 px"


@pytest.fixture
def table(place: Path) -> Path:
    (place / "results.csv").write_text(TABLE)
    return place / "results.csv"


@pytest.fixture
def named(feature_run, features) -> ResultStore:
    """The store of the first run, whose features are as if of a checkpoint that timm has."""
    store = ResultStore("store")
    (result,) = store.results()
    store.imagenet.write_name(
        result.run.weights, CheckpointName(model=f"{LITE}.in1k", image_size=224)
    )
    return store


class TestATable:
    @pytest.mark.slow
    def test_gives_the_packaged_network_and_its_file_their_accuracy(
        self, penultimate, photos, table
    ) -> None:
        pytest.importorskip(PACKAGES[LITE].module)
        file = f"{LITE}@{PACKAGES[LITE].checkpoint()}"
        outcome = penultimate(
            *("run", "--data", photos, "--imagenet", table, "--json"),
            *("--backbone", f"{LITE}@package", "--backbone", file),
            *("--backbone", "test_resnet@random"),
        )
        rows = {row["backbone"]: row for row in json.loads(outcome.out)}
        for name in (f"{LITE}@package", file):
            assert rows[name]["imagenet_top1"] == 0.7425
            assert rows[name]["imagenet_top1_source"].endswith(SOURCE)
        assert rows[file]["run"] == rows[f"{LITE}@package"]["run"]
        assert rows["test_resnet@random"]["imagenet_top1"] is None
        assert rows["test_resnet@random"]["imagenet_top1_source"] is None
        assert "no ImageNet accuracy is known" not in outcome.err  # a random network has none

    def test_given_to_results_adds_the_numbers_and_shows_their_source(
        self, penultimate, named, table
    ) -> None:
        assert "ImageNet" not in penultimate("results", "store").out
        outcome = penultimate("results", "store", "--imagenet", table)
        assert "ImageNet %" in outcome.out
        assert "74.2" in outcome.out or "74.3" in outcome.out
        assert "ImageNet accuracy: results table results.csv (sha256 " in outcome.out
        assert SOURCE not in outcome.out  # the rows of the table stand in the frame
        assert "results.csv has the ImageNet accuracy of 1 network" in outcome.err
        (row,) = json.loads(penultimate("results", "store", "--json").out)  # it is kept
        assert row["imagenet_top1_source"].endswith(SOURCE)
        assert row["imagenet_top1"] == 0.7425

    def test_given_to_report_stands_on_the_page_with_its_source(
        self, penultimate, named, table
    ) -> None:
        penultimate("report", "store", "-o", "page.html", "--imagenet", table)
        assert SOURCE in Path("page.html").read_text(encoding="utf-8")

    def test_that_has_no_row_says_which_networks_have_no_number(
        self, penultimate, feature_run, features, table
    ) -> None:
        outcome = penultimate(
            *("run", "--backbone", f"features:{features}", "--store", "store"),
            *("--imagenet", table),
        )
        assert "no ImageNet accuracy is known of features:" in outcome.err.replace("\n", " ")

    @pytest.mark.parametrize("command", [("run", "--backbone", "x", "--data", "digits"), ()])
    def test_that_is_not_there_is_one_sentence(self, penultimate, feature_run, command) -> None:
        outcome = penultimate(*(command or ("results", "store")), "--imagenet", "nowhere.csv")
        assert "there is no table of ImageNet results nowhere.csv" in outcome.sentence


def test_the_study_s_own_number_is_shown_as_such(penultimate, features, place) -> None:
    Path("study.toml").write_text(
        f'tasks = ["features:{features}"]\n[[backbones]]\nname = "features:{features}"\n'
        "imagenet_top1 = 0.75\n"
    )
    outcome = penultimate("run", "study.toml", "--json")
    (row,) = json.loads(outcome.out)
    assert (row["imagenet_top1"], row["imagenet_top1_source"]) == (0.75, "study file")


def test_networks_of_all_libraries_are_listed(penultimate) -> None:
    rows = json.loads(penultimate("list", "backbones", "*:*", "--json").out)
    kinds = {row["name"].partition(":")[0] for row in rows}
    assert {"torchvision", "open_clip"} <= kinds
