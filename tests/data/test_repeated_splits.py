"""Repeated splits: others of the same images, by seed and repeat and by nothing else."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from pictures import class_folders, picture

from penultimate.data import divided_anew, load_dataset
from penultimate.data.splits import divide, seed_of_repeat
from penultimate.data.splits_of_several import divide_several
from penultimate.spec import Task

FRACTIONS = {"train": 0.6, "val": 0.2, "test": 0.2}


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    """Three classes of 10 pictures; two of them are copies, one class has four."""
    root = tmp_path_factory.mktemp("repeated") / "photos"
    for label, name in enumerate("abc"):
        (root / name).mkdir(parents=True)
        for i in range(4 if name == "c" else 10):
            picture(100 * label + (i if i != 3 else 2)).save(root / name / f"{i}.png")
    return root


def split(dataset) -> dict[str, str]:
    return dict(zip(dataset.ids, dataset.parts.tolist(), strict=True))


def test_the_first_is_the_plain_split(photos):
    task = Task(source=f"folder:{photos}")
    plain, first = load_dataset(task, seed=3), load_dataset(task, seed=3, repeat=0)
    assert plain.fingerprint == first.fingerprint
    assert plain.split_source == first.split_source == "seed 3, 60/20/20, stratified"
    assert seed_of_repeat(3, 0) == 3


def test_dividing_anew_is_loading_again(photos):
    """Whatever stands in the data set, under any seed and repeat."""
    task = Task(source=f"folder:{photos}")
    one = load_dataset(task, seed=0)
    assert one.drawn
    for seed, repeat in [(0, 0), (0, 1), (0, 2), (5, 0), (5, 2)]:
        anew, loaded = (
            divided_anew(task, one, seed, repeat),
            load_dataset(task, seed=seed, repeat=repeat),
        )
        assert anew.fingerprint == loaded.fingerprint
        assert anew.notices == loaded.notices
        assert anew.split_source == loaded.split_source
        assert anew.drawn


def test_every_pair_of_seed_and_repeat_has_a_split_of_its_own(photos):
    task = Task(source=f"folder:{photos}")
    one = load_dataset(task)
    splits = {
        (seed, repeat): divided_anew(task, one, seed, repeat).fingerprint
        for seed in (0, 1)
        for repeat in range(4)
    }
    assert len(set(splits.values())) == 8


def test_no_seed_of_a_repeat_is_one_that_a_user_would_choose():
    seeds = [seed_of_repeat(seed, repeat) for seed in range(50) for repeat in range(1, 50)]
    assert len(set(seeds)) == len(seeds)
    assert min(seeds) > 10**6


def test_each_is_stratified_and_keeps_copies_together(photos):
    task = Task(source=f"folder:{photos}")
    one = load_dataset(task)
    tested = np.zeros(len(one))
    for repeat in range(12):
        parts = split(divided_anew(task, one, 0, repeat))
        assert parts["a/2.png"] == parts["a/3.png"]
        sizes = [sum(p == "test" for id_, p in parts.items() if id_[0] == c) for c in "abc"]
        assert 1 <= sizes[0] <= 3  # of 10, two of which go together
        assert sizes[1] == 2
        assert sizes[2] == 1
        tested += [part == "test" for part in parts.values()]
    assert (tested > 0).sum() > 0.8 * len(one)  # it is not one test part again and again


def times_in_test(divided: Callable[..., np.ndarray], n: int) -> np.ndarray:
    """(n,) in how many of 60 repeats each example is in test."""
    ids = [f"{i:03}" for i in range(n)]
    times = np.zeros(n)
    for repeat in range(60):
        times += divided(ids, seed=seed_of_repeat(0, repeat), by_chance=True) == "test"
    return times


def test_images_that_belong_together_come_into_test_as_often_as_others():
    """Placed where most is missing, as the first split does, pairs would always be in train."""
    groups = np.repeat(np.arange(60), [2] * 20 + [1] * 40)
    labels = groups % 2
    times = times_in_test(partial(divide, labels=labels, groups=groups, fractions=FRACTIONS), 80)
    assert times[:40].mean() == pytest.approx(12, abs=2)
    assert times[40:].mean() == pytest.approx(12, abs=2)
    assert times.min() > 2


def test_groups_of_many_sizes_leave_more_than_one_split():
    groups = np.repeat(np.arange(24), np.arange(1, 25))
    ids = [f"{i:03}" for i in range(300)]
    splits = {
        tuple(divide(ids, groups % 2, groups, FRACTIONS, seed_of_repeat(0, r), by_chance=True))
        for r in range(20)
    }
    assert len(splits) > 15
    sizes = [split.count("test") for split in splits]
    assert 50 <= min(sizes) <= max(sizes) <= 70


def test_images_of_many_classes_and_of_none_come_into_test_as_often_as_others():
    random = np.random.default_rng(0)
    present = random.random((150, 6)) < np.array([0.5, 0.4, 0.3, 0.2, 0.1, 0.05])
    divided = partial(divide_several, present=present, groups=np.arange(150), fractions=FRACTIONS)
    times, many = times_in_test(divided, 150), present.sum(axis=1)
    for kind in (many == 0, many == 1, many >= 3):
        assert kind.sum() > 5
        assert times[kind].mean() == pytest.approx(12, abs=3)


def test_what_is_said_of_classes_is_of_the_split_at_hand(tmp_path):
    """A class of two images cannot be in all three parts, and is named where it is missing."""
    root = class_folders(tmp_path / "few", {"a": 9, "b": 9, "rare": 2})
    task = Task(source=f"folder:{root}")
    one = load_dataset(task)
    assert sum("without a val image: 'rare'" in n for n in one.notices) == 1
    anew = divided_anew(task, one, 0, 1)
    assert sum("without a val image: 'rare'" in n for n in anew.notices) == 1
    assert len(anew.notices) == len(one.notices)


def test_a_given_test_part_is_not_ours_and_stays(photos, tmp_path):
    root = tmp_path / "divided"
    class_folders(root, {"train/a": 6, "train/b": 6, "test/a": 6, "test/b": 6})
    task = Task(source=f"folder:{root}")
    one, again = load_dataset(task), load_dataset(task, repeat=1)
    assert not one.drawn
    assert split(one) == split(again)
    file = tmp_path / "split.csv"
    file.write_text(load_dataset(Task(source=f"folder:{photos}")).split_csv())
    assert not load_dataset(Task(source=f"folder:{photos}", splits=str(file))).drawn


def test_several_labels_are_divided_anew_too(tmp_path):
    random = np.random.default_rng(0)
    lines = ["path,labels"]
    for i in range(30):
        picture(i).save(tmp_path / f"{i}.png")
        names = [n for n, p in zip("abc", random.random(3), strict=True) if p < 0.5] or ["a"]
        lines.append(f"{i}.png,{'|'.join(names)}")
    (tmp_path / "table.csv").write_text("\n".join(lines) + "\n")
    task = Task(source=f"csv:{tmp_path / 'table.csv'}")
    one = load_dataset(task)
    anew = divided_anew(task, one, 0, 4)
    assert anew.fingerprint == load_dataset(task, repeat=4).fingerprint != one.fingerprint
