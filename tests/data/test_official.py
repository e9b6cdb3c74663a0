"""What holds of every published data set: where it is found, what is missing, what is said."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from official_trees import food101, write
from pictures import save
from PIL import Image

from penultimate.data import OFFICIAL, Dataset, load_dataset
from penultimate.data.listing import Entry, Listing
from penultimate.data.official import data_folder, find, find_root, load_official
from penultimate.data.official.lists import read_lines
from penultimate.data.official.load import check_sizes
from penultimate.errors import DataError
from penultimate.spec import Task, load_study

FOOD = OFFICIAL["food101"]


@pytest.fixture(autouse=True)
def nothing_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Data sets are looked for in an empty folder, not in this person's own."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    monkeypatch.setenv("PENULTIMATE_DATA", str(folder))
    return folder


def load(source: str, **settings: object) -> Dataset:
    return load_dataset(Task.model_validate({"source": source, **settings}))


class TestFinding:
    def test_takes_the_data_sets_own_folder_or_the_one_that_holds_it(self, tmp_path):
        root = food101(tmp_path)
        assert find_root(FOOD, str(root)) == find_root(FOOD, str(tmp_path)) == root

    @pytest.mark.parametrize(
        ("folder", "place"), [(".", "."), (".", "food-101"), ("food-101", ".")]
    )
    def test_takes_a_place_seen_from_here(self, tmp_path, monkeypatch, folder, place):
        before = load(f"food101:{food101(tmp_path)}")
        monkeypatch.chdir(tmp_path / folder)
        assert load(f"food101:{place}").fingerprint == before.fingerprint

    @pytest.mark.parametrize("below", ["", "food101"])
    def test_looks_for_a_bare_name_where_downloads_go(self, nothing_downloaded, below):
        root = food101(nothing_downloaded / below)
        assert find_root(FOOD) == root
        assert len(load("food101")) == 24

    def test_downloads_go_to_the_users_cache_if_nothing_else_is_said(self, monkeypatch):
        monkeypatch.delenv("PENULTIMATE_DATA")
        monkeypatch.setenv("HOME", "/home/somebody")
        assert data_folder() == Path("/home/somebody/.cache/penultimate/data")

    def test_says_what_was_looked_for_where_and_what_to_do(self, tmp_path, nothing_downloaded):
        with pytest.raises(DataError) as error:
            load("food101")
        assert f"looked for {nothing_downloaded}/food101/meta" in str(error.value)
        assert f"{nothing_downloaded}/food-101/meta" in str(error.value)
        assert "'penultimate tasks download food101'" in str(error.value)
        assert "food101:DIR" in str(error.value)
        with pytest.raises(DataError, match=f"no food101 in {tmp_path} .looked for"):
            load(f"food101:{tmp_path}")
        with pytest.raises(DataError, match="does not exist: check the path after 'food101:'"):
            load("food101:/no/such/place")
        file = write(tmp_path / "file", "")
        with pytest.raises(DataError, match="is a file and not a folder"):
            load(f"food101:{file}")

    def test_a_data_set_without_a_source_says_how_to_get_it(self, tmp_path):
        by_hand = replace(FOOD, archives=(), how_to_get="ask its authors for it.")
        with pytest.raises(DataError, match=r"ask its authors for it$"):
            find_root(by_hand, str(tmp_path))

    def test_an_archive_that_was_not_unpacked_is_named(self, tmp_path):
        write(tmp_path / "food-101.tar.gz", "")
        with pytest.raises(DataError, match=r"food-101\.tar\.gz and not unpacked: .penultimate"):
            load(f"food101:{tmp_path}")

    def test_an_empty_place_is_refused(self):
        with pytest.raises(DataError, match="names no place"):
            load("food101:")

    def test_a_place_in_a_study_file_is_seen_from_the_file(self, tmp_path):
        food101(tmp_path)
        file = write(
            tmp_path / "study.toml", 'backbones = ["test_vit@random"]', 'tasks = ["food101:."]'
        )
        assert find_root(FOOD, load_study(file).tasks[0].source.partition(":")[2])


class TestMissingImages:
    @pytest.fixture
    def holed(self, tmp_path) -> Path:
        root = food101(tmp_path)
        listed = (root / "meta" / "train.txt").read_text().split()
        for name in (listed[0], listed[7], (root / "meta" / "test.txt").read_text().split()[0]):
            (root / "images" / f"{name}.jpg").unlink()
        return root

    def test_are_an_error_that_counts_them_and_says_what_to_do(self, holed):
        with pytest.raises(DataError) as error:
            load(f"food101:{holed}")
        assert str(error.value).startswith(
            f"food101 at {holed} lacks 3 of 24 images (for example images/apple_pie/"
        )
        assert "'penultimate tasks download food101'" in str(error.value)
        assert "--allow-missing" in str(error.value)
        assert "allow_missing = true" in str(error.value)

    def test_are_left_out_counted_and_named_where_allowed(self, holed):
        data = load(f"food101:{holed}", allow_missing=True)
        assert len(data) == 21
        assert len(data.skipped) == 3
        assert {s.reason for s in data.skipped} == {"the file is missing"}
        assert any(
            "3 of 24 images are missing (2 of train, 1 of test) and left out" in notice
            for notice in data.notices
        )

    def test_that_are_allowed_do_not_allow_broken_ones(self, holed):
        task = Task(source=f"food101:{holed}", allow_missing=True)
        assert len(load_dataset(task, strict=True)) == 21
        next((holed / "images" / "waffles").iterdir()).write_text("no image")
        with pytest.raises(DataError, match="cannot be read"):
            load_dataset(task, strict=True)

    def test_without_a_single_image_even_allowing_does_not_help(self, holed):
        (holed / "images").rename(holed / "moved")
        with pytest.raises(DataError, match="has none of its 24 images"):
            load(f"food101:{holed}", allow_missing=True)

    def test_names_differing_in_case_count_as_the_file_system_takes_them(self, tmp_path):
        root = food101(tmp_path)
        folder = root / "images" / "waffles"
        file = next(folder.iterdir())
        file.rename(file.with_suffix(".JPG"))
        if file.exists():
            assert len(load(f"food101:{root}")) == 24
        else:
            with pytest.raises(DataError, match="lacks 1 of 24"):
                load(f"food101:{root}")


class TestLists:
    def test_of_other_sizes_than_published_are_said_and_read(self, tmp_path):
        data = load(f"food101:{food101(tmp_path)}")
        assert data.notices[0] == (
            "these are not the published sizes of food101: 18 instead of 75,750 train images, "
            "6 instead of 25,250 test images, 3 instead of 101 classes"
        )

    def test_of_the_published_sizes_are_not_remarked_on(self):
        small = replace(FOOD, train=2, test=1, classes=2)
        parts = (("a", "train"), ("b", "train"), ("a", "test"))
        listing = Listing(tuple(Entry(str(i), Path(), *of) for i, of in enumerate(parts)))
        assert check_sizes(small, listing) == ()
        assert check_sizes(replace(small, test=0), listing) != ()

    @pytest.mark.parametrize("name", ["../../outside", "/etc/passwd", "a/../../../out", "a/\0b"])
    def test_that_name_a_file_elsewhere_are_refused(self, tmp_path, name):
        root = food101(tmp_path)
        listed = (root / "meta" / "train.txt").read_text()
        (root / "meta" / "train.txt").write_text(listed + name + "\n")
        (tmp_path / "outside.jpg").touch()
        with pytest.raises(DataError, match=r"not the published lists|is not CLASS/IMAGE"):
            load(f"food101:{root}", allow_missing=True)

    def test_that_name_an_image_twice_are_refused(self, tmp_path):
        root = food101(tmp_path)
        listed = (root / "meta" / "train.txt").read_text().split()
        write(root / "meta" / "test.txt", *listed[:2])
        with pytest.raises(DataError, match="2 times"):
            load(f"food101:{root}")

    def test_that_are_empty_are_refused(self, tmp_path):
        root = food101(tmp_path)
        for part in ("train", "test"):
            (root / "meta" / f"{part}.txt").write_text("\n")
        with pytest.raises(DataError, match="name no image"):
            load(f"food101:{root}")

    def test_that_are_no_text_are_refused(self, tmp_path):
        root = food101(tmp_path)
        (root / "meta" / "train.txt").write_bytes(b"\xff\xfe\xff")
        with pytest.raises(DataError, match="is not UTF-8 text; get"):
            load(f"food101:{root}")

    def test_that_are_a_page_of_html_are_not_shown_whole(self, tmp_path):
        root = food101(tmp_path)
        (root / "meta" / "train.txt").write_text("<html>" + "not found " * 1000)
        with pytest.raises(DataError, match="its line '<html>not found") as error:
            load(f"food101:{root}")
        assert len(str(error.value)) - len(str(root)) < 300

    @pytest.mark.parametrize("end", ["\n", "\r\n", " \n", "\n\n"])
    def test_end_their_lines_in_any_way(self, tmp_path, end):
        file = tmp_path / "list.txt"
        file.write_bytes(end.join(["F/A-18", "a b", "c\x0bd", "e\u2028f", ""]).encode())
        assert read_lines(file) == ["F/A-18", "a b", "c\x0bd", "e\u2028f"]


class TestTheSplit:
    def test_is_the_same_wherever_the_folder_lies_and_in_whatever_order_it_is_listed(
        self, tmp_path
    ):
        one = load(f"food101:{food101(tmp_path / 'one')}")
        root = food101(tmp_path / "two")
        for part in ("train", "test"):
            file = root / "meta" / f"{part}.txt"
            write(file, *reversed(file.read_text().split()))
        assert load(f"food101:{root}").fingerprint == one.fingerprint

    def test_is_not_ours_to_change_for_pictures_that_look_alike(self, tmp_path):
        root = food101(tmp_path)
        first, second, *_ = (root / "meta" / "train.txt").read_text().split()
        picture = Image.open(root / "images" / f"{first}.jpg")
        save(root / "images" / f"{second}.jpg", picture.resize((96, 80)))
        data = load(f"food101:{root}")
        assert len(set(data.groups)) == len(data)


def test_the_name_and_the_measure_are_the_data_sets_own(tmp_path, monkeypatch):
    root = food101(tmp_path)
    assert load(f"food101:{root}").name == "food101"
    assert load(f"food101:{root}").measure == "top-1"
    monkeypatch.setitem(OFFICIAL, "food101", replace(FOOD, measure="mean-per-class"))
    assert load(f"food101:{root}").measure == "mean-per-class"
    assert load(f"food101:{root}", measure="top-1").measure == "top-1"


@pytest.mark.parametrize("card", OFFICIAL.values(), ids=OFFICIAL)
def test_a_card_says_all_that_a_user_must_know(card):
    assert card.licence and card.homepage and card.split and card.pitfalls
    assert card.measure in ("top-1", "mean-per-class", "mean-average-precision")
    assert not re.search(r"[.?!] [A-Z]", card.how_to_get), "one sentence"
    assert card.layout.startswith(f"{card.folder}/") or not card.folder
    assert min(card.classes, card.train, card.test) > 0


# Table 1 of the paper, but for what it misprints (CIFAR-100's classes, the test part of Pets):
# classes, train and validation together, test, validation's own size or 0 where it is held out.
TABLE_1 = {
    "food101": (101, 75_750, 25_250, 0, "top-1"),
    "cifar10": (10, 50_000, 10_000, 0, "top-1"),
    "cifar100": (100, 50_000, 10_000, 0, "top-1"),
    "birdsnap": (500, 47_386, 2_443, 0, "top-1"),
    "sun397": (397, 19_850, 19_850, 0, "top-1"),
    "cars": (196, 8_144, 8_041, 0, "top-1"),
    "aircraft": (100, 6_667, 3_333, 3_333, "mean-per-class"),
    "voc2007": (20, 5_011, 4_952, 2_510, "mean-average-precision"),
    "dtd": (47, 3_760, 1_880, 1_880, "top-1"),
    "pets": (37, 3_680, 3_669, 0, "mean-per-class"),
    "caltech101": (102, 3_060, 6_084, 0, "mean-per-class"),
    "flowers102": (102, 2_040, 6_149, 1_020, "mean-per-class"),
    "imagenet": (1000, 1_281_167, 50_000, 0, "top-1"),
}


@pytest.mark.parametrize("card", OFFICIAL.values(), ids=OFFICIAL)
def test_a_card_has_the_sizes_and_the_measure_of_the_paper(card):
    found = (card.classes, card.train + card.val, card.test, card.val, card.measure)
    assert found == TABLE_1[card.name]


def test_the_cards_are_in_the_order_of_the_paper():
    assert list(OFFICIAL) == [name for name in TABLE_1 if name in OFFICIAL]


@pytest.mark.parametrize("card", OFFICIAL.values(), ids=OFFICIAL)
def test_the_real_one_has_the_published_sizes(card):
    """Where it is on this disk; its own place, not the empty folder of the other tests."""
    real = REAL.get(card.name)
    if real is None:
        pytest.skip(f"needs the real {card.name} in $PENULTIMATE_DATA")
    assert find(card, str(real)) is not None
    loaded = load_official(card, str(real), allow_missing=card.name == "birdsnap")
    assert check_sizes(card, card.load(loaded.root)) == ()


def _real() -> dict[str, Path]:
    found = {name: find(card) for name, card in OFFICIAL.items()}
    return {name: root for name, root in found.items() if root is not None}


REAL = _real()
"""The real data sets that this machine has, looked for before any test changes the place."""
