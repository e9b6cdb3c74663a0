"""Features that already exist become examples like any others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from penultimate.data import load_dataset, read_features
from penultimate.data.dataset import digest_array
from penultimate.errors import DataError
from penultimate.spec import Task


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    np.save(tmp_path / "features.npy", random.normal(size=(30, 4)))
    np.save(tmp_path / "labels.npy", np.arange(30) % 3)
    return tmp_path


def load(folder: Path):
    return load_dataset(Task(source=f"features:{folder}"))


def test_rows_are_examples(folder: Path) -> None:
    data = load(folder)
    assert not data.has_images
    assert data.ids[:2] == ("00", "01")
    assert data.classes == ("0", "1", "2")
    features, ids = read_features(folder)
    assert ids == data.ids
    assert data.digests[3] == digest_array(features[3].astype(np.float32))
    with pytest.raises(DataError, match="has features and no images"):
        data.image(0)


def test_ids_and_splits(folder: Path) -> None:
    ids = [f"x{(7 * i) % 30:02d}" for i in range(30)]
    (folder / "ids.txt").write_text("\n".join(ids) + "\n")
    (folder / "splits.txt").write_text("\n".join(["train", "valid", "TEST"] * 10))
    np.save(folder / "labels.npy", np.array(["cat", "dog", "cat", "dog", "owl"] * 6))
    data = load(folder)
    assert data.ids == tuple(sorted(ids))
    assert data.split_source == "splits.txt"
    row = ids.index("x05")
    i = data.ids.index("x05")
    assert data.parts[i] == ["train", "val", "test"][row % 3]
    assert data.classes[data.labels[i]] == ["cat", "dog", "cat", "dog", "owl"][row % 5]
    features, row_ids = read_features(folder)
    assert row_ids == tuple(ids)
    assert data.digests[i] == digest_array(features[row].astype(np.float32))


def test_the_same_numbers_in_another_precision_are_the_same_data(folder: Path) -> None:
    before = load(folder).fingerprint
    np.save(folder / "features.npy", np.load(folder / "features.npy").astype(np.float32))
    assert load(folder).fingerprint == before


def test_equal_rows_stay_in_one_part(folder: Path) -> None:
    features = np.load(folder / "features.npy")
    features[1::3] = features[1]
    np.save(folder / "features.npy", features)
    data = load(folder)
    assert len(set(data.parts[1::3])) == 1


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "features.npy").unlink(), r"features\.npy does not exist"),
        (lambda f: (f / "labels.npy").unlink(), r"labels\.npy does not exist"),
        (lambda f: (f / "features.npy").write_text("x"), "not a plain array"),
        (lambda f: (f / "labels.npy").write_bytes(b""), "not a plain array"),
        (lambda f: np.save(f / "labels.npy", np.array([{}] * 30)), "not a plain array"),
        (lambda f: np.save(f / "features.npy", np.ones(30)), "a matrix of numbers"),
        (lambda f: np.save(f / "features.npy", np.ones((0, 4))), "a matrix of numbers"),
        (lambda f: np.save(f / "labels.npy", np.arange(29)), "30 integers or strings"),
        (lambda f: np.save(f / "labels.npy", np.ones(30)), "30 integers or strings"),
        (lambda f: np.save(f / "features.npy", np.full((30, 2), np.nan)), "row 0 .* not finite"),
        (lambda f: (f / "ids.txt").write_text("a\nb\n"), "2 lines .* 30 rows"),
        (lambda f: (f / "ids.txt").write_text("a\n" * 30), "'a' twice, in lines 1 and 2"),
        (lambda f: (f / "ids.txt").write_text("a\n\n" + "b\n" * 28), "line 2 is empty"),
        (lambda f: (f / "splits.txt").write_text("tset\n" * 30), "did you mean 'test'"),
        (lambda f: (f / "splits.txt").write_text("train\n" * 30), "no image left in test"),
    ],
)
def test_what_is_wrong_is_one_sentence(folder: Path, damage, message: str) -> None:
    damage(folder)
    with pytest.raises(DataError, match=message) as error:
        load(folder)
    assert "\n" not in str(error.value)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        load(tmp_path / "gone")


def test_rows_of_labels_are_several_an_example(tmp_path: Path) -> None:
    labels = np.array([[1, 0, -1], [0, 1, 0], [1, 1, 0], [0, 0, 0]] * 6)
    np.save(tmp_path / "features.npy", np.random.default_rng(0).normal(size=(24, 3)))
    np.save(tmp_path / "labels.npy", labels)
    data = load_dataset(Task(source=f"features:{tmp_path}"))
    assert data.classes == ("0", "1", "2")
    assert (data.labels == labels).all()
    assert data.measure == "mean-average-precision"
    for wrong, message in (
        (labels * 2, "rows of other numbers than 1, 0 and -1"),
        (labels[:5], r"should hold 24 integers or strings, .*shape \(5, 3\)"),
        (labels / 2, "should hold 24 integers"),
    ):
        np.save(tmp_path / "labels.npy", wrong)
        with pytest.raises(DataError, match=message):
            load_dataset(Task(source=f"features:{tmp_path}"))
