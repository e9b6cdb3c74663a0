"""What a file of the paper's weights says of its training, and what becomes of that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from penultimate.backbones import resolve
from penultimate.backbones.paper import build_paper, save_paper
from penultimate.backbones.paper.named import digest_paper
from penultimate.errors import CheckpointError
from penultimate.spec import Backbone, Pretrained, SourceScore

NAME = "paper:mobilenet_v1"

pytestmark = pytest.mark.usefixtures("one_thread")


def said(**changes: Any) -> Pretrained:
    record = {
        "task": "glyphs",
        "source": "glyphs",
        "data": "d" * 64,
        "classes": ("a", "b"),
        "learned_from": ("train",),
        "image_size": 40,
        "step": 60,
        "steps": 90,
        "recipe": {"steps": 90, "batch_size": 8, "learning_rate": 0.1},
        "seed": 3,
        "evaluation": "whole",
        "scores": (
            SourceScore(part="val", measure="top-1", score=0.25, images=8, top1=0.25),
            SourceScore(part="test", measure="mean-per-class", score=0.5, images=16, top1=0.75),
        ),
        "weights": "",
        "training": "e" * 64,
    }
    return Pretrained.model_validate(record | changes)


def saved(folder: Path, **changes: Any) -> Path:
    """A file of weights that says so of itself."""
    network = build_paper("mobilenet_v1", seed=5, num_classes=2)
    path = folder / "trained.safetensors"
    weights = digest_paper(network, features_only=True)
    save_paper(network, path, said(**{"weights": weights} | changes))
    return path


def test_features_are_taken_at_the_size_that_it_was_trained_at(tmp_path: Path) -> None:
    path = saved(tmp_path)
    assert resolve(Backbone(name=f"{NAME}@{path}")).preprocessing.size == 40
    assert resolve(Backbone(name=f"{NAME}@{path}", image_size=64)).preprocessing.size == 64
    assert resolve(Backbone(name=f"{NAME}@random")).preprocessing.size == 224


def test_its_source_says_task_and_step(tmp_path: Path) -> None:
    found = resolve(Backbone(name=f"{NAME}@{saved(tmp_path)}"))
    assert found.source == "checkpoint trained.safetensors (glyphs, step 60 of 90)"


def test_its_training_changes_no_weight_and_no_identity(tmp_path: Path) -> None:
    plain = tmp_path / "plain.safetensors"
    save_paper(build_paper("mobilenet_v1", seed=5), plain)
    assert (
        resolve(Backbone(name=f"{NAME}@{saved(tmp_path)}")).weights
        == resolve(Backbone(name=f"{NAME}@{plain}")).weights
        == resolve(Backbone(name=f"{NAME}@random"), seed=5).weights
    )


def test_its_accuracy_is_what_the_task_measures_on_its_test_part(tmp_path: Path) -> None:
    found = resolve(Backbone(name=f"{NAME}@{saved(tmp_path)}")).published
    assert (found.task, found.measure, found.top1) == ("glyphs", "mean-per-class", 0.5)
    assert found.source == "measured on 16 test images after step 60 of 90"


@pytest.mark.parametrize(
    ("source", "classes", "is_imagenet"),
    [
        ("imagenet:/data/imagenet", 1000, True),
        ("imagenet", 1000, True),
        ("imagenet:/data/imagenet", 100, False),
        ("folder:/data/imagenet", 1000, False),
    ],
)
def test_only_all_classes_of_imagenet_make_an_imagenet_accuracy(
    source: str, classes: int, is_imagenet: bool, tmp_path: Path
) -> None:
    score = SourceScore(part="test", measure="mean-per-class", score=0.5, images=50_000, top1=0.75)
    names = tuple(f"n{number:08}" for number in range(classes))
    path = saved(tmp_path, source=source, task="imagenet", classes=names, scores=(score,))
    found = resolve(Backbone(name=f"{NAME}@{path}")).published
    assert found.images == 50_000
    assert (found.task, found.top1) == (("", 0.75) if is_imagenet else ("imagenet", 0.5))


def test_an_accuracy_counts_for_the_weights_it_was_measured_on_only(tmp_path: Path) -> None:
    path = saved(tmp_path)
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    state = load_file(path)
    key = "body.conv_stem.weight"
    save_file(state | {key: state[key] + 1}, path, metadata=metadata)
    found = resolve(Backbone(name=f"{NAME}@{path}"))
    assert found.published is None
    save_file(state, path, metadata=metadata)
    assert resolve(Backbone(name=f"{NAME}@{path}")).published is not None


def rewritten(path: Path, **changes: Any) -> Path:
    """The same file with other words on its training."""
    with safe_open(path, framework="pt") as file:
        record = json.loads(file.metadata()["penultimate"])
    record["pretrained"].update(changes)
    save_file(load_file(path), path, metadata={"penultimate": json.dumps(record)})
    return path


def test_what_a_later_version_says_besides_is_no_fault(tmp_path: Path) -> None:
    path = rewritten(saved(tmp_path), temperature=3)
    assert resolve(Backbone(name=f"{NAME}@{path}")).published.top1 == 0.5


@pytest.mark.parametrize(
    ("changes", "where"),
    [({"steps": "many"}, "steps"), ({"scores": []}, "scores"), ({"image_size": 0}, "image_size")],
)
def test_what_cannot_be_read_is_refused(changes: dict, where: str, tmp_path: Path) -> None:
    path = rewritten(saved(tmp_path), **changes)
    with pytest.raises(CheckpointError, match=rf"cannot read \({where}\): upgrade penultimate"):
        resolve(Backbone(name=f"{NAME}@{path}"))


def test_the_weights_come_back_as_they_were(tmp_path: Path) -> None:
    network = build_paper("mobilenet_v1", seed=5, num_classes=2)
    state = load_file(saved(tmp_path))
    assert state.keys() == network.state_dict().keys()
    assert all(torch.equal(state[key], value) for key, value in network.state_dict().items())
