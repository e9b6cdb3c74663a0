"""Several labels an image: tables, identity, splits, what is masked and what is said."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import picture, save

from penultimate.data import Dataset, load_dataset
from penultimate.data.assemble import assemble
from penultimate.data.examples import Examples
from penultimate.data.names import join_names, split_names
from penultimate.data.splits_of_several import divide_several
from penultimate.data.table import list_table
from penultimate.errors import DataError
from penultimate.spec import Task

LAW = settings(deadline=None, derandomize=True)
FRACTIONS = {"train": 0.6, "val": 0.2, "test": 0.2}
SETS = ("cat|dog", "cat", "", "dog|person", "person", "cat|dog|person")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """30 images, six kinds of label sets, and an uncertain person in every twelfth image."""
    lines = ["path,labels,uncertain"]
    for i in range(30):
        save(tmp_path / f"{i:02}.png", picture(i))
        lines.append(f"{i:02}.png,{SETS[i % 6]},{'person' if i % 12 == 1 else ''}")
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "t.csv"


def load(table: Path, **more: object) -> Dataset:
    return load_dataset(Task.model_validate({"source": f"csv:{table}", **more}))


def test_a_table_of_several_labels(table: Path) -> None:
    data = load(table)
    assert data.multi_label
    assert data.classes == ("cat", "dog", "person")
    assert data.labels.shape == (30, 3)
    assert data.labels.dtype == np.int8
    assert data.labels[[0, 1, 2, 5]].tolist() == [[1, 1, 0], [1, 0, -1], [0, 0, 0], [1, 1, 1]]
    assert data.measure == "mean-average-precision"
    assert data.notices == (
        "3 uncertain (difficult) pairs of image and class counted neither in learning nor in "
        "scoring",
        "5 images with none of the classes",
    )
    assert Counter(data.parts.tolist()) == {"train": 18, "val": 6, "test": 6}


@pytest.mark.parametrize(("setting", "value"), [("masked", -1), ("negative", 0), ("positive", 1)])
def test_what_becomes_of_difficult_pairs_is_a_setting(table: Path, setting: str, value) -> None:
    data = load(table, difficult=setting)
    assert data.labels[[1, 13, 25], 2].tolist() == [value] * 3
    others = {s: load(table, difficult=s) for s in ("masked", "negative", "positive")}
    assert [s for s in others if others[s].fingerprint == data.fingerprint] == [setting]


@pytest.mark.parametrize("setting", ["masked", "negative", "positive"])
def test_the_split_of_several_labels_can_be_fed_back(table: Path, setting: str) -> None:
    data = load(table, difficult=setting)
    file = table.with_name("split.csv")
    file.write_text(data.split_csv())
    again = load(file)
    assert again.fingerprint == data.fingerprint
    assert (again.labels == data.labels).all()
    assert not any("ignored" in notice for notice in again.notices)


def test_each_label_and_each_mask_is_in_the_fingerprint(table: Path) -> None:
    prints = {load(table).fingerprint}
    text = table.read_text()
    for old, new in (("01.png,cat,person", "01.png,cat,"), ("02.png,,", "02.png,dog,")):
        assert old in text
        table.write_text(text.replace(old, new))
        prints.add(load(table).fingerprint)
    assert len(prints) == 3


def test_one_content_under_two_label_sets_is_said(table: Path) -> None:
    (table.parent / "00.png").write_bytes((table.parent / "01.png").read_bytes())
    assert any(
        "'00.png' as 'cat, dog' and '01.png' as 'cat, person?'" in notice
        for notice in load(table).notices
    )


def test_one_label_each_is_said_to_be_better_called_label(table: Path) -> None:
    table.write_text("path,labels\n" + "".join(f"{i:02}.png,{'ab'[i % 2]}\n" for i in range(30)))
    assert load(table).notices == (
        "every image has exactly one label: for top-1 accuracy name the column 'label' instead "
        "of 'labels'",
    )


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        ("path,labels", "00.png,cat|", "line 2: there is no name between two '|' in 'cat|'"),
        ("path,labels", "00.png,cat|cat", "line 2: 'cat' stands twice"),
        ("path,labels,uncertain", "00.png,cat,x||y", "line 2: there is no name"),
        ("path,label,labels", "00.png,cat,cat", "a column 'label' and a column 'labels'"),
        ("path,lables", "00.png,cat", "no column 'label', only 'path', 'lables': rename"),
        ("path,labels,uncertain", "00.png,cat,cat", "'cat' both for certain and uncertain"),
        ("path,labels", "00.png,", "no image with a label"),
    ],
)
def test_wrong_tables_of_several_labels_are_one_sentence(
    table: Path, header: str, row: str, message: str
) -> None:
    table.write_text(f"{header}\n{row}\n")
    with pytest.raises(DataError) as error:
        load(table)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_measures_that_do_not_fit_the_labels_are_refused(table: Path) -> None:
    for measure in ("top-1", "mean-per-class"):
        with pytest.raises(DataError, match=f"several labels an image, of which {measure}"):
            load(table, measure=measure)
    assert load(table, measure="mean-average-precision").measure == "mean-average-precision"
    with pytest.raises(DataError, match=r"'digits' has one label an image .* top-1 or mean-per"):
        load_dataset(Task(source="digits", measure="mean-average-precision"))
    with pytest.raises(DataError, match="leave difficult = 'positive' out"):
        load_dataset(Task(source="digits", difficult="positive"))


def test_nothing_to_learn_is_one_sentence(table: Path) -> None:
    table.write_text("path,labels\n" + "".join(f"{i:02}.png,cat\n" for i in range(30)))
    with pytest.raises(DataError, match="in train no class that some images have and others have"):
        load(table)


def test_unreadable_images_of_a_class_are_said(table: Path) -> None:
    text = table.read_text() + "gone.png,bird|cat,\n"
    table.write_text(text)
    data = load(table)
    assert [s.id for s in data.skipped] == ["gone.png"]
    assert "no image of these classes can be read: 'bird'" in data.notices


def test_a_source_s_own_classes_keep_their_order_and_may_have_no_example() -> None:
    examples = Examples(
        ids=tuple(f"{i:02}" for i in range(20)),
        labels=(),
        digests=tuple(f"{i:064}" for i in range(20)),
        images=None,
        label_sets=tuple((("z",), ("a", "z"), ())[i % 3] for i in range(20)),
        uncertain=((),) * 20,
        classes=("z", "never", "a"),
    )
    data = assemble(Task(source="digits"), examples, 0)
    assert data.classes == ("z", "never", "a")
    assert not (data.labels[:, 1] == 1).any()
    assert "1 class without an image: 'never'" in data.notices
    with pytest.raises(DataError, match="none of its 1 classes: 'a'"):
        assemble(Task(source="digits"), Examples(**{**vars(examples), "classes": ("z",)}), 0)


def test_classes_of_one_label_an_image_keep_the_source_s_order_too() -> None:
    ids = tuple(f"{i:02}" for i in range(20))
    examples = Examples(
        ids=ids,
        labels=tuple("ba"[i % 2] for i in range(20)),
        digests=tuple(f"{i:064}" for i in range(20)),
        images=None,
        classes=("b", "never", "a"),
        measure="mean-per-class",
    )
    data = assemble(Task(source="digits"), examples, 0)
    assert data.classes == ("b", "never", "a")
    assert data.labels[:4].tolist() == [0, 2, 0, 2]
    assert data.measure == "mean-per-class"
    assert "1 class without an image: 'never'" in data.notices


# Names in a cell


@LAW
@given(st.lists(st.text("ab|\\ ,", min_size=1).filter(lambda s: s == s.strip()), unique=True))
def test_names_joined_can_be_told_apart_again(names: list[str]) -> None:
    assert split_names(join_names(names)) == tuple(names)


def test_blanks_around_names_do_not_count(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("path,labels\na.png, cat | hot dog \nb.png, \n")
    assert [e.labels for e in list_table(file).entries] == [("cat", "hot dog"), ()]


# Splits


@st.composite
def problems(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    n = draw(st.integers(1, 60))
    rows = draw(st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=n, max_size=n))
    groups = draw(st.lists(st.integers(0, n), min_size=n, max_size=n))
    return np.array(rows), np.array(groups)


def named(n: int) -> list[str]:
    return [f"{i:05d}.png" for i in range(n)]


@LAW
@given(problems(), st.integers(0, 5), st.randoms(use_true_random=False))
def test_groups_are_whole_and_order_does_not_matter(problem, seed: int, random) -> None:
    present, groups = problem
    ids = named(len(present))
    parts = divide_several(ids, present, groups, FRACTIONS, seed)
    assert set(parts) <= set(FRACTIONS)
    for group in np.unique(groups):
        assert len(set(parts[groups == group])) == 1
    order = list(range(len(ids)))
    random.shuffle(order)
    shuffled = divide_several(
        [ids[i] for i in order], present[order], 1000 - groups[order], FRACTIONS, seed
    )
    assert (shuffled == parts[order]).all()


def test_rare_and_frequent_classes_are_in_proportion_in_every_part() -> None:
    random = np.random.default_rng(0)
    shares = np.array([0.5, 0.3, 0.1, 0.03, 0.01])
    present = random.random((2000, 5)) < shares
    parts = divide_several(named(2000), present, np.arange(2000), FRACTIONS, 0)
    for part, fraction in FRACTIONS.items():
        assert abs((parts == part).sum() - 2000 * fraction) <= 2
        for label in range(5):
            size = present[:, label].sum()
            assert abs(present[parts == part, label].sum() - fraction * size) <= 1 + 0.01 * size
    other = divide_several(named(2000), present, np.arange(2000), FRACTIONS, 1)
    assert (other != parts).any()


def test_a_class_of_two_is_learned_and_scored() -> None:
    present = np.zeros((40, 2), dtype=bool)
    present[:20, 0] = True
    present[[3, 30], 1] = True
    for seed in range(5):
        parts = divide_several(named(40), present, np.arange(40), FRACTIONS, seed)
        assert set(parts[[3, 30]]) == {"train", "test"}
