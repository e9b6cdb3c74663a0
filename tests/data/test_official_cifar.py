"""CIFAR-10 and CIFAR-100 from both of their official forms, and from pickles that mean harm."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import official_trees as trees
import pytest
from old_pickles import python2_pickle
from peers import ours, theirs

from penultimate.data import Dataset, load_dataset
from penultimate.errors import DataError
from penultimate.spec import Task

NAMES = ("cifar10", "cifar100")
FORMS = ("python", "binary")


def load(name: str, root: Path) -> Dataset:
    return load_dataset(Task(source=f"{name}:{root}"))


def tree(name: str, holder: Path, form: str = "python") -> Path:
    return getattr(trees, name)(holder, form)


@pytest.fixture
def unchecked(monkeypatch):
    """torchvision compares its files with the digests of the real ones, which no tree has."""
    from torchvision.datasets import CIFAR10, cifar

    monkeypatch.setattr(CIFAR10, "_check_integrity", lambda self: True)
    monkeypatch.setattr(cifar, "check_integrity", lambda *_: True)


@pytest.mark.filterwarnings("ignore:dtype.*align")  # torchvision's, of what Python 2 wrote
@pytest.mark.parametrize("name", NAMES)
def test_images_labels_and_parts_are_those_that_torchvision_reads(name, tmp_path, unchecked):
    import torchvision

    root = tree(name, tmp_path)
    reader = getattr(torchvision.datasets, name.upper())
    parts = {part: reader(tmp_path, train=part == "train") for part in ("train", "test")}
    assert ours(load(name, root)) == theirs(parts)


@pytest.mark.parametrize("name", NAMES)
def test_both_forms_are_one_data_set(name, tmp_path):
    one, other = (load(name, tree(name, tmp_path, form)) for form in FORMS)
    assert one.fingerprint == other.fingerprint
    assert ours(one) == ours(other)
    # Both may lie side by side, and the folder that holds them be named.
    assert load(name, tmp_path).fingerprint == one.fingerprint


@pytest.mark.parametrize("form", FORMS)
def test_the_task_is_the_hundred_fine_classes(tmp_path, form):
    """And not the twenty coarse ones, which come first in a binary record."""
    data = load("cifar100", tree("cifar100", tmp_path, form))
    assert data.classes == ("class 00", "class 98", "class 99")  # numbers 99, 1 and 0
    assert {len(data.indices(part)) for part in ("train", "val", "test")} == {24, 6, 9}


@pytest.mark.filterwarnings("ignore:dtype.*align")  # of what Python 2 wrote
@pytest.mark.parametrize("form", FORMS)
def test_planes_of_colour_become_pixels(tmp_path, form):
    """The first 1,024 bytes are the reds of the whole picture, row by row."""
    root = tree("cifar10", tmp_path, form)
    if form == "binary":
        record = np.frombuffer((root / "test_batch.bin").read_bytes(), np.uint8)[1 : 1 + 3072]
    else:
        record = pickle.loads((root / "test_batch").read_bytes(), encoding="latin1")["data"][0]
    data = load("cifar10", root)
    picture = np.asarray(data.image(data.ids.index("test_batch/00000")))
    assert picture.shape == (32, 32, 3)
    for channel in range(3):
        plane = record[1024 * channel :][:1024]
        assert picture[:, :, channel].ravel().tolist() == plane.tolist()


def test_pickles_of_a_newer_python_are_read_as_well(tmp_path):
    root = tree("cifar10", tmp_path)
    before = load("cifar10", root)
    for name in ("test_batch", "data_batch_3"):
        rng = np.random.default_rng(5 if name == "test_batch" else 2)
        n = 9 if name == "test_batch" else 6
        batch = {
            b"data": rng.integers(0, 256, (n, 3072), dtype=np.uint8),
            b"labels": [(0, 1, 9)[i % 3] for i in range(n)],
            b"batch_label": b"a batch",
        }
        (root / name).write_bytes(pickle.dumps(batch, protocol=2))
    assert load("cifar10", root).fingerprint == before.fingerprint


class _Touch:
    """What a stranger's pickle could do."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch '{self.path}'",)


