"""ImageNet: the ILSVRC 2012 classification task, in any of the three layouts it is kept in."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from penultimate.data.listing import Entry, Listing
from penultimate.data.official.card import Archive, Official
from penultimate.data.official.imagenet_truth import (
    DEVKIT,
    SOLUTION,
    WORDNET_ID,
    Truth,
    read_truth,
)
from penultimate.data.walk import count
from penultimate.errors import DataError

TRAIN = ("train", "ILSVRC2012_img_train", "ILSVRC/Data/CLS-LOC/train")
VAL = ("val", "ILSVRC2012_img_val", "ILSVRC/Data/CLS-LOC/val")
SUFFIXES = (".jpeg", ".jpg", ".png")  # the latter two in copies that somebody resized
CLASSES = 1000


@dataclass(frozen=True)
class ValidationImage:
    """An image of the validation part; ``index`` is that of its class in a network's answer."""

    path: Path
    wordnet_id: str
    index: int


def load(root: Path) -> Listing:
    """The train part and, as the test part, what ImageNet calls validation.

    An image's label is its WordNet id, so that sorted labels are in the order that every
    published network answers in. Its id is the same in every layout.

    Raises
    ------
    DataError : a part is not there, or nothing says the classes of the validation images.
    """
    disk = _Disk(root)
    train = disk.folder(TRAIN)
    entries = [
        Entry(f"train/{label}/{name}", root / train / label / name, label, "train")
        for label, name in disk.classed(train)
    ]
    if not entries:
        raise DataError(
            f"{root / train} has no images in folders named by WordNet ids such as n01440764: "
            "unpack each of the 1,000 archives in it into a folder of its name"
        )
    entries += [
        Entry(f"val/{label}/{Path(place).name}", root / disk.val / place, label, "test")
        for place, label in disk.validation()
    ]
    return Listing(tuple(entries), "official train and validation", notices=disk.notices())


def imagenet_validation(root: Path) -> list[ValidationImage]:
    """The validation images that are there, sorted by path, without looking at the train images.

    There are 50,000; fewer than that is for the caller to say.

    Raises
    ------
    DataError : there are none, nothing says their classes, or not all 1,000 classes are known,
        without which no class's place in a network's answer is.
    """
    disk = _Disk(root)
    classes = disk.classes()
    if len(classes) != CLASSES:
        raise DataError(
            f"{root} names {len(classes):,} classes of ImageNet's 1,000, and all are needed to "
            "know which output of a network means which: keep empty folders for the classes "
            f"without images, or unpack {DEVKIT}.tar.gz there"
        )
    index = {wordnet_id: i for i, wordnet_id in enumerate(classes)}
    images = [
        ValidationImage(root / disk.val / place, wordnet_id, index[wordnet_id])
        for place, wordnet_id in disk.validation(listed=False)
    ]
    if not images:
        raise DataError(f"{root / disk.val} has no images: unpack ILSVRC2012_img_val.tar there")
    return images


