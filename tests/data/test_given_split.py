"""Splits in files of their own: what comes back, and what is refused."""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pictures import class_folders, picture, save

from penultimate.data import Dataset, load_dataset
from penultimate.errors import DataError
from penultimate.spec import Task


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Only read it."""
    return class_folders(tmp_path_factory.mktemp("data") / "photos", {"a": 12, "b": 10, "c/d": 6})


def load(source: str | Path, seed: int = 0, **task: object) -> Dataset:
    text = source if isinstance(source, str) else f"folder:{source}"
    return load_dataset(Task.model_validate({"source": text, **task}), seed=seed)


@pytest.fixture
def split(folder, tmp_path) -> Path:
    """The folder's split by seed 3."""
    path = tmp_path / "split.csv"
    path.write_text(load(folder, seed=3).split_csv())
    return path


@pytest.mark.parametrize("source", ["digits", "glyphs", "folder", "features"])
@pytest.mark.parametrize("seed", [0, 5])
def test_a_split_that_goes_out_and_in_again_is_the_same(
    source, seed, folder, tmp_path, monkeypatch
) -> None:
    if source == "features":
        np.save(tmp_path / "features.npy", np.random.default_rng(0).normal(size=(60, 3)))
        np.save(tmp_path / "labels.npy", np.arange(60) % 3)
    name = {"folder": f"folder:{folder}", "features": f"features:{tmp_path}"}.get(source, source)
    data = load(name, seed=seed)
    path = tmp_path / "split.csv"
    path.write_text(data.split_csv())
    again = load(name, seed=99, splits=str(path))
    assert again.fingerprint == data.fingerprint
    assert again.split_source == "file split.csv"
    if source == "digits":
        assert load(name, seed=99).fingerprint != data.fingerprint


def test_only_names_and_parts_are_needed_in_any_order_and_under_any_of_their_names(
    folder, split, tmp_path
) -> None:
    rows = [line.split(",") for line in split.read_text().splitlines()[1:]]
    random.Random(0).shuffle(rows)
    words = {"train": "Train", "val": "validation", "test": "TEST"}
    bare = tmp_path / "bare.csv"
    bare.write_text("id,split\n" + "".join(f"{row[0]},{words[row[2]]}\n" for row in rows))
    assert load(folder, splits=str(bare)).fingerprint == load(folder, seed=3).fingerprint


def test_parquet_is_read_too(folder, split, tmp_path) -> None:
    import pandas as pd

    pd.read_csv(split).to_parquet(tmp_path / "split.parquet")
    again = load(folder, splits=str(tmp_path / "split.parquet"))
    assert again.fingerprint == load(folder, seed=3).fingerprint


def test_without_a_validation_part_it_is_held_out_of_train(folder, split) -> None:
    before = load(folder, seed=3)
    split.write_text(split.read_text().replace(",val,", ",train,"))
    data = load(folder, splits=str(split), validation_fraction=0.25)
    assert (data.indices("test") == before.indices("test")).all()
    assert Counter(data.parts.tolist())["val"] == 6, "of 17 + 5"
    assert data.split_source == "file split.csv; val is 25 % of train, seed 0, stratified"


def test_it_stands_in_place_of_the_sources_own_split(tmp_path) -> None:
    class_folders(tmp_path / "own", {"train/a": 4, "train/b": 4, "test/a": 3, "test/b": 3})
    text = load(tmp_path / "own").split_csv()
    swapped = text.replace(",train,", ",x,").replace(",test,", ",train,").replace(",x,", ",test,")
    (tmp_path / "swapped.csv").write_text(swapped)
    data = load(tmp_path / "own", splits=str(tmp_path / "swapped.csv"))
    tested = [data.ids[i] for i in data.indices("test")]
    assert tested
    assert all(id_.startswith("train/") for id_ in tested)


def test_images_that_only_one_side_has_are_counted_and_named(folder, split) -> None:
    lines = split.read_text().splitlines()
    split.write_text("\n".join([*lines[:-2], "x/new.png,x,train,0,", "x/old.png,x,test,0,"]))
    with pytest.raises(DataError) as error:
        load(folder, splits=str(split))
    assert "2 images that" in str(error.value)
    assert "are not in the data: 'x/new.png', 'x/old.png'; " in str(error.value)
    assert "--allow-missing" in str(error.value)
    split.write_text("\n".join(lines[:-1]))
    with pytest.raises(
        DataError, match=r"1 image of the data is not in .*split\.csv: 'c/d/5\.png'"
    ):
        load(folder, splits=str(split))


