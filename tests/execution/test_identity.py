"""What makes another run, what does not, and that nothing is computed twice."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from study_folders import Small, network, own, probe, runs, same, study, write_pictures

import penultimate as pn
from penultimate.backbones.timm import build_timm


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "weights.pth"
    torch.save(build_timm("test_resnet@random", seed=7).network.state_dict(), path)
    return path


def checkpoint(weights: Path, **settings: object) -> pn.Backbone:
    return network(name=f"test_resnet@{weights}", **settings)


def run(photos: Path, store: Path, *backbones: pn.Backbone, **settings: object) -> pn.StudyResults:
    return pn.run(study(photos, backbones=list(backbones) or None, **settings), store)


def touch(photos: Path, weights: Path) -> tuple[Path, Path]:
    for path in [*photos.rglob("*"), weights]:
        os.utime(path, (1e9, 1e9))
    return photos, weights


def move(photos: Path, weights: Path) -> tuple[Path, Path]:
    new = photos.parent / "elsewhere"
    new.mkdir()
    return photos.rename(new / "photos 2"), weights.rename(new / "other.pth")


def written_backwards(photos: Path, weights: Path) -> tuple[Path, Path]:
    """The same files, made in another order."""
    for path in sorted(photos.rglob("*.png"), reverse=True):
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)
    return photos, weights


def rewrapped(photos: Path, weights: Path) -> tuple[Path, Path]:
    """The same weights in a file of another form."""
    state = torch.load(weights, weights_only=True)
    torch.save({"epoch": 5, "state_dict": {f"module.{k}": v for k, v in state.items()}}, weights)
    return photos, weights


@pytest.mark.parametrize("change", [touch, move, written_backwards, rewrapped])
def test_dates_places_order_and_wrapping_are_no_identity(
    photos: Path, weights: Path, store: Path, change
) -> None:
    first = run(photos, store, checkpoint(weights))
    assert first.computed == 1
    photos, weights = change(photos, weights)
    again = run(photos, store, checkpoint(weights, label="another name"))
    assert runs(again) == runs(first)
    assert again.computed == 0
    assert list(again.frame()["backbone"]) == ["another name"]


def image(photos: Path, weights: Path) -> dict[str, object]:
    Image.new("RGB", (30, 20), "red").save(photos / "a" / "0000.png")
    return {}


def one_weight(photos: Path, weights: Path) -> dict[str, object]:
    state = torch.load(weights, weights_only=True)
    next(iter(state.values())).view(-1)[0] += 1e-6
    torch.save(state, weights)
    return {}


def label(photos: Path, weights: Path) -> dict[str, object]:
    (photos / "a" / "0000.png").rename(photos / "b" / "new.png")
    return {}


@pytest.mark.parametrize(
    "change",
    [
        image,
        one_weight,
        label,
        lambda *_: {"geometry": "shorter-side-crop"},
        lambda *_: {"image_size": 32},
        lambda *_: {"precision": "bfloat16"},
        lambda *_: {"methods": [probe(points=6)]},
        lambda *_: {"seeds": [1]},
    ],
    ids=["image", "weight", "label", "crop", "size", "precision", "method", "seed"],
)
def test_whatever_can_change_an_answer_makes_another_run(
    photos: Path, weights: Path, store: Path, change
) -> None:
    first = run(photos, store, checkpoint(weights))
    settings = change(photos, weights)
    of_study = {k: settings.pop(k) for k in ("methods", "seeds") if k in settings}
    again = run(photos, store, checkpoint(weights, **settings), **of_study)
    assert again.computed == 1
    assert set(runs(again)).isdisjoint(runs(first))


def test_names_and_order_of_backbones_and_tasks_are_no_identity(
    photos: Path, store: Path, tmp_path: Path
) -> None:
    other = write_pictures(tmp_path / "other", seed=5)
    one, two = network(), network(geometry="shorter-side-crop", label="crop")
    first = pn.run(study(photos, other, backbones=[one, two]), store)
    renamed = [two.model_copy(update={"label": "x"}), one.model_copy(update={"label": "y"})]
    again = pn.run(study(other, photos, backbones=renamed), store)
    assert (first.computed, again.computed) == (4, 0)
    assert set(runs(again)) == set(runs(first))
    assert set(again.frame()["backbone"]) == {"x", "y"}


def test_two_names_of_one_network_share_a_run(photos: Path, store: Path) -> None:
    results = pn.run(study(photos, backbones=[network(), network(label="twin")]), store)
    assert results.computed == 1
    assert len(results.results) == len(results.frame()) == 2
    assert len(set(runs(results))) == 1


def test_a_larger_study_computes_only_what_is_new(
    photos: Path, store: Path, tmp_path: Path
) -> None:
    pn.run(study(photos), store)
    written = {p: p.stat().st_mtime_ns for p in store.rglob("*") if p.is_file()}
    other = write_pictures(tmp_path / "other", seed=5)
    larger = pn.run(study(photos, other, seeds=[0, 1]), store)
    assert larger.computed == 3
    assert len(larger.frame()) == 4
    kept = {p: p.stat().st_mtime_ns for p in written if "runs" in p.parts or "features" in p.parts}
    assert all(written[path] == time for path, time in kept.items())
    again = pn.run(study(photos, other, seeds=[0, 1]), store)
    assert again.computed == 0
    assert again.frame().equals(larger.frame())


def test_the_seed_divides_the_data_and_begins_a_random_network(photos: Path, store: Path) -> None:
    results = pn.run(study(photos, seeds=[0, 1, 2]), store)
    made = [result.run for result in results.results]
    assert [run.seed for run in made] == [0, 1, 2]
    assert len({run.data for run in made}) == 3
    assert len({run.weights for run in made}) == 3


def test_the_seed_does_not_change_weights_that_are_given(
    photos: Path, weights: Path, store: Path
) -> None:
    results = run(photos, store, checkpoint(weights), seeds=[0, 1])
    assert len({result.run.weights for result in results.results}) == 1
    assert len(list((store / "features").iterdir())) == 1  # one extraction serves both splits


def test_the_same_study_in_two_stores_gives_the_same_numbers(photos: Path, tmp_path: Path) -> None:
    for name in "xy":
        pn.run(study(photos, seeds=[0, 1]), tmp_path / name, workers=1 if name == "x" else 5)
    same(tmp_path / "x", tmp_path / "y")


def test_a_network_of_the_user_s_own_goes_from_end_to_end(photos: Path, store: Path) -> None:
    results = pn.run(study(photos, backbones=[own(Small()), own(Small(1), "other")]), store)
    assert results.computed == 2
    frame = results.frame().set_index("backbone")
    assert set(frame.index) == {"mine", "other"}
    assert (frame["features"] == 12).all()
    assert frame["score"].between(0, 1).all()
    assert results.results[0].provenance.command == ""  # no file can hold it
    assert pn.run(study(photos, backbones=[own(Small(), "renamed")]), store).computed == 0


def test_weights_that_change_while_the_study_runs_are_no_result(
    photos: Path, weights: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution = sys.modules["penultimate.execution.run"]  # the package has a function of that name
    planned = execution.plan

    def then_change(*args, **settings):
        made = planned(*args, **settings)
        one_weight(photos, weights)
        return made

    monkeypatch.setattr(execution, "plan", then_change)
    with pytest.raises(pn.StudyFailedError, match="have changed while the study ran"):
        run(photos, store, checkpoint(weights))
    monkeypatch.undo()
    assert len(pn.ResultStore(store).digests()) == 0
    assert run(photos, store, checkpoint(weights)).computed == 1


def test_features_that_already_exist_are_used_by_id_and_looked_at_by_no_network(
    photos: Path, store: Path, tmp_path: Path
) -> None:
    ids = [path.relative_to(photos).as_posix() for path in sorted(photos.rglob("*.png"))]
    given = tmp_path / "given"
    given.mkdir()
    random = np.random.default_rng(2)
    matrix = random.normal(size=(36, 5)) + 9 * np.array([["abc".index(i[0])] for i in ids])
    np.save(given / "features.npy", matrix.astype(np.float32))
    (given / "ids.txt").write_text("\n".join(ids))
    first = run(photos, store, pn.Backbone(name=f"features:{given}"))
    assert first.frame()["score"].tolist() == [1.0]
    assert not (store / "features").exists()
    (given / "ids.txt").write_text("\n".join(random.permutation(ids)))
    again = run(photos, store, pn.Backbone(name=f"features:{given}"))
    assert again.computed == 1
    assert again.frame()["score"][0] < 1
