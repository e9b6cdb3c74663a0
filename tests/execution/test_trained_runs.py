"""Runs that train a network: the whole grid in the record, shared, and what is said of failures."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import safe_open
from study_folders import Small, network, own, probe
from trained_studies import CELLS, FINE, SCRATCH, left, of, same_left, tidied, trained_study

import penultimate as pn
from penultimate.backbones.timm import build_timm
from penultimate.errors import BackboneError, DataError, SpecError, StoreError
from penultimate.execution.predict import predict_images
from penultimate.spec import FineTune, FromScratch


def test_the_record_shows_the_whole_grid(done: tuple[Path, pn.StudyResults]) -> None:
    result = of(done[1], "fine-tune")
    grid = {(c.settings["learning_rate"], c.settings["weight_decay"]) for c in result.selection}
    assert grid == set(FINE.cells())
    assert len(result.selection) == CELLS
    assert all(c.settings["steps"] == 12 for c in result.selection)
    diverged = [c for c in result.selection if c.settings["learning_rate"] == 1e6]
    for candidate in diverged:
        assert (candidate.score, candidate.loss, candidate.converged) == (None, None, False)
        assert candidate.status.startswith("diverged: the loss ")
    best = max((c for c in result.selection if c not in diverged), key=lambda c: (c.score, -c.loss))
    assert result.chosen == best.settings
    assert result.final.settings == best.settings
    assert result.final.view == best.view
    (notice,) = result.notices
    assert "2 of the grid's 6 cells diverged, with learning rates 1e+06" in notice


def test_each_training_has_its_own_record_with_its_curve(
    done: tuple[Path, pn.StudyResults],
) -> None:
    store, result = done[1].store, of(done[1], "fine-tune")
    for candidate in result.selection:
        record = store.trainings.get(candidate.training)
        assert record.training.parts == ("train",)
        assert record.training.recipe.learning_rate == candidate.settings["learning_rate"]
        assert record.training.recipe.weight_decay == pytest.approx(
            candidate.settings["weight_decay"] / candidate.settings["learning_rate"]
        )
        curve = store.trainings.curve(candidate.training)
        assert len(curve) == record.steps
        if candidate.converged:
            assert record.scores[candidate.view] == candidate.score
            assert record.scores.keys() == record.losses.keys() == {"whole", "central"}
    final = store.trainings.get(result.final.training)
    assert final.training.parts == ("train", "val")
    assert final.scores == {}
    assert result.durations.keys() == {"selection", "final_fit", "test"}
    assert result.images_per_second == final.images_per_second


def test_the_result_is_what_its_predictions_say(done: tuple[Path, pn.StudyResults]) -> None:
    for result in done[1].results:
        predictions = done[1].store.predictions(result)
        right = predictions["label"].astype(str) == predictions["predicted"].astype(str)
        assert result.score == pytest.approx(right.mean())
        assert len(predictions) == result.n_test == 8
        assert result.interval.low <= result.score <= result.interval.high


def test_the_frame_has_the_settings_that_were_chosen(done: tuple[Path, pn.StudyResults]) -> None:
    frame = done[1].frame().set_index("method")
    assert set(frame.index) == {"linear-probe", "fine-tune", "from-scratch"}
    assert frame["learning_rate"].notna().tolist() == frame["l2"].isna().tolist()
    assert frame.loc["fine-tune", "steps"] == 12
    assert frame["converged"].all()  # cells that diverge are what a grid is for


def test_the_fine_tuned_network_is_kept_and_predicts_what_was_scored(
    done: tuple[Path, pn.StudyResults],
) -> None:
    photos, results = done
    for method in ("fine-tune", "from-scratch"):
        result = of(results, method)
        path = results.store.artefact(result, "network")
        with safe_open(path, framework="pt") as file:
            card = json.loads(file.metadata()["penultimate"])
        assert card["classes"] == ["a", "b", "c"]
        scored = results.store.predictions(result)
        images = [photos / name for name in scored["example_id"]]
        predictions, unreadable = predict_images(results.store, result, images)
        assert unreadable == []
        assert [p.top(1)[0][0] for p in predictions] == scored["predicted"].astype(str).tolist()
        reached = np.array([p.top(1)[0][1] for p in predictions])
        np.testing.assert_allclose(reached, scored["p_predicted"], atol=1e-6)


def test_logs_for_tensorboard_hold_the_curves(done: tuple[Path, pn.StudyResults]) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    photos, results = done
    result = of(results, "fine-tune")
    chosen = next(c for c in result.selection if c.settings == result.chosen)
    (folder,) = (photos.parent / "logs").rglob(f"*{chosen.training[:8]}")
    events = EventAccumulator(str(folder)).Reload()
    curve = results.store.trainings.curve(chosen.training)
    for name in ("loss", "learning_rate"):
        logged = events.Scalars(f"train/{name}")
        assert [e.step for e in logged] == list(range(1, 13))
        np.testing.assert_allclose([e.value for e in logged], curve[name], rtol=1e-5)
    (validation,) = events.Scalars(f"validation/{chosen.view}")
    assert (validation.step, validation.value) == (12, pytest.approx(chosen.score))


def test_nothing_is_computed_twice(done: tuple[Path, pn.StudyResults]) -> None:
    photos, results = done
    folder = results.store.root / "trainings"
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*")}
    again = pn.run(trained_study(photos, probe(), FINE, SCRATCH), results.store)
    assert again.computed == 0
    assert before == {
        p: p.stat().st_mtime_ns for p in (results.store.root / "trainings").rglob("*")
    }


def copied(done: tuple[Path, pn.StudyResults], store: Path) -> pn.ResultStore:
    shutil.copytree(done[1].store.root, store)
    return pn.ResultStore(store)


def test_a_larger_grid_trains_only_the_cells_that_are_new(
    done: tuple[Path, pn.StudyResults], store: Path
) -> None:
    kept = copied(done, store)
    before = set(kept.trainings.records())
    larger = FINE.model_copy(update={"learning_rates": (0.01, 0.05, 0.1)})
    results = pn.run(trained_study(done[0], larger), kept)
    assert results.computed == 1
    new = [r for d, r in kept.trainings.records().items() if d not in before]
    rates = [r.training.recipe.learning_rate for r in new if r.training.parts == ("train",)]
    assert rates == [0.05, 0.05]
    tidied(store)


def test_from_scratch_is_one_run_whatever_weights_the_name_has(
    done: tuple[Path, pn.StudyResults], store: Path, tmp_path: Path
) -> None:
    weights = tmp_path / "weights.pth"
    torch.save(build_timm("test_resnet@random", seed=7).network.state_dict(), weights)
    pretrained = network(name=f"test_resnet@{weights}")
    results = pn.run(trained_study(done[0], SCRATCH, backbones=[pretrained]), copied(done, store))
    assert results.computed == 0
    assert results.frame()["backbone"].tolist() == [f"test_resnet@{weights}"]
    (result,) = results.results
    assert result.digest == of(done[1], "from-scratch").digest


def test_from_scratch_alone_needs_no_weights(
    done: tuple[Path, pn.StudyResults], store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    online = network(name="test_resnet")  # its weights would have to be downloaded
    results = pn.run(trained_study(done[0], SCRATCH, backbones=[online]), copied(done, store))
    assert results.computed == 0


def test_fine_tuning_begins_with_the_weights_of_the_name(
    done: tuple[Path, pn.StudyResults], store: Path, tmp_path: Path
) -> None:
    weights = tmp_path / "weights.pth"
    torch.save(build_timm("test_resnet@random", seed=7).network.state_dict(), weights)
    one = FINE.model_copy(update={"learning_rates": (0.1,), "weight_decays": (0.0,)})
    pretrained = network(name=f"test_resnet@{weights}")
    results = pn.run(trained_study(done[0], one, backbones=[pretrained]), store)
    (result,) = results.results
    assert result.run.weights != of(done[1], "fine-tune").run.weights
    (candidate,) = result.selection
    loss = results.store.trainings.curve(candidate.training)["loss"]
    assert loss[0] == pytest.approx(np.log(3))  # the new layer starts at zero
    others = of(done[1], "fine-tune").selection
    (random,) = [c for c in others if c.settings == candidate.settings]
    assert done[1].store.trainings.curve(random.training)["loss"][5] != loss[5]


def test_settings_that_change_nothing_are_no_identity(
    done: tuple[Path, pn.StudyResults], store: Path
) -> None:
    whole = FINE.model_copy(update={"micro_batch": 6})  # the whole batch
    assert pn.run(trained_study(done[0], whole), copied(done, store)).computed == 0
    halves = FINE.model_copy(update={"micro_batch": 3, "learning_rates": (0.1,)})
    results = pn.run(trained_study(done[0], halves), store)
    assert results.computed == 1
    assert results.results[0].run.method.micro_batch == 3
    record = results.store.trainings.get(results.results[0].final.training)
    assert record.training.recipe.micro_batch == record.micro_batch == 3


def test_halving_keeps_every_rung_and_chooses_at_full_length(photos: Path, store: Path) -> None:
    settings = FineTune(
        steps=150,
        batch_size=6,
        learning_rates=(0.003, 0.01, 0.03),
        weight_decays=(0.0,),
        search="halving",
    )
    results = pn.run(trained_study(photos, settings), store)
    (result,) = results.results
    steps = [c.settings["steps"] for c in result.selection]
    assert steps == [50] * 3 + [150]
    assert result.chosen["steps"] == 150
    for candidate in result.selection:
        curve = results.store.trainings.curve(candidate.training)
        assert curve["learning_rate"].iloc[-1] < 0.01 * candidate.settings["learning_rate"]
    assert pn.run(trained_study(photos, settings), store).computed == 0


def test_the_same_study_in_two_stores_gives_the_same_numbers(photos: Path, tmp_path: Path) -> None:
    quick = FINE.model_copy(update={"learning_rates": (0.1,)})
    for name, workers, limit in (("x", 1, None), ("y", 3, 0)):
        pn.run(
            trained_study(photos, quick),
            tmp_path / name,
            workers=workers,
            pixel_cache_limit=limit,
        )
    same_left(tmp_path / "x", tmp_path / "y")
    assert not list((tmp_path / "y" / "pixels").rglob("pixels.bin"))


def test_memory_that_is_short_makes_another_run_with_smaller_micro_batches(
    photos: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first convolution fails as one does on a GPU, whenever it is given more than 3 images."""
    forward = torch.nn.Conv2d.forward

    def short(self: torch.nn.Conv2d, images: torch.Tensor) -> torch.Tensor:
        if self.training and len(images) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(self, images)

    monkeypatch.setattr(torch.nn.Conv2d, "forward", short)
    one = FINE.model_copy(update={"learning_rates": (0.1,)})
    results = pn.run(trained_study(photos, one), store)
    (result,) = results.results
    assert result.run.method.micro_batch == 3
    assert "micro-batches of 6 images do not fit into memory" in result.notices[0]
    assert pn.run(trained_study(photos, one), store).computed == 0
    monkeypatch.undo()
    asked = one.model_copy(update={"micro_batch": 3})
    assert pn.run(trained_study(photos, asked), store).computed == 0
    whole = pn.run(trained_study(photos, one), store)  # a machine with more memory
    assert whole.computed == 1
    tidied(store)


