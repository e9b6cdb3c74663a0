"""From a task to a divided data set: identity, splits, duplicates, and what is said of them."""

from __future__ import annotations

import pickle
import re
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from pictures import class_folders, picture, save

from penultimate.data import TASKS, Dataset, load_dataset
from penultimate.errors import DataError, UnknownNameError, UnreadableImageError
from penultimate.spec import Task

STAMPS = Path("/usr/share/tuxpaint/stamps")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return class_folders(tmp_path / "data", {"a": 10, "b": 10, "c/d": 5})


def load(source: str | Path, **settings: object) -> Dataset:
    text = source if isinstance(source, str) else f"folder:{source}"
    return load_dataset(Task.model_validate({"source": text, **settings}))


def check(data: Dataset) -> None:
    """What holds of every data set."""
    n = len(data)
    assert list(data.ids) == sorted(set(data.ids))
    assert list(data.classes) == sorted(set(data.classes))
    assert len(data.labels) == len(data.digests) == len(data.parts) == len(data.groups) == n
    assert data.labels.dtype == data.groups.dtype == np.int64
    assert set(data.labels.tolist()) == set(range(len(data.classes)))
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in data.digests)
    rows = np.concatenate([data.indices(part) for part in ("train", "val", "test")])
    assert sorted(rows.tolist()) == list(range(n))


def test_a_folder_of_classes(folder: Path) -> None:
    data = load(folder)
    check(data)
    assert data.name == "data"
    assert data.classes == ("a", "b", "c/d")
    assert Counter(data.parts.tolist()) == {"train": 15, "val": 5, "test": 5}
    assert data.split_source == "seed 0, 60/20/20, stratified"
    assert data.measure == "top-1"
    assert data.has_images
    assert data.notices == data.skipped == ()
    np.testing.assert_array_equal(data.image(0), picture(0))
    assert pickle.loads(pickle.dumps(data)).fingerprint == data.fingerprint


def test_moving_and_touching_keep_the_fingerprint_and_changing_does_not(
    folder: Path, tmp_path: Path
) -> None:
    before = load(folder)
    moved = tmp_path / "elsewhere" / "renamed"
    shutil.copytree(folder, moved, copy_function=shutil.copy)  # new dates, new inodes
    assert load(moved).fingerprint == before.fingerprint
    save(moved / "a" / "3.png", picture(99))
    changed = load(moved)
    assert changed.fingerprint != before.fingerprint
    assert (changed.parts == before.parts).all(), "no other image changes its part"


def test_whatever_decides_the_numbers_is_in_the_fingerprint(folder: Path) -> None:
    before = load(folder).fingerprint
    assert load_dataset(Task(source=f"folder:{folder}"), seed=1).fingerprint != before
    assert load(folder, fractions=[0.5, 0.25, 0.25]).fingerprint != before
    assert load(folder, name="another", measure="mean-per-class").fingerprint == before
    (folder / "a").rename(folder / "z")
    assert load(folder).fingerprint != before


def test_the_split_can_be_fed_back(folder: Path) -> None:
    shutil.copy(folder / "a" / "0.png", folder / "a" / "copy.png")
    data = load(folder)
    (folder / "split.csv").write_text(data.split_csv())
    again = load(f"csv:{folder / 'split.csv'}")
    assert again.fingerprint == data.fingerprint
    assert (again.groups == data.groups).all()
    assert again.split_source == "column split"
    save(folder / "a" / "1.png", picture(99))
    assert any("another content" in n for n in load(f"csv:{folder / 'split.csv'}").notices)


def test_duplicates_stay_in_one_part_and_are_said(tmp_path: Path) -> None:
    for number in range(12):
        shots = picture(number, (160, 120))
        for shot in range(3):
            path = tmp_path / f"{number % 2}" / f"{number}-{shot}.png"
            save(path, shots if shot < 2 else shots.resize((80, 60)))
    data = load(tmp_path)
    assert data.notices == (
        "12 exact duplicates and 12 near-duplicates in 12 groups kept in one part",
    )
    for number in range(12):
        rows = [i for i, id_ in enumerate(data.ids) if id_[2:].startswith(f"{number}-")]
        assert len(rows) == 3
        assert len(set(data.parts[rows])) == len(set(data.groups[rows])) == 1
    apart = load(tmp_path, keep_together=False)
    assert len(set(apart.groups)) == 36
    assert apart.notices[0] == "12 exact duplicates and 0 near-duplicates in 12 groups found"


