"""Hugging Face data sets: made here, saved, and read from every local form; and the hub's edge."""

from __future__ import annotations

import io
import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from pictures import class_folders, picture

from penultimate.data import Dataset, load_dataset
from penultimate.data.hf import TableImages
from penultimate.data.hub import refuse_format, split_name
from penultimate.errors import DataError, SpecError, UnreadableImageError
from penultimate.io import digest_bytes
from penultimate.spec import Task

datasets = pytest.importorskip("datasets")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch) -> None:
    """What the library builds stays in the tests' own folder; nothing is fetched."""
    cache = tmp_path_factory.mktemp("hf")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", cache)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    datasets.disable_progress_bars()


def encoded(number: int, form: str = "png") -> bytes:
    file = io.BytesIO()
    picture(number).save(file, form)
    return file.getvalue()


def table(start: int, n: int, label=None, **more: object):
    """n rows of an image and a label, cats and dogs by turns."""
    numbers = range(start, start + n)
    label = label or datasets.ClassLabel(names=["dog", "cat"])
    as_text = isinstance(label, datasets.Value) and label.dtype == "string"
    columns = {
        "image": [{"bytes": encoded(i), "path": f"{i}.png"} for i in numbers],
        "label": [("dog", "cat")[i % 2] if as_text else i % 2 for i in numbers],
    }
    kinds = {"image": datasets.Image(), "label": label}
    for name, (values, kind) in more.items():
        columns[name], kinds[name] = values, kind
    return datasets.Dataset.from_dict(columns, features=datasets.Features(kinds))


def load(place: object, **settings: object) -> Dataset:
    return load_dataset(Task.model_validate({"source": f"hf:{place}", **settings}))


def save(root: Path, **splits: object) -> Path:
    datasets.DatasetDict(splits).save_to_disk(str(root))
    return root


@pytest.fixture
def saved(tmp_path) -> Path:
    return save(tmp_path / "birds", train=table(0, 20), test=table(20, 6))


def as_parquet(root: Path) -> Path:
    (root / "data").mkdir(parents=True)
    table(0, 20).to_parquet(root / "data" / "train-00000-of-00001.parquet")
    table(20, 6).to_parquet(root / "data" / "test-00000-of-00001.parquet")
    return root


def check(data: Dataset) -> None:
    assert data.name == "birds"
    assert data.classes == ("cat", "dog")
    assert Counter(data.parts.tolist()) == {"train": 16, "val": 4, "test": 6}
    assert data.split_source == "official; val is 20 % of train, seed 0, stratified"
    assert data.skipped == data.notices == ()
    assert data.ids[:2] == ("test/0", "test/1")
    for row, id_ in enumerate(data.ids):
        split, _, number = id_.partition("/")
        made = int(number) + (20 if split == "test" else 0)
        assert data.classes[data.labels[row]] == ("dog", "cat")[made % 2]
        np.testing.assert_array_equal(data.image(row), picture(made))
        assert data.digests[row] == digest_bytes(encoded(made)), "of the file's bytes"


def test_what_save_to_disk_wrote_and_parquet_files_give_the_same(saved, tmp_path) -> None:
    data = load(saved)
    check(data)
    parquet = load(as_parquet(tmp_path / "other" / "birds"))
    check(parquet)
    assert parquet.fingerprint == data.fingerprint


def test_an_image_folder_keeps_its_files_bytes(tmp_path) -> None:
    sizes = {"train/a": 8, "train/b": 8, "test/a": 3, "test/b": 3}
    root = class_folders(tmp_path / "birds", sizes)
    data = load(root)
    plain = load_dataset(Task(source=f"folder:{root}"))
    assert sorted(data.digests) == sorted(plain.digests)
    assert Counter(data.parts.tolist()) == Counter(plain.parts.tolist())
    assert data.classes == plain.classes


def test_a_table_without_splits_is_divided_by_us(tmp_path) -> None:
    table(0, 20).save_to_disk(str(tmp_path / "birds"))
    data = load(tmp_path / "birds")
    assert data.split_source == "seed 0, 60/20/20, stratified"
    assert Counter(data.parts.tolist()) == {"train": 12, "val": 4, "test": 4}


