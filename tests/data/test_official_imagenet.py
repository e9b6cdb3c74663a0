"""ImageNet in its three layouts, against each other and against torchvision."""

from __future__ import annotations

import tarfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from imagenet_trees import (
    DEVKIT_ORDER,
    TRAINED,
    VALIDATED,
    WORDNET_IDS,
    imagenet_devkit,
    imagenet_flat_val,
    imagenet_kaggle,
    imagenet_raw,
    imagenet_sorted,
    imagenet_train,
)

from penultimate.data.decode import read_image
from penultimate.data.listing import Listing
from penultimate.data.official.imagenet import imagenet_validation, load
from penultimate.errors import DataError

LAYOUTS = {"sorted": imagenet_sorted, "raw": imagenet_raw, "kaggle": imagenet_kaggle}


@pytest.fixture(scope="module", params=LAYOUTS)
def root(request, tmp_path_factory) -> Path:
    return LAYOUTS[request.param](tmp_path_factory.mktemp(request.param))


def by_id(listing: Listing) -> dict[str, tuple[str, str, str]]:
    """Id -> file name, label and part."""
    return {entry.id: (entry.path.name, entry.label, entry.part) for entry in listing.entries}


def test_each_layout_says_the_same(root: Path, tmp_path: Path) -> None:
    listing = load(root)
    assert by_id(listing) == by_id(load(imagenet_sorted(tmp_path)))
    assert Counter(entry.part for entry in listing.entries) == {"train": 16, "test": 6}
    assert all(entry.path.is_file() for entry in listing.entries)
    assert {entry.label for entry in listing.entries} == {WORDNET_IDS[i] for i in TRAINED}
    assert listing.notices == ()


def test_validation_images_have_the_index_that_networks_answer_in(root: Path) -> None:
    if (root / "val").is_dir():
        for id_ in WORDNET_IDS:
            (root / "val" / id_).mkdir(exist_ok=True)
    images = imagenet_validation(root)
    assert {image.path.name: image.index for image in images} == {
        f"ILSVRC2012_val_{i + 1:08d}.JPEG": of for i, of in enumerate(VALIDATED)
    }
    assert all(image.wordnet_id == WORDNET_IDS[image.index] for image in images)
    assert [image.path for image in images] == sorted(image.path for image in images)


def test_the_development_kits_numbers_are_no_indices() -> None:
    """That the trees can tell one order from the other."""
    assert all(DEVKIT_ORDER.index(of) != of for of in VALIDATED)


def test_only_the_validation_part_is_needed_to_measure_accuracy(tmp_path: Path) -> None:
    imagenet_flat_val(tmp_path / "val")
    imagenet_devkit(tmp_path / "ILSVRC2012_devkit_t12")
    (tmp_path / "val" / "ILSVRC2012_val_00000002.JPEG").unlink()
    images = imagenet_validation(tmp_path)
    assert [image.index for image in images] == [VALIDATED[i] for i in (0, 2, 3, 4, 5)]


def test_an_image_that_should_be_there_is_listed(tmp_path: Path) -> None:
    root = imagenet_raw(tmp_path)
    (root / "ILSVRC2012_img_val" / "ILSVRC2012_val_00000002.JPEG").unlink()
    (missing,) = [entry for entry in load(root).entries if not entry.path.is_file()]
    assert missing.path == root / "ILSVRC2012_img_val" / "ILSVRC2012_val_00000002.JPEG"
    assert missing.id == f"val/{WORDNET_IDS[VALIDATED[1]]}/ILSVRC2012_val_00000002.JPEG"


def test_without_all_classes_no_index_is_known(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="names 4 classes of ImageNet's 1,000") as error:
        imagenet_validation(imagenet_sorted(tmp_path))
    assert "ILSVRC2012_devkit_t12.tar.gz" in str(error.value)


def test_torchvision_reads_the_same_from_the_archives(tmp_path: Path, monkeypatch) -> None:
    """It sorts the flat validation images into class folders by the development kit."""
    imagenet = pytest.importorskip("torchvision.datasets.imagenet")
    # The archives are ours, so their MD5 is not that of the published ones.
    monkeypatch.setattr(imagenet, "_verify_archive", lambda root, file, md5: None)
    raw, archives = imagenet_raw(tmp_path / "raw"), tmp_path / "archives"
    pack(raw, archives)
    ours = load(raw)
    for split, part in (("train", "train"), ("val", "test")):
        theirs = imagenet.ImageNet(archives, split=split)
        expected = {Path(path).name: theirs.wnids[target] for path, target in theirs.imgs}
        entries = [entry for entry in ours.entries if entry.part == part]
        assert {entry.path.name: entry.label for entry in entries} == expected
        number = {Path(path).name: i for i, (path, _) in enumerate(theirs.imgs)}
        for entry in entries:
            pixels = np.asarray(read_image(entry.path))
            assert np.array_equal(pixels, np.asarray(theirs[number[entry.path.name]][0]))
    assert by_id(load(archives)) == by_id(ours)


