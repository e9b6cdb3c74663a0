"""The three settings from end to end through the command line, and mistakes in asking for them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from penultimate.store import ResultStore

NETWORK = ("--backbone", "test_resnet@random", "--image-size", 24)
SETTINGS = (
    *("--method", "linear-probe", "--method", "fine-tune", "--method", "from-scratch"),
    *("--set", "steps=8", "--set", "batch_size=6", "--set", "search=grid"),
    *("--set", "learning_rates=0.01,0.1", "--set", "fine-tune.weight_decays=0"),
    *("--set", "from-scratch.weight_decays=1e-4", "--set", "l2_points=4"),
)


@pytest.fixture(scope="module")
def trained(photos, tmp_path_factory):
    """What the command printed, and the store that it made; only read it."""
    from commands import in_shell

    folder = tmp_path_factory.mktemp("trained")
    run = ("run", "--data", photos, *NETWORK, *SETTINGS, "--store", "store")
    outcome = in_shell(
        *run, "--report", "page.html", "--tensorboard", "logs", "--pixel-cache-limit", "5MB",
        cwd=folder,
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    return outcome, folder


def test_all_three_settings_are_ranked_compared_and_reported(trained):
    outcome, folder = trained
    for words in ("with fine-tune", "with from-scratch", "learning rate", "decay"):
        assert words in outcome.out
    assert "test_resnet@random on photos [1]: " in outcome.out  # the settings in one sentence
    assert "3 computed, 0 already in the store" in outcome.err
    page = (folder / "page.html").read_text()
    assert "Freeze, fine-tune or train from scratch" in page
    assert list((folder / "logs").rglob("events.out.tfevents.*"))
    assert list((folder / "store" / "pixels").rglob("pixels.bin"))


def test_the_frame_has_a_row_a_setting_with_what_was_chosen(penultimate, trained):
    rows = json.loads(penultimate("results", trained[1] / "store", "--json").out)
    by_method = {row["method"]: row for row in rows}
    assert by_method["linear-probe"]["learning_rate"] is None
    assert by_method["fine-tune"]["learning_rate"] in (0.01, 0.1)
    assert by_method["fine-tune"]["weight_decay"] == 0
    assert by_method["from-scratch"]["weight_decay"] == 1e-4
    assert by_method["from-scratch"]["steps"] == 8


def test_run_again_it_computes_nothing(penultimate, trained, photos):
    run = ("run", "--data", photos, *NETWORK, *SETTINGS, "--store", trained[1] / "store")
    outcome = penultimate(*run)
    assert outcome.code == 0
    assert "0 computed, 3 already in the store" in outcome.err


def test_the_fine_tuned_network_predicts(penultimate, trained, photos):
    store = trained[1] / "store"
    for result in ResultStore(store).results():
        arguments = (result.digest[:10], photos / "crow" / "1.png", photos / "crow" / "2.png")
        outcome = penultimate("predict", *arguments, "--store", store, "--top", "2", "--json")
        assert outcome.code == 0, outcome.err
        rows = json.loads(outcome.out)
        assert [len(row["predictions"]) for row in rows] == [2, 2]
        for row in rows:
            assert {p["class"] for p in row["predictions"]} <= set(result.classes)
            assert sum(p["probability"] for p in row["predictions"]) <= 1 + 1e-6


def test_a_name_with_several_runs_asks_for_a_digest(penultimate, trained, photos):
    store = trained[1] / "store"
    sentence = penultimate(
        "predict", "test_resnet@random", photos / "crow" / "1.png", "--store", store
    ).sentence
    assert "3 runs in" in sentence
    assert "choose one by its digest" in sentence


def test_a_study_file_asks_for_the_same(penultimate, place, trained, photos):
    backbone = '{ name = "test_resnet@random", image_size = 24 }'
    (place / "study.toml").write_text(
        f"backbones = [{backbone}]\ntasks = ['folder:{photos}']\n"
        '[[methods]]\nname = "fine-tune"\nsteps = 8\nbatch_size = 6\nsearch = "grid"\n'
        "learning_rates = [0.01, 0.1]\nweight_decays = [0]\n"
    )
    outcome = penultimate("run", "study.toml", "--store", trained[1] / "store")
    assert "0 computed, 1 already in the store" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--set", "batch_size=64"), ["batch_size 64 is larger than the", "set batch_size to"]),
        (("--pixel-cache-limit", "much"), ["--pixel-cache-limit much is no size", "20GB"]),
        (("--set", "learning_rates=1e9", "--set", "steps=3"), ["diverged", "set smaller"]),
        (("--set", "batch_size=1"), ["single image", "batch norm", "choose another batch_size"]),
        (("--backbone", "features:F"), ["features:F", "no network to train", "linear-probe"]),
    ],
    ids=lambda value: " ".join(value)[:50] if isinstance(value, tuple) else "",
)
def test_a_mistake_is_answered_in_one_sentence(penultimate, place, photos, arguments, said):
    (place / "F").mkdir()
    outcome = penultimate(
        "run", "--data", photos, *NETWORK, "--method", "fine-tune", "--quiet", *arguments
    )
    for words in said:
        assert words in outcome.sentence


def test_tensorboard_that_is_not_installed_is_named_before_anything_is_computed(
    penultimate, place, photos, monkeypatch
):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    run = ("run", "--data", photos, *NETWORK, "--method", "fine-tune", "--tensorboard", "logs")
    sentence = penultimate(*run).sentence
    assert "pip install 'penultimate[tensorboard]'" in sentence
    assert not Path("logs").exists()