@dataclass
class _Disk:
    """What lies below an ImageNet folder. Folders are listed, single files never asked for."""

    root: Path

    def __post_init__(self) -> None:
        self.others: Counter[str] = Counter()  # files that are no images, by folder

    def folder(self, names: tuple[str, ...]) -> str:
        """Which of these is there."""
        for name in names:
            if (self.root / name).is_dir():
                return name
        raise DataError(
            f"{self.root} has no folder {', '.join(names[:-1])} or {names[-1]}: unpack "
            "ImageNet's archives there"
        )

    @cached_property
    def val(self) -> str:
        return self.folder(VAL)

    @cached_property
    def truth(self) -> Truth | None:
        return read_truth(self.root)

    def classes(self) -> tuple[str, ...]:
        """Sorted WordNet ids, from whatever knows them."""
        if self.truth is not None:
            return self.truth.classes
        both = [name for names in (TRAIN, VAL) for name in names if (self.root / name).is_dir()]
        return tuple(sorted({id_ for name in both for id_ in self.class_folders(name)}))

    def class_folders(self, folder: str) -> list[str]:
        """The subfolders that are named by a WordNet id, sorted."""
        with os.scandir(self.root / folder) as found:
            return sorted(f.name for f in found if WORDNET_ID.fullmatch(f.name) and f.is_dir())

    def images(self, folder: str) -> list[str]:
        """The image files directly in a folder, sorted; others are counted."""
        images, others = [], 0
        with os.scandir(self.root / folder) as found:
            for entry in found:
                if entry.name.startswith("."):
                    continue
                if entry.name.lower().endswith(SUFFIXES):
                    images.append(entry.name)
                elif not entry.is_dir():
                    others += 1
        if others:
            self.others[folder] = others
        return sorted(images)

    def classed(self, folder: str) -> Iterator[tuple[str, str]]:
        """WordNet id and file name of each image in a class folder."""
        for wordnet_id in self.class_folders(folder):
            for name in self.images(f"{folder}/{wordnet_id}"):
                yield wordnet_id, name

    def validation(self, *, listed: bool = True) -> list[tuple[str, str]]:
        """Place in the validation folder and WordNet id of each image.

        ``listed`` asks for the images that should be there, where that is known, and not for
        those that are.
        """
        flat = {name.rpartition(".")[0]: name for name in self.images(self.val)}
        if self.class_folders(self.val):
            if flat:
                raise DataError(
                    f"{self.root / self.val} has class folders and, beside them, "
                    f"{count(len(flat), 'image')}: sort these into the folders of their classes"
                )
            return [(f"{id_}/{name}", id_) for id_, name in self.classed(self.val)]
        if self.truth is None:
            raise DataError(
                f"{self.root / self.val} has no class folders, and nothing says the classes of "
                f"its images: unpack {DEVKIT}.tar.gz in {self.root}, or put {SOLUTION} there"
            )
        of_image = self.truth.of_image
        strange = [name for stem, name in flat.items() if stem not in of_image]
        if strange:
            raise DataError(
                f"{self.root / self.val / strange[0]} is none of ImageNet's validation images: "
                "move it elsewhere"
            )
        return [
            (flat.get(stem, f"{stem}.JPEG"), wordnet_id)
            for stem, wordnet_id in sorted(of_image.items())
            if listed or stem in flat
        ]

    def notices(self) -> tuple[str, ...]:
        """What lies among the images and is none."""
        if not self.others:
            return ()
        first = min(self.others)
        n = count(self.others.total(), "file")
        return (f"{n} of other kinds among the images ignored, for example in {first!r}",)


CARD = Official(
    name="imagenet",
    title="ImageNet (ILSVRC 2012)",
    classes=CLASSES,
    train=1_281_167,
    val=0,
    test=50_000,
    measure="top-1",
    split="official train; the official validation part is test, as the labels of the official "
    "test part were never published; validation is held out of train",
    licence="for non-commercial research and teaching, to those who agree to ImageNet's terms; the "
    "photographs belong to their makers",
    homepage="https://image-net.org/challenges/LSVRC/2012/",
    how_to_get="register at image-net.org, or on Kaggle for the ImageNet Object Localization "
    "Challenge, and unpack the archives into one folder, and each of those in the train archive "
    "into a folder of its name",
    folder="imagenet",
    marker=TRAIN[0],
    layout="""\
imagenet/
  train/n01440764/n01440764_10026.JPEG
  val/n01440764/ILSVRC2012_val_00000293.JPEG      sorted into class folders, or
  val/ILSVRC2012_val_00000001.JPEG                flat, together with one of
  ILSVRC2012_devkit_t12/data/meta.mat
  ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt
  LOC_val_solution.csv, LOC_synset_mapping.txt    from Kaggle

The folders may also be called ILSVRC2012_img_train and ILSVRC2012_img_val, or, as Kaggle has them,
ILSVRC/Data/CLS-LOC/train and ILSVRC/Data/CLS-LOC/val.""",
    pitfalls=(
        "The development kit numbers the classes in another order than networks answer in; classes "
        "are sorted by WordNet id here.",
        "The development kit also lists groups of classes; the 1,000 classes are those without "
        "children.",
        "The published validation part is what accuracy is reported on, so it is the test part "
        "here, and validation is held out of train.",
        "The validation images are published in one flat folder; their classes come from the "
        "development kit or Kaggle's table, by the number in each file's name.",
    ),
    load=load,
    archives=(
        Archive(
            "ILSVRC2012_img_train.tar",
            md5="1d675b47d978889d74fa0da5fadfb00e",
            into="imagenet/train",
        ),
        Archive(
            "ILSVRC2012_img_val.tar",
            md5="29b22e2961454d5413ddabcf34fc5622",
            into="imagenet/val",
        ),
        Archive("ILSVRC2012_devkit_t12.tar.gz", md5="fa75699e90414af021442c21a62c3abf"),
    ),
    also=tuple(("imagenet", folder) for folder in TRAIN[1:]),
    listed=False,
)