def test_what_cannot_be_trained_is_told_before_anything_is_computed(
    photos: Path, store: Path, tmp_path: Path
) -> None:
    with pytest.raises(BackboneError, match=r"mine brings its own transform.*linear-probe"):
        pn.run(trained_study(photos, backbones=[own(Small())]), store)
    with pytest.raises(SpecError, match="batch_size 64 is larger than the 21 training images"):
        pn.run(trained_study(photos, FineTune(batch_size=64)), store)
    given = tmp_path / "given"
    given.mkdir()
    random = np.random.default_rng(0)
    np.save(given / "features.npy", random.normal(size=(30, 8)).astype(np.float32))
    np.save(given / "labels.npy", np.repeat(["x", "y", "z"], 10))
    with pytest.raises(BackboneError, match=r"features and no network to train.*linear-probe"):
        pn.run(trained_study(photos, backbones=[f"features:{given}"]), store)
    with pytest.raises(DataError, match="has features and no images, so there is nothing for fine"):
        pn.run(trained_study(photos, tasks=[f"features:{given}"]), store)
    assert pn.ResultStore(store).digests() == []
    assert not (store / "trainings").exists()


def test_a_grid_that_diverges_everywhere_fails_with_the_remedy_and_ends_no_other_run(
    photos: Path, store: Path
) -> None:
    hopeless = FINE.model_copy(update={"learning_rates": (1e6,)})
    with pytest.raises(pn.StudyFailedError, match=r"1 of 2 runs failed.*every cell.*smaller") as e:
        pn.run(trained_study(photos, hopeless, SCRATCH), store)
    assert [r.run.method.name for r in e.value.results.results] == ["from-scratch"]


