"""Food-101 from its official layout."""

from __future__ import annotations

from collections import Counter

import pytest
from official_trees import food101, write
from peers import ours, theirs

from penultimate.data import load_dataset
from penultimate.errors import DataError
from penultimate.spec import Task


def load(root):
    return load_dataset(Task(source=f"food101:{root}"))


def test_images_labels_and_parts_are_those_that_torchvision_reads(tmp_path):
    from torchvision.datasets import Food101

    root = food101(tmp_path)
    parts = {part: Food101(tmp_path, split=part) for part in ("train", "test")}
    assert ours(load(root)) == theirs(parts)


def test_what_others_call_validation_is_the_test_part(tmp_path):
    """TensorFlow Datasets gives test.txt the name validation; nothing may be selected on it."""
    root = food101(tmp_path)
    data = load(root)
    listed = {f"images/{name}.jpg" for name in (root / "meta" / "test.txt").read_text().split()}
    assert {data.ids[i] for i in data.indices("test")} == listed
    assert Counter(data.parts.tolist()) == {"train": 15, "val": 3, "test": 6}
    assert data.split_source == "official; val is 20 % of train, seed 0, stratified"


def test_either_form_of_the_lists_gives_the_same(tmp_path):
    root = food101(tmp_path)
    from_text = load(root)
    for part in ("train", "test"):
        (root / "meta" / f"{part}.txt").unlink()
    assert load(root).fingerprint == from_text.fingerprint


@pytest.mark.parametrize("content", ["[1, 2]", '{"a": 3}', "not json"])
def test_a_list_in_json_that_is_none_is_refused(tmp_path, content):
    root = food101(tmp_path)
    (root / "meta" / "train.txt").unlink()
    (root / "meta" / "train.json").write_text(content)
    with pytest.raises(DataError, match=r"train\.json cannot be used: it is not an object"):
        load(root)


def test_a_line_that_names_no_image_is_refused(tmp_path):
    root = food101(tmp_path)
    write(root / "meta" / "train.txt", "apple_pie/", "waffles/1")
    with pytest.raises(DataError, match="'apple_pie/' is not CLASS/IMAGE"):
        load(root)