def test_allow_missing_goes_on_with_what_both_have_and_says_so(folder, split) -> None:
    lines = split.read_text().splitlines()
    split.write_text("\n".join([*lines[:-2], "x/new.png,x,train,0,"]))
    data = load(folder, splits=str(split), allow_missing=True)
    before = load(folder, seed=3)
    assert data.ids == before.ids[:-2]
    assert (data.parts == before.parts[:-2]).all()
    np.testing.assert_array_equal(data.image(25), before.image(25))
    assert len(data) == 26
    assert data.notices[:2] == (
        f"1 image that {split} lists is not in the data and left out: 'x/new.png'",
        f"2 images of the data are not in {split} and left out: 'c/d/4.png', 'c/d/5.png'",
    )


def test_another_content_under_the_same_name_is_said(tmp_path, split) -> None:
    root = class_folders(tmp_path / "photos", {"a": 12, "b": 10, "c/d": 6})
    save(root / "a" / "3.png", picture(99))
    data = load(root, splits=str(split))
    assert data.notices == (
        f"1 image with another content than the sha256 in {split} says: 'a/3.png'",
    )


def test_a_name_that_is_not_utf8_is_found_again(tmp_path) -> None:
    root = class_folders(tmp_path / "photos", {"a": 8, "b": 8})
    try:
        (root / "a" / "0.png").rename(root / "a" / "caf\udce9.png")
    except OSError:
        pytest.skip("this file system has no such names")
    from penultimate.io import write_atomic

    data = load(root, seed=1)
    write_atomic(tmp_path / "split.csv", data.split_csv())
    assert load(root, splits=str(tmp_path / "split.csv")).split_csv() == data.split_csv()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "does not exist: 'penultimate splits TASK -o"),
        ("name,part\na,train\n", "has no column 'path', only 'name', 'part'"),
        ("path,slpit\na,train\n", "has no column 'split', only 'path', 'slpit': rename 'slpit'"),
        ("path,split\na,trian\n", "line 2 has the unknown split 'trian'; did you mean 'train'"),
        ("path,split\na,\n", "line 2 has an empty split: fill it in"),
        ("path,split\n,train\n", "line 2 has an empty name: fill it in"),
        ("path,split\na,train\na,test\n", "line 3 has 'a' for the second time"),
        ("path,split\na\n", "line 2 has 1 cells and the header 2"),
        ("", "has no column 'path', only none"),
    ],
)
def test_a_file_that_is_no_split_is_one_sentence(folder, tmp_path, text, said) -> None:
    path = tmp_path / "split.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(DataError) as error:
        load(folder, splits=str(path))
    assert said in str(error.value)
    assert str(path) in str(error.value)


def test_a_split_of_something_else_is_one_sentence_even_where_missing_is_allowed(
    folder, tmp_path
) -> None:
    path = tmp_path / "split.csv"
    path.write_text("path,split\none,train\ntwo,test\n")
    with pytest.raises(DataError, match=r"lists no image of the task 'photos': it names 'one', 't"):
        load(folder, splits=str(path), allow_missing=True)


@settings(
    max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
@given(order=st.randoms(use_true_random=False), seed=st.integers(0, 2**40))
def test_a_split_does_not_depend_on_the_order_of_directories(folder, order, seed) -> None:
    real = os.scandir

    class Shuffled:
        """A directory as another file system might list it."""

        def __init__(self, path) -> None:
            with real(path) as found:
                self.found = list(found)
            order.shuffle(self.found)

        def __enter__(self):
            return iter(self.found)

        def __exit__(self, *_) -> None:
            pass

    expected = load(folder, seed=seed).split_csv()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.scandir", Shuffled)
        assert load(folder, seed=seed).split_csv() == expected


def test_images_with_several_labels_are_divided_by_it_too(folder, tmp_path) -> None:
    table = folder.parent / "several.csv"
    rows = [f"photos/a/{i}.png,{'cat|dog' if i % 2 else 'cat'}" for i in range(12)]
    rows += [f"photos/b/{i}.png,dog" for i in range(10)]
    table.write_text("\n".join(["path,labels", *rows]))
    data = load(f"csv:{table}", seed=2)
    (tmp_path / "split.csv").write_text(data.split_csv())
    assert data.multi_label
    assert load(f"csv:{table}", splits=str(tmp_path / "split.csv")).fingerprint == data.fingerprint