def test_named_groups_stay_in_one_part_even_where_duplicates_need_not(tmp_path: Path) -> None:
    rows = ["path,label,group"]
    for i in range(30):
        save(tmp_path / f"{i}.png", picture(i))
        rows.append(f"{i}.png,{i % 2},thing {i // 3}")
    (tmp_path / "t.csv").write_text("\n".join(rows))
    data = load(f"csv:{tmp_path / 't.csv'}", keep_together=False)
    check(data)
    for thing in range(10):
        rows_ = [i for i, id_ in enumerate(data.ids) if int(id_[:-4]) // 3 == thing]
        assert len(set(data.parts[rows_])) == 1


def test_one_content_under_two_labels_is_said_and_kept_together(folder: Path) -> None:
    shutil.copy(folder / "a" / "0.png", folder / "b" / "same.png")
    data = load(folder)
    rows = [data.ids.index("a/0.png"), data.ids.index("b/same.png")]
    assert len(set(data.parts[rows])) == 1
    assert any(
        "1 image is there under different labels, for example 'a/0.png' as 'a' and "
        "'b/same.png' as 'b'" in notice
        for notice in data.notices
    )


def test_given_parts_are_kept_and_leaks_are_said(tmp_path: Path) -> None:
    sizes = {f"{part}/{name}": 4 for part in ("train", "val", "test") for name in "ab"}
    class_folders(tmp_path, sizes)
    shutil.copy(tmp_path / "train/a/0.png", tmp_path / "test/a/leak.png")
    data = load(tmp_path)
    check(data)
    assert data.split_source == "folders"
    assert all(id_.startswith(f"{part}/") for id_, part in zip(data.ids, data.parts, strict=True))
    assert data.notices == (
        "1 exact duplicate and 0 near-duplicates in 1 group found",
        "1 group of duplicates in more than one part of the given split, 1 test image among "
        "them, for example 'test/a/leak.png' in test and 'train/a/0.png' in train: left as "
        "given, so that scores may be too high",
    )


def test_validation_is_held_out_of_train_where_it_is_missing(tmp_path: Path) -> None:
    class_folders(tmp_path, {"train/a": 20, "train/b": 10, "test/a": 3, "test/b": 3})
    data = load(tmp_path)
    assert Counter(data.parts.tolist()) == {"train": 24, "val": 6, "test": 6}
    assert data.split_source == "folders; val is 20 % of train, seed 0, stratified"
    more = load(tmp_path, validation_fraction=0.5)
    assert Counter(more.parts.tolist())["val"] == 15
    assert (load(tmp_path).parts == data.parts).all()


def test_small_and_one_sided_classes_are_kept_and_said(tmp_path: Path) -> None:
    class_folders(tmp_path, {"train/a": 9, "train/b": 9, "test/a": 3, "test/b": 3, "test/new": 2})
    data = load(tmp_path)
    assert "new" in data.classes
    assert data.notices == ("1 class only in test, where they can only be missed: 'new'",)
    class_folders(tmp_path / "own", {"a": 9, "b": 9, "lone": 1, "two": 2}, seed=50)
    assert load(tmp_path / "own").notices == (
        "1 class with a single image: 'lone'",
        "1 class without a val image: 'two'",
    )


def test_what_cannot_be_read_is_skipped_counted_and_named(folder: Path) -> None:
    before = load(folder)
    (folder / "a" / "empty.jpg").touch()
    (folder / "a" / "text.jpg").write_text("no image")
    (folder / "a" / "gone.jpg").symlink_to("nowhere")
    whole = (folder / "b" / "0.png").read_bytes()
    (folder / "b" / "half.png").write_bytes(whole[: len(whole) // 2])
    (folder / "only").mkdir()
    (folder / "only" / "empty.png").touch()
    data = load(folder)
    assert data.fingerprint == before.fingerprint
    assert [s.id for s in data.skipped] == [
        *("a/empty.jpg", "a/gone.jpg", "a/text.jpg", "b/half.png", "only/empty.png")
    ]
    assert data.skipped[0].reason == "the file is empty"
    assert data.notices == ("no image of these classes can be read: 'only'",)
    with pytest.raises(DataError, match="cannot be read"):
        load_dataset(Task(source=f"folder:{folder}"), strict=True)


def test_missing_images_of_a_table_are_skipped_and_named(folder: Path) -> None:
    text = load(folder).split_csv() + "gone.jpg,a,train,,\n"
    (folder / "t.csv").write_text(text)
    data = load(f"csv:{folder / 't.csv'}")
    assert [(s.id, s.reason) for s in data.skipped] == [("gone.jpg", "no such file or directory")]
    with pytest.raises(DataError, match=r"gone\.jpg cannot be read"):
        load_dataset(Task(source=f"csv:{folder / 't.csv'}"), strict=True)


def test_an_image_that_goes_after_loading_is_unreadable(folder: Path) -> None:
    data = load(folder)
    (folder / "a" / "0.png").unlink()
    with pytest.raises(UnreadableImageError, match="no such file"):
        data.image(0)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"a": 3}, "only one class, 'a'"),
        ({"a": 1, "b": 1}, "no image left in val"),
        ({"train/a": 3, "test/a": 1, "test/b": 1}, "only one class in train"),
    ],
)
def test_too_little_is_one_sentence(tmp_path: Path, sizes, message: str) -> None:
    with pytest.raises(DataError, match=message) as error:
        load(class_folders(tmp_path / "data", sizes))
    assert "'data'" in str(error.value)