def test_validation_serves_where_there_is_no_test_or_none_with_labels(tmp_path) -> None:
    hidden = table(30, 6).map(lambda row: {"label": -1})
    two = load(save(tmp_path / "two", train=table(0, 20), validation=table(20, 6)))
    assert Counter(two.parts.tolist()) == {"train": 16, "val": 4, "test": 6}
    assert "no test split: 'validation' is the test part here" in two.notices[0]
    root = save(tmp_path / "three", train=table(0, 20), validation=table(20, 6), test=hidden)
    three = load(root)
    assert three.fingerprint == two.fingerprint
    assert three.notices[-1] == "splits left out, as they have no labels: 'test'"


def test_all_three_parts_are_taken_and_others_said(tmp_path) -> None:
    root = save(
        tmp_path / "x", train=table(0, 8), valid=table(10, 4), test=table(20, 4), extra=table(30, 4)
    )
    data = load(root)
    assert Counter(data.parts.tolist()) == {"train": 8, "val": 4, "test": 4}
    assert data.notices == ("splits left out: 'extra'",)


@pytest.mark.parametrize(
    ("label", "classes"),
    [
        (datasets.Value("string"), ("cat", "dog")),
        (datasets.Value("int64"), ("0", "1")),
        (datasets.ClassLabel(names=["dog", "cat"]), ("cat", "dog")),
    ],
)
def test_labels_are_classes_text_or_numbers(tmp_path, label, classes) -> None:
    assert load(save(tmp_path / "x", train=table(0, 20, label))).classes == classes


def test_several_columns_must_be_told_apart(tmp_path) -> None:
    coarse = ([i % 3 for i in range(12)], datasets.ClassLabel(names=["x", "y", "z"]))
    mask = ([{"bytes": encoded(i + 50), "path": None} for i in range(12)], datasets.Image())
    root = save(tmp_path / "x", train=table(0, 12, coarse=coarse, mask=mask))
    with pytest.raises(DataError, match=r"could be the image, 'image', 'mask': say which with"):
        load(root)
    with pytest.raises(DataError, match=r"could be the label, 'label', 'coarse'.*\?label=label"):
        load(f"{root}?image=mask")
    data = load(f"{root}?image=mask&label=coarse")
    assert data.classes == ("x", "y", "z")
    np.testing.assert_array_equal(data.image(0), picture(50))
    with pytest.raises(SpecError, match="no column of labels 'corse'; did you mean 'coarse'"):
        load(f"{root}?image=mask&label=corse")
    with pytest.raises(DataError, match="only image=COLUMN and label=COLUMN"):
        load(f"{root}?lable=coarse")


def test_rows_without_image_or_label_are_skipped_and_counted(tmp_path) -> None:
    images = [{"bytes": encoded(i), "path": None} for i in range(12)]
    images[3], images[4] = {"bytes": b"text", "path": None}, None
    labels = ["ab"[i % 2] for i in range(12)]
    labels[5], labels[6] = None, " "
    kinds = datasets.Features({"picture": datasets.Image(), "label": datasets.Value("string")})
    made = datasets.Dataset.from_dict({"picture": images, "label": labels}, features=kinds)
    data = load(save(tmp_path / "x", train=made))
    assert len(data) == 8
    assert [(s.id, s.reason) for s in data.skipped] == [
        ("train/03", "it is not an image that Pillow can read"),
        ("train/04", "its cell is empty"),
        ("train/05", "it has no label"),
        ("train/06", "it has no label"),
    ]


def test_a_path_in_a_table_leads_nowhere_outside_of_the_data_set(tmp_path) -> None:
    inside, outside = tmp_path / "own" / "a.png", tmp_path / "outside.png"
    inside.parent.mkdir()
    for file in (inside, outside):
        file.write_bytes(encoded(1))
    climbing = f"{inside.parent}/../outside.png"
    cells = [{"bytes": None, "path": str(path)} for path in (inside, outside, climbing)]
    kinds = datasets.Features({"image": datasets.Image(decode=False)})
    made = datasets.Dataset.from_dict({"image": cells}, features=kinds)
    images = TableImages(
        (made,), "image", np.array([[0, 0], [0, 1], [0, 2]]), (str(inside.parent),)
    )
    assert images.content(0) == encoded(1)
    for row in (1, 2):
        with pytest.raises(UnreadableImageError, match=r"outside\.png is outside of the data set"):
            images.content(row)