def test_a_batch_of_one_is_refused_where_there_is_batch_norm(photos: Path, store: Path) -> None:
    with pytest.raises(pn.StudyFailedError, match="single image for the network's batch norm"):
        pn.run(trained_study(photos, FineTune(batch_size=1, steps=2)), store)


def test_a_damaged_network_file_is_named(done: tuple[Path, pn.StudyResults], store: Path) -> None:
    kept = copied(done, store)
    result = of(done[1], "fine-tune")
    path = kept.artefact(result, "network")
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(StoreError, match=r"network.safetensors is not the trained network .*again"):
        predict_images(kept, result, [done[0] / "a" / "0000.png"])


def test_a_checkpoint_of_another_training_is_refused(photos: Path, store: Path) -> None:
    one = FINE.model_copy(update={"learning_rates": (0.1,), "weight_decays": (0.0,)})
    torch.save({"format": 1, "identity": "another"}, store.parent / "other.pt")
    pn.run(trained_study(photos, one), store)
    digests = sorted(p for p in (store / "trainings").iterdir())
    shutil.rmtree(store / "runs")
    for folder in digests:
        shutil.copy(store.parent / "other.pt", folder / "checkpoint.pt")
        (folder / "record.json").unlink()
    with pytest.raises(pn.StudyFailedError, match=r"checkpoint.pt is the checkpoint of another"):
        pn.run(trained_study(photos, one), store)


