"""What figures need of a run reaches its result: how its network was trained, images a step."""

from __future__ import annotations

from pathlib import Path

import pytest
from study_folders import network, study

import penultimate as pn
from penultimate.backbones.paper.build import build_paper
from penultimate.backbones.paper.checkpoint import save_paper
from penultimate.report.figure_frames import figure_frame
from penultimate.report.over_runs import images_a_step

DEFAULT = {
    "batch_norm_scale": True,
    "label_smoothing": 0.0,
    "dropout": 0.0,
    "auxiliary_head": False,
}
OTHER = {"dropout": 0.2, "label_smoothing": 0.1}


@pytest.fixture
def results(tmp_path: Path, photos: Path) -> pn.StudyResults:
    """A probe of a plain network, of one with other settings under a label, and of timm's."""
    plain, other = tmp_path / "plain.safetensors", tmp_path / "other.safetensors"
    save_paper(build_paper("mobilenet_v1", seed=0, num_classes=2), plain)
    save_paper(build_paper("mobilenet_v1", seed=0, num_classes=2, **OTHER), other)
    backbones = [
        pn.Backbone(name=f"paper:mobilenet_v1@{plain}", image_size=32, label="plain"),
        pn.Backbone(name=f"paper:mobilenet_v1@{other}", image_size=32, label="other"),
        network(),
    ]
    return pn.run(study(photos, backbones=backbones), tmp_path / "store")


def test_what_a_file_says_is_in_the_result_and_in_the_figure(results: pn.StudyResults) -> None:
    recorded = {r.spec.backbone.display: r.network.switches for r in results.results}
    assert recorded == {"plain": DEFAULT, "other": DEFAULT | OTHER, "test_resnet@random": None}
    said: list[str] = []
    frame = figure_frame(results.store, "training-settings", note=said.append)
    rows = frame.set_index("backbone")
    assert list(rows["network"].unique()) == ["mobilenet_v1"]
    assert rows.loc["other", ["label_smoothing", "dropout"]].tolist() == [True, True]
    assert not rows.loc["plain", ["label_smoothing", "dropout", "auxiliary_head"]].any()
    assert said == ["left out, because how they were trained is not known: test_resnet@random"]


def test_images_a_step_are_known_where_the_settings_leave_them_to_the_data(
    done: tuple[Path, pn.StudyResults],
) -> None:
    results = done[1]
    (fine,) = (r for r in results.results if r.spec.method.name == "fine-tune")
    recipe = results.store.trainings.get(fine.final.training).training.recipe
    left = fine.run.under(fine.run.method.model_copy(update={"batch_size": None}))
    assert images_a_step(results.store, fine.model_copy(update={"run": left})) == recipe.batch_size
    assert images_a_step(results.store, fine) == recipe.batch_size