def test_nothing_readable_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "0.png").touch()
    with pytest.raises(DataError, match=r"none of the images .* the file is empty"):
        load(tmp_path)


def test_unknown_sources_are_answered_with_the_nearest(tmp_path: Path, monkeypatch) -> None:
    for source, nearest in (("digit", "digits"), ("glyhps", "glyphs"), ("foldr:x", "folder:")):
        with pytest.raises(UnknownNameError, match=f"did you mean '{nearest}'"):
            load(source)
    with pytest.raises(UnknownNameError, match="penultimate list tasks"):
        load("nothing-like-it")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    with pytest.raises(UnknownNameError, match="folder:photos"):
        load("photos")
    with pytest.raises(DataError, match="names no place"):
        load("folder:")


def test_digits() -> None:
    data = load("digits")
    check(data)
    assert len(data) == TASKS["digits"].images == 1797
    assert len(data.classes) == TASKS["digits"].classes == 10
    assert data.image(0).size == (8, 8)
    assert data.image(0).getextrema()[0] == (0, 239), "15 of 16"
    assert load_dataset(Task(source="digits"), seed=1).fingerprint != data.fingerprint
    for label in range(10):
        assert abs((data.parts[data.labels == label] == "test").mean() - 0.2) < 0.01


@pytest.mark.skipif(not STAMPS.is_dir(), reason="tuxpaint-stamps-default is not installed")
def test_stamps_as_they_are(tmp_path: Path) -> None:
    data = load_dataset(Task(source=f"folder:{STAMPS}"), cache=tmp_path)
    check(data)
    assert len(data) > 700
    assert len(data.classes) > 100
    assert any("/" in name for name in data.classes)
    assert data.skipped == ()
    assert re.search(r"files of other kinds ignored: [\d,]+ \.ogg", data.notices[0])
    for group in np.unique(data.groups):
        assert len(set(data.parts[data.groups == group])) == 1
    again = load_dataset(Task(source=f"folder:{STAMPS}"), cache=tmp_path)
    assert again.fingerprint == data.fingerprint