def test_scores_are_of_the_task_s_measure(photos: Path, store: Path) -> None:
    one = FINE.model_copy(update={"learning_rates": (0.1,), "weight_decays": (0.0,)})
    for measure in ("top-1", "mean-per-class"):
        task = {"source": f"folder:{photos}", "measure": measure}
        results = pn.run(trained_study(photos, one, tasks=[task]), store)
        assert results.computed == 1
        (candidate,) = results.results[0].selection
        record = results.store.trainings.get(candidate.training)
        assert record.training.measure == measure
    assert len(left(store)) == 2 * (1 + 1 + 1)


def test_several_labels_an_image_are_trained_and_predicted(photos: Path, store: Path) -> None:
    rows = [
        {"path": f"{name}/{i:04d}.png", "labels": "a|b" if i % 3 == 0 else name}
        for name in "abc"
        for i in range(12)
    ]
    pd.DataFrame(rows).to_csv(photos / "labels.csv", index=False)
    one = FromScratch(steps=12, batch_size=6, learning_rates=(0.1,), weight_decays=(1e-4,))
    results = pn.run(trained_study(photos, one, tasks=[f"csv:{photos / 'labels.csv'}"]), store)
    (result,) = results.results
    assert result.measure == "mean-average-precision"
    predictions = results.store.predictions(result)
    assert {"label:a", "log_odds:a", "label:b"} <= set(predictions)
    images = [photos / name for name in predictions["example_id"]]
    found, _ = predict_images(results.store, result, images)
    log_odds = predictions[[f"log_odds:{name}" for name in result.classes]].to_numpy()
    np.testing.assert_allclose(
        [p.probabilities for p in found], 1 / (1 + np.exp(-log_odds)), atol=1e-6
    )


def test_torchrun_is_refused_with_what_to_do_instead(
    photos: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
    with pytest.raises(pn.StudyFailedError, match=r"without torchrun, .*CUDA_VISIBLE_DEVICES"):
        pn.run(trained_study(photos), store)
