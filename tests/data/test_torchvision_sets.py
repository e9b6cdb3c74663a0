"""Data sets of torchvision, from trees made here, against torchvision's own items."""

from __future__ import annotations

import pickle
import struct
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from pictures import class_folders, picture, save
from torchvision import datasets

from penultimate.data import Dataset, load_dataset
from penultimate.errors import DataError, SpecError
from penultimate.spec import Task


def load(source: str, **settings: object) -> Dataset:
    return load_dataset(Task.model_validate({"source": f"torchvision:{source}", **settings}))


def idx(path: Path, values: np.ndarray) -> None:
    """A file in MNIST's format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
    path.write_bytes(header + values.astype(np.uint8).tobytes())


@pytest.fixture
def mnist(tmp_path) -> Path:
    random = np.random.default_rng(0)
    for split, n in (("train", 40), ("t10k", 20)):
        raw = tmp_path / "MNIST" / "raw"
        idx(raw / f"{split}-images-idx3-ubyte", random.integers(0, 256, (n, 28, 28)))
        idx(raw / f"{split}-labels-idx1-ubyte", np.arange(n) % 10)
    return tmp_path


def cifar(root: Path) -> Path:
    """CIFAR-10 as torchvision unpacks it; its md5 sums, which ours cannot have, are set aside."""
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    random = np.random.default_rng(1)
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    for name in names:
        record = {
            "data": random.integers(0, 256, (10, 3072), dtype=np.uint8),
            "labels": list(range(10)),
        }
        (folder / name).write_bytes(pickle.dumps(record))
    words = ["airplane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": words}))
    return root


def test_mnist_is_as_torchvision_gives_it(mnist) -> None:
    data = load(f"MNIST:{mnist}")
    assert data.name == "MNIST"
    assert data.classes[:2] == ("0 - zero", "1 - one")
    assert Counter(data.parts.tolist()) == {"train": 30, "val": 10, "test": 20}
    assert data.split_source == "official; val is 20 % of train, seed 0, stratified"
    peer = {"train": datasets.MNIST(mnist, train=True), "test": datasets.MNIST(mnist, train=False)}
    for row, id_ in enumerate(data.ids):
        split, _, item = id_.partition("/")
        image, label = peer[split][int(item)]
        np.testing.assert_array_equal(data.image(row), image.convert("RGB"))
        assert data.classes[data.labels[row]] == peer[split].classes[label]


def test_the_root_is_where_data_sets_are_kept_unless_named(mnist, monkeypatch) -> None:
    monkeypatch.setenv("PENULTIMATE_DATA", str(mnist))
    assert load("MNIST").fingerprint == load(f"MNIST:{mnist}").fingerprint


def test_cifar10_has_its_classes_names(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda *_: True)
    data = load(f"CIFAR10:{cifar(tmp_path)}")
    assert data.classes[0] == "airplane"
    assert Counter(data.parts.tolist())["test"] == 10
    with pytest.MonkeyPatch.context() as patch:  # what travels opens nothing again
        patch.setattr("builtins.open", None)
        again = pickle.loads(pickle.dumps(data))
    np.testing.assert_array_equal(again.image(3), data.image(3))


def test_a_set_without_a_split_is_divided_by_us(tmp_path) -> None:
    sizes = {"AnnualCrop": 10, "Forest": 10}
    root = class_folders(tmp_path / "eurosat" / "2750", sizes).parents[1]
    data = load(f"EuroSAT:{root}")
    assert data.split_source == "seed 0, 60/20/20, stratified"
    assert data.classes == ("AnnualCrop", "Forest")
    assert len(data) == 20


def test_splits_by_name_are_found(tmp_path) -> None:
    for seed, split in enumerate(("train", "valid", "test")):
        class_folders(tmp_path / "country211" / split, {"AD": 4, "AE": 4}, seed=10 * seed)
    data = load(f"Country211:{tmp_path}")
    assert Counter(data.parts.tolist()) == {"train": 8, "val": 8, "test": 8}
    assert data.split_source == "official"


def test_trainval_is_train_where_there_is_no_train(tmp_path) -> None:
    base = tmp_path / "oxford-iiit-pet"
    (base / "annotations" / "trimaps").mkdir(parents=True)
    for part, start in (("trainval", 0), ("test", 20)):
        lines = []
        for i in range(start, start + 10):
            name = f"{'Abyssinian' if i % 2 else 'beagle'}_{i}"
            save(base / "images" / f"{name}.jpg", picture(i))
            lines.append(f"{name} {1 + (i % 2 == 0)} {1 + i % 2} 1")
        (base / "annotations" / f"{part}.txt").write_text("\n".join(lines))
    data = load(f"OxfordIIITPet:{tmp_path}")
    assert Counter(data.parts.tolist()) == {"train": 8, "val": 2, "test": 10}


def test_fake_data_are_fake_and_the_same_each_time(monkeypatch) -> None:
    small = lambda: datasets.FakeData(30, (3, 8, 8), 3)  # noqa: E731
    monkeypatch.setattr("penultimate.data.torchvision_sets._class", lambda _: small)
    data = load("FakeData")
    assert data.fingerprint == load("FakeData").fingerprint
    assert data.classes == ("0", "1", "2")
    np.testing.assert_array_equal(data.image(4), small()[int(data.ids[4][4:])][0])


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            "MNIST:/nowhere",
            r"MNIST cannot be read from /nowhere .*tasks download torchvision:MNIST",
        ),
        ("mnist", "there is no torchvision:mnist: write torchvision:MNIST"),
        ("MNISTT", "no data set of torchvision 'MNISTT'; did you mean"),
        ("EMNIST:/nowhere", "EMNIST needs 'split', which cannot be given here"),
        ("check_integrity", "no data set of torchvision"),
        ("", "names no place"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(source, said) -> None:
    with pytest.raises((DataError, SpecError), match=said):
        load(source)


def test_items_that_are_no_image_and_label_are_refused(tmp_path, monkeypatch) -> None:
    class Boxes:
        def __init__(self, root) -> None:
            pass

        def __len__(self) -> int:
            return 3

        def __getitem__(self, item):
            return picture(item), {"boxes": []}

    monkeypatch.setattr("penultimate.data.torchvision_sets._class", lambda _: Boxes)
    with pytest.raises(DataError, match="are not pairs of an image and its label"):
        load("Boxes")


def test_without_the_library_it_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(DataError, match="pip install torchvision"):
        load("MNIST")
