"""Each mistake a user can make: one sentence with the remedy, and nothing computed is lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from penultimate.store import SCHEMA_VERSION, ResultStore


@pytest.fixture
def results(feature_run, place) -> Path:
    """A store with a finished run, beside which mistakes are made."""
    return place / "store"


@pytest.fixture
def mistakes(place, photos):
    """What a user may name by mistake."""
    (place / "empty").mkdir()
    (place / "single" / "only").mkdir(parents=True)
    (place / "single" / "only" / "0.png").write_bytes((photos / "crow" / "0.png").read_bytes())
    (place / "text.txt").write_text("hi, I am no checkpoint")
    (place / "labels.csv").write_text("path,lable\nsingle/only/0.png,crow\n")
    (place / "typo.toml").write_text(
        'seeds = [0]\nbackbones = [\n  "test_vit@random",\n  "test_vti@random",\n]\n'
        f"tasks = ['folder:{photos}']\n"
    )
    (place / "key.toml").write_text('backbone = ["test_vit@random"]\ntasks = ["digits"]\n')
    (place / "weights.toml").write_text(
        f"tasks = ['folder:{photos}']\nbackbones = ['test_vit@randm']\n"
    )
    (place / "runs" / "unfinished").mkdir(parents=True)
    return place


DATA = ("--data", "PHOTOS")
VIT = ("--backbone", "test_vit@random")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        # of the images
        (("--data", "empty", *VIT), ["no images found in", "empty", "one folder for each class"]),
        (("--data", "single", *VIT), ["'single' has only one class, 'only'", "at least two"]),
        (("--data", "none", *VIT), ["'none'", "--data takes a folder", "digits, glyphs"]),
        (("--data", "digts", *VIT), ["'digts'", "did you mean 'digits'"]),
        (("--data", "folder:none", *VIT), ["none does not exist", "check the path"]),
        (("--data", "labels.csv", *VIT), ["labels.csv", "no column 'label'", "rename 'lable'"]),
        ((*DATA, *VIT, "--strict"), ["broken [x].png", "leave out --strict"]),
        (VIT, ["no images are given: add --data"]),
        # of the networks
        (DATA, ["no backbone is given: add --backbone"]),
        ((*DATA, "--backbone", "test_vti@random"), ["'test_vti@random'", "'test_vit@random'"]),
        ((*DATA, "--backbone", "tset_vit"), ["no backbone 'tset_vit'", "test_vit"]),
        ((*DATA, "--backbone", "test_vit@packge"), ["'test_vit@packge'", "did you mean"]),
        ((*DATA, "--backbone", "test_vit@package"), ["@package", "tf_efficientnet_lite0@package"]),
        ((*DATA, "--backbone", "test_vit@none.pth"), ["no file none.pth", "checkpoint's path"]),
        ((*DATA, "--backbone", "test_vit@text.txt"), ["text.txt", "checkpoint"]),
        ((*DATA, "--backbone", "local-dir:none"), ["local-dir:none", "config.json"]),
        ((*DATA, "--backbone", "features:none"), ["none/features.npy"]),
        ((*DATA, *VIT, *VIT), ["'test_vit@random' more than once"]),
        ((*DATA, *VIT, "--image-size", "7"), ["test_vit@random"]),
        # of the command line
        ((*DATA, *VIT, "--method", "lineer-probe"), ["'lineer-probe'", "'linear-probe'"]),
        ((*DATA, *VIT, "--method", "forest"), ["no method 'forest'", "linear-probe"]),
        ((*DATA, *VIT, "--geometry", "round"), ["--geometry", "shorter-side-crop"]),
        ((*DATA, *VIT, "--image-size", "0"), ["--image-size", "x>=1"]),
        ((*DATA, *VIT, "--seed", "one"), ["--seed", "'one' is not a whole number"]),
        ((*DATA, *VIT, "--seed", str(2**70)), [str(2**70), "less than"]),
        ((*DATA, *VIT, "--bckbone", "x"), ["--bckbone", "did you mean '--backbone'", "--help"]),
        ((*DATA, *VIT, "--device", "mps"), ["no device 'mps'", "leave it out"]),
        # of the study file
        (("none.toml",), ["no study file none.toml", "penultimate init"]),
        (("typo.toml",), ["typo.toml, line 4", "'test_vti@random'", "'test_vit@random'"]),
        (("weights.toml",), ["weights.toml, line 2", "did you mean 'test_vit@random'"]),
        (("key.toml",), ["key.toml, line 1", "did you mean 'backbones'"]),
        (("text.txt",), ["text.txt is not valid TOML", "line 1"]),
        (("empty",), ["empty is a folder", "--data empty"]),
        (("typo.toml", *VIT), ["study file and --backbone cannot go together", "typo.toml"]),
        (("typo.toml", "--seed", "1"), ["--seed cannot go together"]),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, tuple) else "",
)
def test_of_a_run_is_one_sentence_and_keeps_what_is_finished(
    penultimate, results, mistakes, photos, arguments, said
):
    import torch

    if "mps" in arguments and torch.backends.mps.is_available():
        pytest.skip("this machine has the device")
    before = ResultStore(results).digests()
    arguments = [str(photos) if argument == "PHOTOS" else argument for argument in arguments]
    sentence = penultimate("run", *arguments, "--store", results).sentence
    for words in said:
        assert words in sentence
    assert ResultStore(results).digests() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("rnu",), ["no command 'rnu'", "did you mean 'run'"]),
        (("list", "backbone"), ["'backbone'", "'backbones'"]),
        (("list", "backbones", "resnt50"), ["'resnt50'", "'resnet50'"]),
        (("list", "backbones", "zzzzzz"), ["'zzzzzz'", "'resnet*'"]),
        (("results", "none"), ["no results store at none", "penultimate run"]),
        (("results", "text.txt"), ["text.txt is a file"]),
        (("results", "single"), ["no results store at single"]),
        (("results", "store", "--json", "--csv"), ["--json and --csv", "choose one"]),
        (("report", "none"), ["no results store at none"]),
        (("report", "store", "-o", "empty"), ["empty cannot be written (Is a directory)"]),
        (("report", "store", "-o", "text.txt/x"), ["text.txt/x cannot be written"]),
        (("predict", "0" * 8, "x.png", "--store", "store"), ["'00000000'", "penultimate results"]),
        (("predict", "resnet", "x.png", "--store", "none"), ["no results store at none"]),
        (("predict", "runs/unfinished", "x.png"), ["runs/unfinished is no finished run"]),
        (("predict", "abc"), ["missing argument 'IMAGES...'", "--help"]),
        (("predict", "STORED", "x.png", "--store", "store"), ["features without a network"]),
        (("init", "typo.toml"), ["typo.toml exists", "--force"]),
        (("init", "text.txt/x.toml"), ["text.txt/x.toml cannot be written"]),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, tuple) else "",
)
def test_of_another_command_is_one_sentence(penultimate, results, mistakes, arguments, said):
    (digest,) = ResultStore(results).digests()
    arguments = [digest[:10] if argument == "STORED" else argument for argument in arguments]
    sentence = penultimate(*arguments).sentence
    for words in said:
        assert words in sentence


class TestStore:
    @pytest.mark.parametrize("command", ["run", "results", "report"])
    def test_of_a_newer_schema_asks_for_an_upgrade_and_is_left_alone(
        self, penultimate, results, features, command
    ):
        marker = results / "store.json"
        marker.write_text(json.dumps({"schema_version": SCHEMA_VERSION + 1}))
        before = sorted(results.rglob("*"))
        arguments = {"run": ["--backbone", f"features:{features}", "--store", results]}
        outcome = penultimate(command, *arguments.get(command, [results]))
        assert "pip install --upgrade penultimate" in outcome.sentence
        assert sorted(results.rglob("*")) == before

    @pytest.mark.parametrize("store", ["text.txt", "text.txt/inside", "single", "/dev/null/x"])
    def test_that_cannot_be_one_is_refused_before_anything_is_computed(
        self, penultimate, mistakes, features, store
    ):
        outcome = penultimate("run", "--backbone", f"features:{features}", "--store", store)
        assert store in outcome.sentence
        assert "choose" in outcome.sentence

    def test_with_a_damaged_result_names_it(self, penultimate, results):
        (digest,) = ResultStore(results).digests()
        path = results / "runs" / digest / "result.json"
        path.write_text("{")
        assert f"{path} is not JSON" in penultimate("results", results).sentence


class TestCheckpoint:
    def test_of_another_architecture_names_the_keys_that_do_not_fit(
        self, penultimate, place, photos
    ):
        import timm
        import torch

        torch.save(timm.create_model("test_resnet").state_dict(), place / "other.pth")
        outcome = penultimate("run", "--data", photos, "--backbone", "test_vit@other.pth")
        for words in ("other.pth does not fit", "missing", "cls_token", "unexpected", "before '@'"):
            assert words.replace("before '@'", "before the '@'") in outcome.sentence


class TestNoNetwork:
    def test_says_that_weights_would_be_downloaded_and_names_the_offline_ways(
        self, penultimate, place, photos, tmp_path, monkeypatch
    ):
        import huggingface_hub

        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        outcome = penultimate("run", "--data", photos, "--backbone", "test_vit")
        for words in ("test_vit", "cannot be downloaded", "@CHECKPOINT", "local-dir:", "@package"):
            assert words in outcome.sentence


class TestFullDisk:
    def test_is_one_sentence_and_the_same_command_goes_on_when_there_is_room(
        self, penultimate, place, features, first_feature_run
    ):
        """A real file system of one megabyte, filled up by a file beside the store."""
        disk = place / "disk"
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
        if os.name != "posix" or subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("mounting a small disk is not permitted here")
        try:
            run = ("run", "--backbone", f"features:{features}", "--store", disk / "store")
            shutil.copytree(first_feature_run[1], disk / "store")
            (first,) = ResultStore(disk / "store").digests()
            fill(disk / "filler")
            sentence = penultimate(*run, "--seed", "1").sentence
            assert "no space is left on the disk that holds" in sentence
            assert "run the same command again; what is finished is kept" in sentence
            kept = json.loads(penultimate("results", disk / "store", "--json").out)
            assert [row["run"] for row in kept] == [first]
            (disk / "filler").unlink()
            assert penultimate(*run, "--seed", "1").code == 0
            assert len(ResultStore(disk / "store").digests()) == 2
        finally:
            subprocess.run(["umount", "-l", str(disk)], check=True)

    def test_behind_standard_output_is_one_sentence(self, shell, results):
        with Path("/dev/full").open("w") as full:
            outcome = shell("results", results, "--json", stdout=full)
        assert "the output could not be written (No space left on device)" in outcome.sentence


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 1024):
                pass
        except OSError:
            pass


class TestInstalledCommand:
    """A few of the above through the command as it is installed."""

    @pytest.mark.parametrize(
        ("arguments", "code", "said"),
        [
            (("rnu",), 2, "did you mean 'run'"),
            (("run",), 1, "no backbone is given"),
            (("results", "none"), 1, "no results store at none"),
            (("run", "key.toml"), 1, "did you mean 'backbones'"),
            (("run", "--data", "none", *VIT), 1, "'none'"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
    )
    def test_answers_in_one_sentence(self, shell, mistakes, arguments, code, said):
        outcome = shell(*arguments)
        assert outcome.code == code
        assert said in outcome.sentence

    def test_shows_help_where_a_command_is_missing(self, shell):
        for arguments in ((), ("list",)):
            outcome = shell(*arguments)
            assert outcome.code == 2
            assert outcome.out == ""
            assert outcome.err.startswith("Usage: penultimate")
