"""Stanford Cars (Krause et al., 2013), from its MATLAB annotations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from penultimate.data.listing import Entry, Listing
from penultimate.data.official.card import Archive, Official
from penultimate.data.official.lists import read_mat, unreadable
from penultimate.errors import DataError

WITH_LABELS = "cars_test_annos_withlabels.mat"


def load(root: Path) -> Listing:
    """Images as the annotations of train and of test list them.

    Raises
    ------
    DataError : a file is missing or not as published.
    """
    if (root / "cars_annos.mat").is_file() and not (root / "devkit").is_dir():
        return _load_combined(root)
    meta = root / "devkit" / "cars_meta.mat"
    names = _names(read_mat(meta, "class_names")[0])
    entries = []
    for part, folder, file in (
        ("train", "cars_train", root / "devkit" / "cars_train_annos.mat"),
        ("test", "cars_test", _test_labels(root)),
    ):
        for row in _rows(file, "fname", "class"):
            id_ = f"{folder}/{row['fname']}"
            entries.append(Entry(id_, root / id_, _label(file, row["class"], names), part))
    return Listing(tuple(entries), "official")


def _load_combined(root: Path) -> Listing:
    """The other published form: all images in one folder, all annotations in one file."""
    file = root / "cars_annos.mat"
    names = _names(read_mat(file, "class_names")[0])
    entries = []
    for row in _rows(file, "relative_im_path", "class", "test"):
        id_ = str(row["relative_im_path"])
        part = "test" if row["test"] == 1 else "train"
        entries.append(Entry(id_, root / id_, _label(file, row["class"], names), part))
    return Listing(tuple(entries), "official")


def _test_labels(root: Path) -> Path:
    for folder in (root, root / "devkit"):
        if (folder / WITH_LABELS).is_file():
            return folder / WITH_LABELS
    raise DataError(
        f"cars at {root} lacks {WITH_LABELS}: the devkit's own cars_test_annos.mat has no labels; "
        f"that file is published beside it, put it in {root}"
    )


def _names(cells: Any) -> list[str]:
    return [str(name) for name in np.atleast_1d(cells).tolist()]


def _rows(file: Path, *fields: str) -> list[Any]:
    rows = np.atleast_1d(read_mat(file, "annotations")[0])
    for field in fields:
        if field not in (rows.dtype.names or ()):
            raise unreadable(file, f"its annotations have no field {field!r}")
    return list(rows)


def _label(file: Path, number: Any, names: list[str]) -> str:
    """The name of a class, whose numbers begin at 1 as MATLAB's do."""
    if not isinstance(number, int | np.integer) or not 1 <= number <= len(names):
        raise unreadable(file, f"it has the class {number!r}, which is not from 1 to {len(names)}")
    return names[number - 1]


CARD = Official(
    name="cars",
    title="Stanford Cars",
    classes=196,
    train=8_144,
    val=0,
    test=8_041,
    measure="top-1",
    split="official train and test; validation is held out of train",
    licence="pictures from the internet, of many owners: research only, on ImageNet's terms",
    homepage="https://ai.stanford.edu/~jkrause/cars/car_dataset.html",
    how_to_get="its homepage is gone: get cars_train.tgz, cars_test.tgz, car_devkit.tgz and "
    f"{WITH_LABELS} from someone who has them, and unpack the three side by side",
    folder="stanford_cars",
    marker="devkit/cars_meta.mat",
    also=(("stanford_cars", "cars_annos.mat"),),
    layout="""\
stanford_cars/
  cars_train/00001.jpg
  cars_test/00001.jpg
  devkit/cars_meta.mat              names of the classes
  devkit/cars_train_annos.mat
  cars_test_annos_withlabels.mat    here or in devkit/
or, published later,
  car_ims/000001.jpg
  cars_annos.mat                    names, classes and parts of all
""",
    pitfalls=(
        "The devkit's cars_test_annos.mat has no labels; those of test are in a file of their own, "
        f"{WITH_LABELS}, which may lie in the root or in devkit/.",
        "Numbers of classes begin at 1.",
        "Images of train and of test have the same names, 00001.jpg and on, in two folders.",
        "torchvision cannot download it: its homepage is gone.",
    ),
    load=load,
    archives=(
        Archive("cars_train.tgz", md5="065e5b463ae28d29e77c1b4b166cfe61"),
        Archive("cars_test.tgz", md5="4ce7ebf6a94d07f1952d94dd34c4d501"),
        Archive("car_devkit.tgz", md5="c3b158d763b6e2245038c8ad08e45376"),
        Archive(WITH_LABELS, md5="b0a2b23655a3edd16d84508592a98d10"),
    ),
)
