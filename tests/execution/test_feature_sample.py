"""The kept sample of features: balanced, the same for every network, and true to the features."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import pdist
from study_folders import network, study

import penultimate as pn
from penultimate.data import Dataset
from penultimate.execution.feature_sample import (
    COMPONENTS,
    MOST,
    MOST_CLASSES,
    components,
    sample_frame,
    sampled,
)
from penultimate.store import FEATURE_SAMPLE


def dataset(sizes: list[int], salt: str = "") -> Dataset:
    """Test examples only but one: ``sizes`` of each class, ids in no order of classes."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    n = len(labels)
    return Dataset(
        name="t",
        classes=tuple(f"class {k}" for k in range(len(sizes))),
        ids=tuple(f"{i:06}" for i in range(n)),
        labels=labels.astype(np.int64),
        digests=tuple(f"{salt}{i}" for i in range(n)),
        parts=np.array(["train", *["test"] * (n - 1)]),
        groups=np.arange(n),
        measure="top-1",
        split_source="",
        skipped=(),
        notices=(),
    )


def counts(data: Dataset) -> dict[int, int]:
    return pd.Series(data.labels[sampled(data)]).value_counts().to_dict()


def test_as_many_of_one_class_as_of_another_and_all_of_a_small_one() -> None:
    found = counts(dataset([2_000, 400, 30, 700]))
    assert sum(found.values()) == MOST
    assert found[2] in (29, 30)  # one example is in train
    large = [found[k] for k in (0, 1, 3)]
    assert max(large) - min(large) <= 1


def test_of_many_classes_some_are_drawn_with_all_their_room() -> None:
    found = counts(dataset([60] * 40))
    assert len(found) == MOST_CLASSES
    assert set(found.values()) == {MOST // MOST_CLASSES}


def test_few_examples_are_all_kept_in_order() -> None:
    data = dataset([30, 30, 30])
    assert sampled(data).tolist() == data.indices("test").tolist()


def test_the_draw_follows_the_data_and_nothing_else() -> None:
    sizes = [600] * 5
    assert sampled(dataset(sizes)).tolist() == sampled(dataset(sizes)).tolist()
    assert sampled(dataset(sizes)).tolist() != sampled(dataset(sizes, salt="x")).tolist()


def test_components_keep_distances_and_come_largest_first() -> None:
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(80, 30)).astype(np.float32) * np.linspace(3, 0.1, 30, dtype="f4")
    found = components(matrix)
    assert found.shape == (80, 30)
    assert pdist(found) == pytest.approx(pdist(matrix), rel=1e-4)
    assert (np.diff(found.var(axis=0)) < 0).all()
    # A sign that the arithmetic chose by chance does not show.
    assert np.allclose(
        components(matrix @ np.linalg.qr(rng.normal(size=(30, 30)))[0]), found, atol=1e-3
    )
    wide = rng.normal(size=(80, 300)).astype(np.float32)
    assert components(wide).shape == (80, COMPONENTS)
    assert components(np.ones((5, 3), dtype=np.float32)).shape == (5, 0)


def test_the_table_has_names_and_float32() -> None:
    data = dataset([30, 30, 30])
    chosen = sampled(data)
    frame = sample_frame(data, chosen, np.eye(len(chosen), 60, dtype=np.float32))
    assert list(frame["example_id"]) == [data.ids[i] for i in chosen]
    assert list(frame["label"]) == [data.classes[data.labels[i]] for i in chosen]
    assert frame.filter(like="component:").dtypes.unique().tolist() == [np.dtype("float32")]


def test_two_networks_of_one_study_keep_the_same_images(photos: Path, store: Path) -> None:
    two = [network(), network(geometry="shorter-side-crop", label="cropped")]
    results = pn.run(study(photos, backbones=two), store)
    one, other = (results.store.feature_sample(result) for result in results.results)
    assert list(one["example_id"]) == list(other["example_id"])
    assert list(one["label"]) == list(other["label"])
    assert not np.allclose(one["component:0"], other["component:0"])
    predictions = results.store.predictions(results.results[0])
    truth = predictions.set_index("example_id")["label"]
    assert list(truth[one["example_id"]].astype(str)) == list(one["label"].astype(str))


def test_repeats_keep_none(photos: Path, store: Path) -> None:
    results = pn.run(study(photos, repeats=3), store)
    kept = {r.spec.repeat: FEATURE_SAMPLE in r.artefacts for r in results.results}
    assert kept == {0: True, 1: False, 2: False}


def test_trained_networks_keep_none(done: tuple[Path, pn.StudyResults]) -> None:
    kept = {r.spec.method.name: FEATURE_SAMPLE in r.artefacts for r in done[1].results}
    assert kept == {"linear-probe": True, "fine-tune": False, "from-scratch": False}