@pytest.mark.parametrize("place", ["data_batch_2", "test_batch", "batches.meta"])
def test_a_pickle_that_runs_a_program_is_refused_by_its_name_and_runs_nothing(tmp_path, place):
    root = tree("cifar10", tmp_path)
    trace = tmp_path / "trace"
    harm = {"data": _Touch(trace), "labels": [0], "label_names": []}
    (root / place).write_bytes(pickle.dumps(harm))
    with pytest.raises(DataError, match=rf"{place} asks for posix\.system, .* it is not read"):
        load("cifar10", root)
    assert not trace.exists()


@pytest.mark.parametrize(
    ("opcodes", "asked"),
    [
        (b"cbuiltins\neval\n(X\x01\x00\x00\x001tR.", "builtins.eval"),
        (b"cnumpy\nload\n.", "numpy.load"),
        (b"cnumpy.core.multiarray\nfromfile\n.", "numpy.core.multiarray.fromfile"),
        (b"c_codecs\nencode\n(X\x01\x00\x00\x001X\x03\x00\x00\x00hextR.", "the encoding 'hex'"),
        (
            b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(J\xff\xff\xff\x7ftU\x01btR.",
            "an array of the kind",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_whatever_else_a_pickle_asks_for_is_refused_by_its_name(tmp_path, opcodes, asked):
    root = tree("cifar10", tmp_path)
    (root / "test_batch").write_bytes(b"\x80\x02" + opcodes)
    with pytest.raises(DataError) as error:
        load("cifar10", root)
    assert asked in str(error.value)


GOOD = {"data": np.zeros((2, 3072), np.uint8), "labels": [0, 1]}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not a pickle that can be read"),
        (b"\x80\x02}(", "not a pickle that can be read"),
        (python2_pickle([1]), "holds no dictionary"),
        (python2_pickle({**GOOD, "data": [1]}), "no 8-bit array 'data'"),
        (python2_pickle({**GOOD, "data": np.zeros((2, 9), np.uint8)}), "not (n, 3072)"),
        (python2_pickle({"data": GOOD["data"]}), "no list of numbers 'labels'"),
        (python2_pickle({**GOOD, "labels": ["0", "1"]}), "no list of numbers 'labels'"),
        (python2_pickle({**GOOD, "labels": [0]}), "2 images and 1 labels"),
        (python2_pickle({**GOOD, "labels": [0, 10]}), "the label 10, which is not below 10"),
        (python2_pickle({**GOOD, "labels": [0, -1]}), "the label -1"),
    ],
)
def test_a_batch_that_is_not_as_published_is_refused(tmp_path, content, said):
    root = tree("cifar10", tmp_path)
    (root / "test_batch").write_bytes(content)
    with pytest.raises(DataError) as error:
        load("cifar10", root)
    assert f"{root / 'test_batch'} cannot be used" in str(error.value)
    assert said in str(error.value)


def test_a_binary_batch_that_was_cut_off_is_refused(tmp_path):
    root = tree("cifar10", tmp_path, "binary")
    file = root / "data_batch_4.bin"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DataError, match="18,437 bytes, which are no records of 3,073 each"):
        load("cifar10", root)
    file.write_bytes(b"\x0a" + bytes(3072))
    with pytest.raises(DataError, match="the label 10"):
        load("cifar10", root)


@pytest.mark.parametrize("form", FORMS)
def test_a_batch_that_is_missing_is_named(tmp_path, form):
    root = tree("cifar10", tmp_path, form)
    next(root.glob("data_batch_3*")).unlink()
    with pytest.raises(DataError, match=r"lacks 1 of its 6 files \(data_batch_3"):
        load("cifar10", root)


@pytest.mark.parametrize("form", FORMS)
def test_too_few_names_of_classes_are_refused(tmp_path, form):
    root = tree("cifar10", tmp_path, form)
    if form == "binary":
        (root / "batches.meta.txt").write_text("one\ntwo\n")
    else:
        (root / "batches.meta").write_bytes(python2_pickle({"label_names": ["one", "two"]}))
    with pytest.raises(DataError, match="it has 2 and not 10 names of classes"):
        load("cifar10", root)
