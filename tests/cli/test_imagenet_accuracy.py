"""``penultimate imagenet-accuracy``: a table or JSON, and on how many images it was measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import timm
from PIL import Image

from penultimate.backbones import PACKAGES

LITE = "tf_efficientnet_lite0"


class TestMeasuring:
    @pytest.fixture
    def imagenet(self, place) -> Path:
        """A photograph of a daisy, and folders for all classes."""
        photographs = pytest.importorskip("sklearn.datasets").load_sample_images()
        names = timm.data.ImageNetInfo()
        for index in range(1000):
            (place / "imagenet" / "val" / names.index_to_label_name(index)).mkdir(parents=True)
        daisy = place / "imagenet" / "val" / names.index_to_label_name(985) / "flower.png"
        Image.fromarray(photographs.images[1]).save(daisy)
        return place / "imagenet"

    def test_prints_the_accuracy_and_says_on_how_many_images(self, penultimate, imagenet) -> None:
        pytest.importorskip(PACKAGES[LITE].module)
        outcome = penultimate("imagenet-accuracy", f"{LITE}@package", "--data", imagenet)
        assert outcome.code == 0, outcome.err
        assert "top-1 100.00 %" in outcome.out
        assert "measured on 1 of 50,000 images" in outcome.out
        assert "measured on 1 of 50,000 images" in outcome.err
        again = penultimate(
            "imagenet-accuracy",
            f"{LITE}@package",
            "test_resnet@random",
            "--data",
            imagenet,
            "--json",
        )
        first, second = json.loads(again.out)
        assert (first["backbone"], first["top1"], first["images"]) == (f"{LITE}@package", 1.0, 1)
        assert (first["computed"], second["computed"]) == (False, True)
        assert first["preprocessing"]["crop_pct"] == 0.875
        assert second["top1"] == 0.0
        assert "not computed again" in again.err

    def test_on_fewer_images_says_that_the_other_is_kept(self, penultimate, imagenet) -> None:
        second = imagenet / "val" / timm.data.ImageNetInfo().index_to_label_name(0) / "a.png"
        Image.new("RGB", (64, 64)).save(second)
        command = ("imagenet-accuracy", "test_resnet@random", "--data", imagenet)
        assert "measured on 2 of 50,000" in penultimate(*command).err
        second.unlink()
        fewer = penultimate(*command)
        assert "measured on 1 of 50,000" in fewer.out
        assert "the accuracy on 2 images that was measured before is kept" in fewer.err

    def test_without_images_is_one_sentence(self, penultimate, place) -> None:
        (place / "empty").mkdir()
        outcome = penultimate("imagenet-accuracy", "test_resnet@random", "--data", "empty")
        assert "empty" in outcome.sentence

    def test_of_an_unknown_name_is_one_sentence(self, penultimate, imagenet) -> None:
        outcome = penultimate("imagenet-accuracy", "resnet5O@random", "--data", imagenet)
        assert "resnet50@random" in outcome.sentence