def test_data_travel_to_another_process(saved) -> None:
    data = load(saved)
    text = pickle.dumps(data)
    assert len(text) < 40_000, "the pictures stay on the disk"
    np.testing.assert_array_equal(pickle.loads(text).image(0), data.image(0))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"label": [0, 1]}, r"has no column of images, only 'label' \(int64\)"),
        ({"text": ["a", "b"]}, "has no column of images"),
    ],
)
def test_what_has_no_images_is_one_sentence(tmp_path, columns, said) -> None:
    root = save(tmp_path / "x", train=datasets.Dataset.from_dict(columns))
    with pytest.raises(DataError, match=said):
        load(root)


def test_what_has_no_rows_is_one_sentence(tmp_path) -> None:
    with pytest.raises(DataError, match="has no rows: check that it is whole"):
        load(save(tmp_path / "x"))


def test_splits_that_are_unlike_are_one_sentence(tmp_path) -> None:
    other = table(10, 6).rename_column("label", "class")
    with pytest.raises(DataError, match=r"the split 'test' of hf:.* lacks the column"):
        load(save(tmp_path / "x", train=table(0, 8), test=other))


def test_labels_that_are_all_hidden_are_one_sentence(tmp_path) -> None:
    hidden = table(0, 8).map(lambda row: {"label": -1})
    with pytest.raises(DataError, match="has no image with a label"):
        load(save(tmp_path / "x", train=hidden))


def test_what_has_no_labels_is_one_sentence(tmp_path) -> None:
    made = table(0, 4).remove_columns("label").add_column("weight", [0.5] * 4)
    with pytest.raises(DataError, match=r"no column of labels, only 'image' \(Image\), 'weight'"):
        load(save(tmp_path / "x", train=made))


@pytest.mark.parametrize("what", ["empty", "text", "damaged", "csv", "script", "pickle"])
def test_a_folder_of_something_else_is_one_sentence(tmp_path, saved, what) -> None:
    root = tmp_path / "other"
    root.mkdir()
    (tmp_path / "touched.py").write_text("")
    if what == "text":
        (root / "a.txt").write_text("hello")
    elif what == "damaged":
        root = saved
        for file in root.rglob("*.arrow"):
            file.write_bytes(b"x" * 100)
    elif what == "csv":
        (root / "a.csv").write_text("image,label\nx,1\n")
    elif what == "script":
        (root / "other.py").write_text(f"open({str(tmp_path / 'touched')!r}, 'w')")
    elif what == "pickle":
        (root / "a.pkl").write_bytes(pickle.dumps({}))
    with pytest.raises(DataError) as error:
        load(root)
    assert str(root) in str(error.value)
    assert not (tmp_path / "touched").exists()


def test_formats_that_could_run_code_are_refused() -> None:
    from datasets.packaged_modules.pandas.pandas import Pandas
    from datasets.packaged_modules.webdataset.webdataset import WebDataset

    for kind, remedy in ((Pandas, "convert it to Parquet"), (WebDataset, "use wds:DIR")):
        with pytest.raises(DataError, match=remedy):
            refuse_format(kind.__new__(kind), "x")


def test_names_of_the_hub() -> None:
    assert split_name("mnist") == ("mnist", None)
    assert split_name("uoft-cs/cifar10") == ("uoft-cs/cifar10", None)
    assert split_name("owner/name/config") == ("owner/name", "config")


def test_without_a_network_the_hub_is_one_sentence(monkeypatch) -> None:
    with pytest.raises(DataError) as error:
        load("uoft-cs/cifar10")
    for words in (
        "uoft-cs/cifar10 is not on this machine",
        "HF_HUB_OFFLINE",
        "save_to_disk('DIR')",
    ):
        assert words in str(error.value)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "https://nowhere.invalid")
    monkeypatch.setattr("urllib.request.getproxies", dict)
    with pytest.raises(DataError, match=r"https://nowhere\.invalid cannot be reached"):
        load("uoft-cs/cifar10")
    assert not datasets.config.HF_HUB_OFFLINE


def test_a_folder_that_is_not_there_is_no_name_of_the_hub() -> None:
    with pytest.raises(DataError, match=r"the folder \./nowhere does not exist"):
        load("./nowhere")


def test_without_the_library_it_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    with pytest.raises(DataError, match=r"pip install 'penultimate\[hf\]'"):
        load("x")