def pack(raw: Path, archives: Path) -> None:
    """The three archives as published: that of train holds one archive a class."""
    archives.mkdir()
    inner = archives / "inner"
    inner.mkdir()
    for folder in sorted((raw / "ILSVRC2012_img_train").iterdir()):
        with tarfile.open(inner / f"{folder.name}.tar", "w") as tar:
            for file in sorted(folder.iterdir()):
                tar.add(file, file.name)
    with tarfile.open(archives / "ILSVRC2012_img_train.tar", "w") as tar:
        for file in sorted(inner.iterdir()):
            tar.add(file, file.name)
    with tarfile.open(archives / "ILSVRC2012_img_val.tar", "w") as tar:
        for file in sorted((raw / "ILSVRC2012_img_val").iterdir()):
            tar.add(file, file.name)
    with tarfile.open(archives / "ILSVRC2012_devkit_t12.tar.gz", "w:gz") as tar:
        tar.add(raw / "ILSVRC2012_devkit_t12", "ILSVRC2012_devkit_t12")


def test_what_is_no_image_is_counted(tmp_path: Path) -> None:
    root = imagenet_sorted(tmp_path)
    (root / "train" / WORDNET_IDS[3] / "notes.txt").touch()
    (root / "train" / WORDNET_IDS[3] / "._n01480757_1.JPEG").touch()  # of macOS
    (root / "train" / "lost+found").mkdir()
    listing = load(root)
    assert len(listing.entries) == 22
    assert listing.notices == (
        f"1 file of other kinds among the images ignored, for example in 'train/{WORDNET_IDS[3]}'",
    )


def damage(root: Path, what: str) -> None:
    kit = root / "ILSVRC2012_devkit_t12" / "data"
    truth = kit / "ILSVRC2012_validation_ground_truth.txt"
    if what == "no truth":
        (kit / "meta.mat").unlink()
        truth.unlink()
        kit.rmdir()
        kit.parent.rmdir()
    elif what == "no meta":
        (kit / "meta.mat").unlink()
    elif what == "meta of text":
        (kit / "meta.mat").write_text("not found")
    elif what == "class 0":
        truth.write_text(truth.read_text() + "0\n")
    elif what == "a group":
        truth.write_text(truth.read_text() + "1001\n")
    elif what == "strange":
        (root / "ILSVRC2012_img_val" / "holiday.jpg").touch()
    elif what == "half sorted":
        (root / "ILSVRC2012_img_val" / WORDNET_IDS[0]).mkdir()
    elif what == "no train":
        (root / "ILSVRC2012_img_train").rename(root / "elsewhere")
    elif what == "not unpacked":
        (root / "ILSVRC2012_img_train").rename(root / "elsewhere")
        (root / "train").mkdir()
        (root / "train" / f"{WORDNET_IDS[0]}.tar").touch()


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("no truth", "nothing says the classes of its images: unpack ILSVRC2012_devkit_t12"),
        ("no meta", "meta.mat cannot be used: no such file or directory; get"),
        ("meta of text", "meta.mat cannot be used: it is not a MATLAB file that can be read; get"),
        ("class 0", "its line '0' is not the number of a class in meta.mat; get"),
        ("a group", "its line '1001' is not the number of a class in meta.mat; get"),
        ("strange", "holiday.jpg is none of ImageNet's validation images: move"),
        ("half sorted", "has class folders and, beside them, 6 images: sort"),
        ("no train", "has no folder train, ILSVRC2012_img_train or ILSVRC/Data/CLS-LOC/train"),
        ("not unpacked", "unpack each of the 1,000 archives"),
    ],
)
def test_half_a_data_set_is_one_sentence(tmp_path: Path, what: str, message: str) -> None:
    root = imagenet_raw(tmp_path)
    damage(root, what)
    with pytest.raises(DataError, match=message) as error:
        load(root)
    assert str(root) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        (
            "LOC_val_solution.csv",
            "ILSVRC2012_val_00000009",
            "is not a name, a comma and",
        ),
        (
            "LOC_val_solution.csv",
            "../../x,n01440764 1 2 3 4",
            "is not a name, a comma and",
        ),
        (
            "LOC_val_solution.csv",
            "ILSVRC2012_val_00000009,n99999999 1 2",
            "it lacks n99999999",
        ),
        ("LOC_synset_mapping.txt", "tench", "its line 'tench' is not a WordNet id"),
    ],
)
def test_a_damaged_line_of_kaggles_tables_is_named(tmp_path, file, line, message) -> None:
    root = imagenet_kaggle(tmp_path)
    with (root / file).open("a") as text:
        text.write(line + "\n")
    with pytest.raises(DataError, match=message) as error:
        load(root)
    assert str(root) in str(error.value)


def test_listing_asks_for_no_single_file(tmp_path: Path, monkeypatch) -> None:
    """1.3 million of them, each a round trip on a network's disk."""
    root = imagenet_raw(tmp_path)
    asked = []
    real = Path.stat

    def stat(self: Path, **options: bool):
        asked.append(self.name)
        return real(self, **options)

    monkeypatch.setattr(Path, "stat", stat)
    assert len(load(root).entries) == 22
    assert not [name for name in asked if name.endswith(".JPEG")]


def test_train_alone_is_listed_in_order(tmp_path: Path) -> None:
    imagenet_train(tmp_path / "train")
    imagenet_flat_val(tmp_path / "val")
    imagenet_devkit(tmp_path / "ILSVRC2012_devkit_t12")
    ids = [entry.id for entry in load(tmp_path).entries if entry.part == "train"]
    assert ids == sorted(ids)
