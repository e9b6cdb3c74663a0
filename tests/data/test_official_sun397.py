"""SUN397 from its official layout and the first of its partitions."""

from __future__ import annotations

from pathlib import Path

import pytest
from official_trees import sun397, write
from peers import ours, theirs

from penultimate.data import Dataset, load_dataset
from penultimate.errors import DataError
from penultimate.spec import Task


def load(root: Path) -> Dataset:
    return load_dataset(Task(source=f"sun397:{root}"))


def test_images_and_labels_are_those_that_torchvision_reads_of_the_first_partition(tmp_path):
    """torchvision has no partitions: of its images, those that the lists name."""
    from torchvision.datasets import SUN397

    root = sun397(tmp_path)
    everything = SUN397(tmp_path)
    assert len(everything) == 36
    by_path = {
        f"/{path.relative_to(root).as_posix()}": everything[i]
        for i, path in enumerate(everything._image_files)
    }
    parts = {
        part: [by_path[path] for path in (root / f"{name}_01.txt").read_text().split()]
        for part, name in (("train", "Training"), ("test", "Testing"))
    }
    assert ours(load(root)) == theirs(parts, everything.classes)


def test_only_the_first_of_the_partitions_is_read(tmp_path):
    data = load(sun397(tmp_path))
    assert len(data) == 28
    assert len(data.indices("test")) == 8
    assert not any("0000000000000008" in id_ or "0000000000000007" in id_ for id_ in data.ids)
    assert data.split_source.startswith("official partition 1 of 10; val is 20 % of train")


def test_classes_that_are_folders_in_folders_are_told_apart(tmp_path):
    assert load(sun397(tmp_path)).classes == (
        *("abbey", "athletic_field/indoor", "athletic_field/outdoor", "zoo"),
    )


@pytest.mark.parametrize("lists", ["Partitions", "../Partitions", ".."])
def test_the_lists_may_lie_wherever_their_archive_was_unpacked(tmp_path, lists):
    one = load(sun397(tmp_path / "one"))
    assert load(sun397(tmp_path / "other", lists)).fingerprint == one.fingerprint


def test_without_the_lists_there_is_no_split_to_guess(tmp_path):
    root = sun397(tmp_path)
    (root / "Training_01.txt").unlink()
    with pytest.raises(DataError, match=r"lacks Training_01\.txt.*get Partitions\.zip"):
        load(root)


def test_an_image_of_an_unknown_class_is_refused(tmp_path):
    root = sun397(tmp_path)
    for path in ("/a/unknown/sun_1.jpg", "sun_1.jpg"):
        write(root / "Testing_01.txt", path)
        with pytest.raises(DataError, match=r"Testing_01\.txt cannot be used: .* is in no class"):
            load(root)
