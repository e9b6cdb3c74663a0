"""Folders as users have them: nested, linked in loops, oddly named, split or not."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from pictures import class_folders, picture, save

from penultimate.data.folder import list_folder
from penultimate.data.listing import Listing
from penultimate.errors import DataError


def labels(listing: Listing) -> dict[str, str]:
    return {entry.id: entry.label for entry in listing.entries}


def parts(listing: Listing) -> dict[str, str]:
    return {entry.id: entry.part for entry in listing.entries}


def link(place: Path, target: Path | str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target, target_is_directory=True)


def test_class_names_are_relative_paths(tmp_path: Path) -> None:
    class_folders(tmp_path, {"cats": 1, "dogs/large": 1, "dogs": 1})
    assert labels(list_folder(tmp_path)) == {
        "cats/0.png": "cats",
        "dogs/large/0.png": "dogs/large",
        "dogs/0.png": "dogs",
    }


@pytest.mark.parametrize(
    "name", ["with space", 'it\'s "quoted"', "Größe", "猫", "line\nbreak", "a,b", "%s{}*?"]
)
def test_names_may_be_anything_that_is_utf8(tmp_path: Path, name: str) -> None:
    save(tmp_path / name / f"{name}.png", picture(0))
    save(tmp_path / "other" / "0.png", picture(1))
    assert labels(list_folder(tmp_path))[f"{name}/{name}.png"] == name


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_that_are_not_utf8_are_skipped_and_named(tmp_path: Path) -> None:
    class_folders(tmp_path, {"a": 1, "b": 1})
    odd = os.fsencode(tmp_path / "a") + b"/caf\xe9.png"
    Path(os.fsdecode(odd)).write_bytes((tmp_path / "a" / "0.png").read_bytes())
    listing = list_folder(tmp_path)
    assert len(listing.entries) == 2
    assert [s.reason for s in listing.skipped] == ["its name is not UTF-8"]
    listing.skipped[0].id.encode("utf-8")


def test_other_files_are_counted_by_extension(tmp_path: Path) -> None:
    class_folders(tmp_path, {"a": 1, "b": 1})
    for name in ("x.ogg", "y.OGG", "z.svg", "README"):
        (tmp_path / "a" / name).touch()
    assert list_folder(tmp_path).notices == (
        "4 files of other kinds ignored: 2 .ogg, 1 without an extension, 1 .svg",
    )


def test_hidden_files_and_folders_do_not_count(tmp_path: Path) -> None:
    class_folders(tmp_path, {"a": 1, "b": 1, ".cache": 2})
    save(tmp_path / "a" / ".0.png", picture(9))
    listing = list_folder(tmp_path)
    assert len(listing.entries) == 2
    assert listing.notices == ()


def test_images_outside_class_folders_are_said(tmp_path: Path) -> None:
    class_folders(tmp_path, {"a": 1, "b": 1})
    save(tmp_path / "cover.jpg", picture(7))
    (notice,) = list_folder(tmp_path).notices
    assert notice == (
        "1 image in the folder itself and in no class folder ignored, for example 'cover.jpg'"
    )


def test_upper_case_extensions_are_images(tmp_path: Path) -> None:
    save(tmp_path / "a" / "0.JPG", picture(0), format="JPEG")
    save(tmp_path / "b" / "0.Png", picture(1), format="PNG")
    assert len(list_folder(tmp_path).entries) == 2


def test_loops_of_links_end(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data", {"a": 1, "b": 1})
    link(root / "a" / "up", root)
    link(root / "a" / "up2", tmp_path)
    link(root / "b" / "to-a", root / "a")
    link(root / "self", "self")
    link(root / "one", "two")
    link(root / "two", "one")
    listing = list_folder(root)
    assert set(labels(listing)) == {"a/0.png", "b/0.png"}
    assert any("3 links to folders that are counted already" in n for n in listing.notices)


def test_links_out_of_the_folder_are_followed_once(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data", {"a": 1})
    pool = class_folders(tmp_path / "pool", {"deep": 1, "flat": 1}, seed=5)
    link(pool / "back", root)
    link(root / "b", pool)
    link(root / "c", pool)
    listing = list_folder(root)
    assert labels(listing) == {
        "a/0.png": "a",
        "b/deep/0.png": "b/deep",
        "b/flat/0.png": "b/flat",
    }


def test_a_real_folder_counts_by_its_own_path_and_not_by_an_earlier_link(tmp_path: Path) -> None:
    class_folders(tmp_path, {"m": 1, "z": 1})
    link(tmp_path / "a", tmp_path / "z")
    assert set(labels(list_folder(tmp_path))) == {"m/0.png", "z/0.png"}


def test_linked_and_broken_files(tmp_path: Path) -> None:
    class_folders(tmp_path, {"a": 1, "b": 1})
    (tmp_path / "a" / "same.png").symlink_to(tmp_path / "b" / "0.png")
    (tmp_path / "a" / "broken.png").symlink_to(tmp_path / "nowhere.png")
    listing = list_folder(tmp_path)
    assert set(labels(listing)) == {"a/0.png", "a/same.png", "b/0.png"}
    assert [(s.id, s.reason) for s in listing.skipped] == [
        ("a/broken.png", "its link leads nowhere")
    ]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_named_like_an_image_does_not_hang(tmp_path: Path) -> None:
    class_folders(tmp_path, {"a": 1, "b": 1})
    os.mkfifo(tmp_path / "a" / "pipe.png")
    assert [s.reason for s in list_folder(tmp_path).skipped] == ["it is not a regular file"]


@pytest.mark.parametrize(
    ("train", "val", "test"), [("train", "val", "test"), ("Train", "VALIDATION", "TEST")]
)
def test_split_folders(tmp_path: Path, train: str, val: str, test: str) -> None:
    class_folders(tmp_path, {f"{train}/x/y": 2, f"{val}/x/y": 1, f"{test}/x/y": 1})
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "readme.txt").touch()
    listing = list_folder(tmp_path)
    assert listing.split_source == "folders"
    assert set(labels(listing).values()) == {"x/y"}
    assert parts(listing)[f"{val}/x/y/0.png"] == "val"
    assert parts(listing)[f"{test}/x/y/0.png"] == "test"


def test_a_part_that_is_a_link_to_another_is_followed(tmp_path: Path) -> None:
    class_folders(tmp_path, {"train/x": 1, "test/x": 1})
    link(tmp_path / "val", "test")
    assert parts(list_folder(tmp_path)) == {
        "train/x/0.png": "train",
        "val/x/0.png": "val",
        "test/x/0.png": "test",
    }


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    listing = list_folder(class_folders(tmp_path, {"train": 1, "bus": 1}))
    assert listing.split_source == ""
    assert set(labels(listing).values()) == {"train", "bus"}


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        ({"train/x": 1, "val/x": 1}, "no test folder"),
        ({"train/x": 1, "test/x": 1, "val/x": 1, "valid/x": 1}, "two folders for val"),
        ({"train/x": 1, "test/x": 1, "more/x": 1}, "images in 'more'"),
        ({"train": 1, "test/x": 1}, "no class folders"),
        ({}, "no images found"),
        ({".": 2}, "no class folders"),
    ],
)
def test_what_cannot_be_understood_is_one_sentence(tmp_path, folders, message: str) -> None:
    root = class_folders(tmp_path / "data", folders)
    root.mkdir(exist_ok=True)
    with pytest.raises(DataError, match=message) as error:
        list_folder(root)
    assert str(root) in str(error.value)
    assert "\n" not in str(error.value)


def test_places_that_are_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        list_folder(tmp_path / "gone")
    (tmp_path / "t.csv").touch()
    with pytest.raises(DataError, match="csv:FILE"):
        list_folder(tmp_path / "t.csv")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_a_closed_folder_is_skipped_and_named(tmp_path: Path) -> None:
    class_folders(tmp_path, {"a": 1, "b": 1, "closed": 1})
    (tmp_path / "closed").chmod(0)
    try:
        assert [s.id for s in list_folder(tmp_path).skipped] == ["closed"]
    finally:
        (tmp_path / "closed").chmod(0o700)
