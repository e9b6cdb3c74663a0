"""``penultimate pretrain``: what it leaves, what it answers, where it goes on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import Command, Outcome, in_shell
from safetensors import safe_open
from safetensors.torch import load_file

NETWORK = "paper:mobilenet_v1,label_smoothing=0.1"
INCEPTION = "paper:inception_v1"  # the cheapest that has a head
SMALL = (*("--preset", "quick", "--image-size", "32", "--batch-size", "6", "--steps", "6"),)


@pytest.fixture(scope="module")
def trained(photos, tmp_path_factory) -> tuple[Outcome, Path]:
    """The first of all trainings here, and the folder that holds it; only read it."""
    folder = tmp_path_factory.mktemp("pretraining")
    outcome = in_shell(
        *("pretrain", NETWORK, "--data", photos, *SMALL, "--checkpoint-every", 2),
        *("-o", "mine", "--cache", folder / "pixels", "--json"),
        cwd=folder,
        env=one_thread(),
    )
    assert outcome.code == 0, outcome.err
    return outcome, folder


def one_thread() -> dict[str, str]:
    import os

    return os.environ | {"OMP_NUM_THREADS": "1"}


@pytest.fixture
def mine(trained, place) -> Path:
    """A copy of the training, in the folder one is in."""
    shutil.copytree(trained[1] / "mine", place / "mine")
    shutil.copytree(trained[1] / "pixels", place / "pixels")
    return place / "mine"


def again(penultimate: Command, photos: Path, *arguments: object, network: str = NETWORK):
    settings = (*SMALL, "--cache", "pixels", "-o", "mine")
    return penultimate("pretrain", network, "--data", photos, *settings, *arguments)


def test_it_leaves_backbones_with_their_accuracy(trained):
    rows = json.loads(trained[0].out)
    assert [row["step"] for row in rows] == [2, 4, 6]
    assert [row["final"] for row in rows] == [False, False, True]
    assert [row["backbone"].rpartition("/")[2] for row in rows] == [
        *("step-2.safetensors", "step-4.safetensors", "final.safetensors")
    ]
    for row in rows:
        assert row["switches"] == "label_smoothing=0.1"
        assert [score["part"] for score in row["scores"]] == ["val", "test"]
        assert all(0 <= score["top1"] <= score["top5"] == 1 for score in row["scores"])


def test_the_folder_holds_them_its_record_and_the_curve_and_nothing_of_the_work(trained):
    folder = trained[1] / "mine"
    assert sorted(path.name for path in folder.iterdir()) == [
        *("curve.parquet", "final.safetensors", "pretraining.json"),
        *("step-2.safetensors", "step-4.safetensors"),
    ]
    record = json.loads((folder / "pretraining.json").read_text())
    assert (record["status"], record["steps"], record["classes"]) == ("finished", 6, 3)
    assert record["training"]["recipe"]["label_smoothing"] == 0.1
    assert record["training"]["recipe"]["learning_rate"] == pytest.approx(6.4 * 6 / 4096)
    assert record["provenance"]["command"].startswith("penultimate pretrain paper:mobilenet_v1")
    assert [saved["file"] for saved in record["saved"]][-1] == "final.safetensors"
    assert len(record["skipped"]) == 1  # the text that calls itself a picture
    curve = pd.read_parquet(folder / "curve.parquet")
    assert list(curve["step"]) == list(range(6))
    assert np.isfinite(curve["loss"]).all()


def test_each_file_holds_other_weights(trained):
    folder = trained[1] / "mine"
    states = [load_file(path) for path in sorted(folder.glob("*.safetensors"))]
    weights = [state["body.conv_stem.weight"].numpy().tobytes() for state in states]
    assert len(set(weights)) == len(weights) == 3
    assert states[0]["classifier.weight"].shape == (3, 1024)


@pytest.mark.slow
def test_run_takes_it_at_its_size_and_tells_its_accuracy(mine, penultimate, photos):
    final = f"paper:mobilenet_v1@{mine / 'final.safetensors'}"
    outcome = penultimate("run", "--data", photos, "--backbone", final, "--json")
    (row,) = json.loads(outcome.out)
    assert row["image_size"] == 32
    assert (row["source_task"], row["imagenet_top1"]) == ("photos [1]", None)
    record = json.loads((mine / "pretraining.json").read_text())
    assert row["source_score"] == record["saved"][-1]["scores"][-1]["score"]
    shown = " ".join(penultimate("run", "--data", photos, "--backbone", final).out.split())
    assert "Accuracy on the source task" in shown
    assert "on photos [1] (top-1, measured on 8 test images after step 6 of 6)" in shown


def test_what_is_finished_is_not_computed_again(mine, penultimate, photos):
    before = {path: path.stat().st_mtime_ns for path in mine.iterdir()}
    outcome = again(penultimate, photos, "--json", "--checkpoint-every", 2)
    assert outcome.code == 0, outcome.err
    assert {row["computed"] for row in json.loads(outcome.out)} == {False}
    assert "nothing was computed" in outcome.err
    assert {path: path.stat().st_mtime_ns for path in mine.iterdir()} == before


def test_checkpoints_that_are_asked_for_too_late_are_told_of(mine, penultimate, photos):
    outcome = again(penultimate, photos, "--checkpoint-every", 5)
    assert "choose a new folder to have them" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "network", "says"),
    [
        (("--set", "weight_decay=0"), NETWORK, "other settings (recipe.weight_decay: 0.0001, not"),
        (("--seed", "1"), NETWORK, "other settings ("),
        ((), "paper:mobilenet_v1", "the pretraining of paper:mobilenet_v1,label_smoothing=0.1 on"),
        ((), "paper:mobilenet_v2", "the pretraining of paper:mobilenet_v1,label_smoothing=0.1 on"),
    ],
)
def test_another_training_is_refused(mine, penultimate, photos, arguments, network, says):
    outcome = again(penultimate, photos, *arguments, network=network)
    assert outcome.code == 1
    assert f"mine holds {says}" in outcome.sentence or says in outcome.sentence
    assert "choose another --output, or delete it" in outcome.sentence


def test_a_file_of_another_training_is_refused(mine, penultimate, photos):
    record = json.loads((mine / "pretraining.json").read_text())
    shutil.rmtree(mine)
    outcome = again(penultimate, photos, "--set", "weight_decay=0", "--quiet")
    assert outcome.code == 0, outcome.err
    (mine / "pretraining.json").write_text(json.dumps(record))
    assert "final.safetensors is not of this pretraining: move it elsewhere" in (
        again(penultimate, photos).sentence
    )


def test_a_folder_with_other_files_is_refused(place, penultimate, photos):
    (place / "mine").mkdir()
    (place / "mine" / "thesis.doc").write_text("years of work")
    sentence = again(penultimate, photos).sentence
    assert "mine holds other files (thesis.doc)" in sentence
    assert [path.name for path in (place / "mine").iterdir()] == ["thesis.doc"]


@pytest.mark.parametrize("content", ["{", "[]", '{"schema_version": 1}'])
def test_a_damaged_record_is_refused(place, penultimate, photos, content):
    (place / "mine").mkdir()
    (place / "mine" / "pretraining.json").write_text(content)
    assert "is no record of a pretraining" in again(penultimate, photos).sentence


@pytest.mark.parametrize(
    ("network", "arguments", "says"),
    [
        ("resnet50", (), "did you mean 'paper:resnet50'"),
        ("paper:resnet5", (), "did you mean 'paper:resnet50'"),
        ("paper:resnet50@weights.pth", (), "begins with random ones: leave @weights.pth out"),
        ("paper:resnet50,auxiliary_head=on", (), "has no auxiliary head"),
        ("paper:inception_v3", ("--image-size", "32"), "cannot be trained on images of 32 pixels"),
        ("paper:mobilenet_v1", ("--set", "wieght_decay=1"), "did you mean 'weight_decay'"),
        ("paper:mobilenet_v1", ("--set", "weight_decay=much"), "--set weight_decay=much: input"),
        ("paper:mobilenet_v1", ("--set", "weight_decay"), "is not NAME=VALUE"),
        ("paper:mobilenet_v1", ("--set", "steps=3"), "say it twice"),
        ("paper:mobilenet_v1", ("--epochs", "3"), "give either epochs or steps"),
        ("paper:mobilenet_v1", ("--set", "warmup_epochs=9"), "a warm-up of 9 epochs"),
        ("paper:mobilenet_v1", ("--batch-size", "60"), "larger than the 21 training images"),
        ("paper:mobilenet_v1", ("--batch-size", "1", "--set", "warmup_epochs=0"), "leave a single"),
        ("paper:mobilenet_v1", ("--set", "learning_rate=1e38"), "diverged after"),
        ("paper:mobilenet_v1", ("--data", "phots"), "there is no folder, table or task 'phots'"),
        ("paper:mobilenet_v1", ("--pixel-cache-limit", "much"), "is no size"),
    ],
)
def test_what_cannot_be_is_answered_in_a_sentence(
    place, penultimate, photos, network, arguments, says
):
    settings = (*SMALL, "--cache", "pixels", "-o", "mine", "--quiet")
    outcome = penultimate("pretrain", network, "--data", photos, *settings, *arguments)
    assert says in outcome.sentence
    assert not list((place / "mine").glob("*.safetensors"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("switch", "in_recipe"),
    [
        ("label_smoothing=0.1", 0.1),
        ("dropout=0.2", 0.0),
        ("auxiliary_head=on", 0.0),
        ("batch_norm_scale=off", 0.0),
    ],
)
def test_each_switch_is_trained_with_and_known_to_the_file(
    place, penultimate, photos, switch, in_recipe
):
    settings = (*SMALL, "--cache", "pixels", "-o", "mine", "--quiet")
    outcome = penultimate("pretrain", f"{INCEPTION},{switch}", "--data", photos, *settings)
    assert outcome.code == 0, outcome.err
    final = place / "mine" / "final.safetensors"
    state = load_file(final)
    scales = [value for key, value in state.items() if key.endswith("bn.weight")]
    assert all(bool((scale == 1).all()) for scale in scales) == ("scale" in switch)
    assert any(key.startswith("auxiliary.") for key in state) == ("auxiliary" in switch)
    record = json.loads((place / "mine" / "pretraining.json").read_text())
    assert record["backbone"] == f"{INCEPTION},{switch}"
    assert record["training"]["recipe"]["label_smoothing"] == in_recipe
    with safe_open(final, framework="pt") as file:
        said = json.loads(file.metadata()["penultimate"])
    key, _, value = switch.partition("=")
    values = {"on": True, "off": False}
    assert said["switches"] == {key: values[value] if value in values else float(value)}
    name = f"{INCEPTION}@{final}"
    outcome = penultimate("run", "--data", photos, "--backbone", name, "--store", "s", "--json")
    assert outcome.code == 0, outcome.err


def test_the_papers_recipe_needs_to_be_told_how_long(place, penultimate, photos):
    outcome = penultimate("pretrain", "paper:resnet50", "--data", photos, "-o", "mine")
    assert "how long the paper trained is not known here" in outcome.sentence
    assert not (place / "mine").exists()


def test_a_training_that_diverged_says_so_again(place, penultimate, photos):
    def run() -> str:
        return again(penultimate, photos, "--learning-rate", "1e38", "--quiet").sentence

    first = run()
    record = json.loads((place / "mine" / "pretraining.json").read_text())
    assert record["status"] == "diverged"
    assert record["reason"] in first
    assert run() == first
