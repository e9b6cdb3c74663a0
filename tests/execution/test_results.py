"""What a finished run says, and what a failed one leaves."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from study_folders import NotANumber, Small, clean, network, own, skipped, study

import penultimate as pn
from penultimate.errors import (
    BackboneError,
    DataError,
    NewerSchemaError,
    StoreError,
    UnknownNameError,
)
from penultimate.execution.predict import predict_images


def test_the_result_is_what_its_artefacts_say(photos: Path, store: Path) -> None:
    results = pn.run(study(photos), store)
    (result,) = results.results
    predictions = results.store.predictions(result)
    assert list(predictions) == ["example_id", "label", "predicted", "p_predicted", "p_label"]
    assert len(predictions) == result.n_test
    right = predictions["label"].astype(str) == predictions["predicted"].astype(str)
    assert result.score == pytest.approx(right.mean())
    assert result.interval.low <= result.score <= result.interval.high
    assert (predictions["p_label"] <= predictions["p_predicted"]).all()
    assert (predictions["p_label"][right] == predictions["p_predicted"][right]).all()
    split = pd.read_csv(results.store.artefact(result, "split"))
    assert set(split["path"][split["split"] == "test"]) == set(predictions["example_id"])
    assert result.n_train + result.n_val + result.n_test == len(split) == 36
    best = max(result.selection, key=lambda c: (c.score, -c.loss, c.settings["l2"]))
    assert result.chosen == best.settings
    assert len(result.selection) == 5
    assert result.provenance.threads > 0
    assert result.provenance.engine["device"] == result.provenance.device


def test_the_command_in_the_result_repeats_it(photos: Path, store: Path) -> None:
    results = pn.run(study(photos), store)
    words = results.results[0].provenance.command.split()
    assert words[:2] == ["penultimate", "run"]
    assert pn.run(pn.load_study(Path(words[2])), store).computed == 0


def test_a_study_s_frame_has_its_own_runs_only(photos: Path, store: Path) -> None:
    pn.run(study(photos), store)
    crop = network(geometry="shorter-side-crop")
    results = pn.run(study(photos, backbones=[crop]), store)
    assert len(results.frame()) == 1
    assert len(results.store.frame()) == 2


def test_the_fitted_probe_predicts_as_it_was_scored(photos: Path, store: Path) -> None:
    results = pn.run(study(photos), store)
    (result,) = results.results
    expected = results.store.predictions(result)
    images = [photos / id_ for id_ in expected["example_id"]]
    (photos / "broken.png").write_text("no image")
    predictions, unreadable = predict_images(
        results.store, result, [*images, photos / "broken.png"], device="cpu"
    )
    assert [skipped.id for skipped in unreadable] == [str(photos / "broken.png")]
    assert [p.image for p in predictions] == images
    for prediction, row in zip(predictions, expected.itertuples(), strict=True):
        name, p = prediction.top(1)[0]
        assert name == row.predicted
        assert p == pytest.approx(row.p_predicted, abs=1e-4)
        assert prediction.probabilities.sum() == pytest.approx(1)


def test_one_failing_run_does_not_lose_the_others(photos: Path, store: Path) -> None:
    backbones = [own(Small(), "good"), own(NotANumber(), "bad"), network(label="also good")]
    with pytest.raises(pn.StudyFailedError) as caught:
        pn.run(study(photos, backbones=backbones), store)
    message = str(caught.value)
    assert message.startswith("1 of 3 runs failed, the first of bad on photos:")
    assert "NaN" in message
    results = caught.value.results
    assert sorted(results.frame()["backbone"]) == ["also good", "good"]
    assert [failure.spec.backbone.display for failure in results.failures] == ["bad"]
    assert results.computed == 2
    clean(store)
    with pytest.raises(pn.StudyFailedError) as again:
        pn.run(study(photos, backbones=backbones), store)
    assert again.value.results.computed == 0
    assert len(again.value.results.results) == 2


def messy(root: Path) -> dict[str, str]:
    """Add every kind of odd file to ``root/a``; returns those that no one can read, and why."""
    folder = root / "a"
    noise = np.random.default_rng(3).integers(0, 256, (40, 50, 4), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "rgba.png")
    Image.fromarray(noise).convert("CMYK").save(folder / "cmyk.jpg")
    deep = np.random.default_rng(4).integers(0, 65536, (40, 50), dtype=np.uint16)
    Image.fromarray(deep).save(folder / "deep.png")
    Image.fromarray(noise[..., 0]).save(folder / "grey ünïcode '1'.png")
    Image.fromarray(noise[..., :3]).save(folder / "whole.jpg")
    content = (folder / "whole.jpg").read_bytes()
    (folder / "truncated.jpg").write_bytes(content[: len(content) // 2])
    (folder / "text.jpg").write_text("I am no image.")
    (folder / "empty.png").write_bytes(b"")
    return {"a/truncated.jpg": "truncated", "a/text.jpg": "not an image", "a/empty.png": "empty"}


def test_messy_images_are_read_or_skipped_counted_and_named(photos: Path, store: Path) -> None:
    unreadable = messy(photos)
    results = pn.run(study(photos), store)
    (result,) = results.results
    assert skipped(result).keys() == unreadable.keys()
    for id_, reason in unreadable.items():
        assert reason in skipped(result)[id_]
    assert results.frame()["n_skipped"].tolist() == [3]
    assert result.n_train + result.n_val + result.n_test == 36 + 5
    committed = json.loads((store / "runs" / result.digest / "result.json").read_text())
    assert [example["id"] for example in committed["skipped"]] == sorted(unreadable)


def test_strict_stops_at_the_first_unreadable_image(photos: Path, store: Path) -> None:
    messy(photos)
    with pytest.raises(DataError, match=r"a/empty\.png cannot be read: .*empty"):
        pn.run(study(photos), store, strict=True)
    assert not pn.ResultStore(store).digests()


def test_a_class_only_in_test_counts_as_errors(photos: Path, store: Path, tmp_path: Path) -> None:
    split = tmp_path / "split"
    for part, numbers in {"train": range(6), "val": range(6, 8), "test": range(8, 12)}.items():
        for name in "abc":
            if name == "c" and part != "test":
                continue
            (split / part / name).mkdir(parents=True)
            for i in numbers:
                shutil.copy(photos / name / f"{i:04d}.png", split / part / name)
    results = pn.run(study(split), store)
    (result,) = results.results
    predictions = results.store.predictions(result)
    assert result.n_test == 12
    assert result.score <= 8 / 12
    assert "c" not in set(predictions["predicted"])
    assert (predictions["p_label"][predictions["label"] == "c"] == 0).all()


def test_what_cannot_be_begun_is_said_before_anything_is_computed(
    photos: Path, store: Path, tmp_path: Path
) -> None:
    good = network()
    with pytest.raises(UnknownNameError):
        pn.run(study(photos, backbones=[good, network(name="resnet5O@random")]), store)
    with pytest.raises(DataError):
        pn.run(study(photos, tmp_path / "nowhere"), store)
    missing = pn.Backbone(name=f"features:{tmp_path / 'nowhere'}")
    with pytest.raises(BackboneError):
        pn.run(study(photos, backbones=[good, missing]), store)
    assert not pn.ResultStore(store).digests()
    assert not (store / "features").exists()


def test_a_store_of_a_newer_version_is_left_alone(photos: Path, store: Path) -> None:
    pn.run(study(photos), store)
    (store / "store.json").write_text('{"schema_version": 99}')
    with pytest.raises(NewerSchemaError, match=r"schema 99 .* pip install --upgrade"):
        pn.run(study(photos), store)


def test_a_result_of_a_newer_version_is_left_alone(photos: Path, store: Path) -> None:
    (digest,) = (result.digest for result in pn.run(study(photos), store).results)
    path = store / "runs" / digest / "result.json"
    newer = json.dumps({**json.loads(path.read_text()), "schema_version": 99, "later": 1})
    path.write_text(newer)
    with pytest.raises(NewerSchemaError, match=digest):
        pn.run(study(photos), store)
    assert path.read_text() == newer


@pytest.mark.parametrize("damage", ["{", "{}", '{"schema_version": 1}'])
def test_a_damaged_result_is_named_with_the_remedy(photos: Path, store: Path, damage: str) -> None:
    (digest,) = (result.digest for result in pn.run(study(photos), store).results)
    (store / "runs" / digest / "result.json").write_text(damage)
    with pytest.raises(StoreError, match=digest):
        pn.run(study(photos), store)
    shutil.rmtree(store / "runs" / digest)
    assert pn.run(study(photos), store).computed == 1


@pytest.mark.slow
@pytest.mark.skipif(
    not Path("/usr/share/tuxpaint/stamps").is_dir(), reason="tuxpaint-stamps-default is not here"
)
def test_a_folder_of_pictures_from_the_real_world_works_as_it_is(store: Path) -> None:
    results = pn.run(study(Path("/usr/share/tuxpaint/stamps")), store)
    (result,) = results.results
    assert result.n_train + result.n_val + result.n_test > 700
    assert result.n_test > 100
    assert len(result.classes) > 10
    assert result.score > 0.0
    assert all(0 <= c.score <= 1 for c in result.selection)
    assert pn.run(study(Path("/usr/share/tuxpaint/stamps")), store).computed == 0
