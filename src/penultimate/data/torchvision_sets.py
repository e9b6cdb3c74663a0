"""``torchvision:NAME[:DIR]``: classes of ``torchvision.datasets`` whose items are (image, label).

Their pictures come decoded, so that content is told by pixels; of files, torchvision keeps none
that could be compared.
"""

from __future__ import annotations

import inspect
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from penultimate.data.examples import Examples
from penultimate.data.hub import first_line
from penultimate.data.named_splits import name_rows, parts_of
from penultimate.data.notices import listed
from penultimate.data.official.find import data_folder
from penultimate.data.packed import Reading, read_all
from penultimate.errors import DataError, UnknownNameError, UnreadableImageError

SPLITS = ("train", "val", "valid", "test")
ALSO_TRAIN = ("trainval", "train-standard")  # of those that have no 'train'
LABELS = ("targets", "_labels", "labels")  # where classes of torchvision keep all labels

_one_at_a_time = threading.Lock()  # nothing says that an item may be made in two threads at once


@dataclass(frozen=True, eq=False)
class TorchvisionPictures:
    """The pictures of torchvision's data sets: (n, 2) data set and item."""

    sets: tuple[Any, ...]
    places: NDArray[np.int64]

    def content(self, index: int) -> Image.Image:
        number, item = self.places[index].tolist()
        try:
            with _one_at_a_time:
                picture = self.sets[number][item][0]
        except Exception as error:  # Pillow's and torchvision's own
            raise UnreadableImageError(first_line(error)) from error
        if not isinstance(picture, Image.Image):
            raise UnreadableImageError(f"it is no image but {type(picture).__name__}")
        return picture


def load_torchvision(place: str, reading: Reading) -> Examples:
    """A data set of torchvision's, from the folder that its class takes as ``root``.

    Raises
    ------
    UnknownNameError : torchvision has no such data set.
    DataError : torchvision is not installed, the data set is not there, or it does not have one
        label an image.
    """
    name, _, folder = place.partition(":")
    source = f"torchvision:{name}"
    sets = open_sets(name, Path(folder).expanduser() if folder else data_folder())
    labels = {split: _labels(found, source) for split, found in sets.items()}
    unlabelled = [split for split, found in labels.items() if all(label is None for label in found)]
    parts, notices = parts_of([split for split in sets if split not in unlabelled], source)
    if unlabelled:
        notices += (f"splits left out, as they have no labels: {listed(unlabelled)}",)
    named, places, skipped = name_rows(labels, parts)
    return read_all(
        TorchvisionPictures(
            tuple(sets[split] for split in sorted(parts)),
            places,
        ),
        named,
        source,
        reading,
        split_source="official" if any(parts.values()) else "",
        skipped=skipped,
        notices=notices,
    )


def open_sets(name: str, root: Path, *, download: bool = False) -> dict[str, Any]:
    """The data set's splits by name, ``all`` where it has none.

    Raises
    ------
    UnknownNameError, DataError : see ``load_torchvision``.
    """
    kind = _class(name)
    settings = inspect.signature(kind).parameters
    given: dict[str, Any] = {"root": root} if "root" in settings else {}
    if "download" in settings:
        given["download"] = download
    needed = [
        key
        for key, setting in settings.items()
        if setting.default is setting.empty
        and setting.kind is not setting.VAR_KEYWORD
        and key not in given
    ]
    if needed:
        raise DataError(
            f"torchvision's {name} needs {listed(needed)}, which cannot be given here: save its "
            "images into class folders and use folder:DIR"
        )
    wanted: dict[str, dict[str, Any]]
    if "train" in settings:
        wanted = {"train": {"train": True}, "test": {"train": False}}
    elif "split" in settings:
        wanted = {split: {"split": split} for split in (*SPLITS, *ALSO_TRAIN)}
    else:
        wanted = {"all": {}}
    sets: dict[str, Any] = {}
    for split, setting in wanted.items():
        if split in ALSO_TRAIN and "train" in sets:
            continue
        try:
            sets["train" if split in ALSO_TRAIN else split] = kind(**given, **setting)
        except Exception as error:  # torchvision answers with ValueError, RuntimeError, OSError
            if isinstance(error, ValueError) and "argument split" in str(error):
                continue
            if download:
                raise DataError(
                    f"torchvision cannot fetch its {name} into {root} ({first_line(error)}): check "
                    "the connection and try again, or get its files elsewhere"
                ) from error
            raise DataError(
                f"torchvision's {name} cannot be read from {root} ({first_line(error)}): "
                f"'penultimate tasks download torchvision:{name}' fetches it where torchvision "
                f"can, or write torchvision:{name}:DIR for the folder that is its root"
            ) from error
    return sets


def _class(name: str) -> Any:
    try:
        from torchvision import datasets
    except ImportError as error:
        raise DataError(
            "torchvision: needs the library torchvision, which is not installed: "
            "pip install torchvision"
        ) from error
    known = [kind for kind in datasets.__all__ if inspect.isclass(getattr(datasets, kind))]
    if name not in known:
        same = [kind for kind in known if kind.lower() == name.lower()]
        if same:
            raise DataError(f"there is no torchvision:{name}: write torchvision:{same[0]}")
        raise UnknownNameError("data set of torchvision", name, known, "see torchvision.datasets")
    return getattr(datasets, name)


def _labels(found: Any, source: str) -> list[str | None]:
    """The label of each item by its class' name; None where there is none."""
    try:
        numbers = _known_labels(found)
        if numbers is None:
            numbers = [found[item][1] for item in range(len(found))]
        names = _class_names(found)
        return [None if number is None else _name(number, names) for number in numbers]
    except Exception as error:
        raise DataError(
            f"the items of {source} are not pairs of an image and its label "
            f"({first_line(error)}): only such data sets can be used"
        ) from error


def _known_labels(found: Any) -> list[Any] | None:
    """All labels without a picture being decoded, where they are what the items say."""
    for attribute in LABELS:
        labels = getattr(found, attribute, None)
        if labels is None or len(labels) != len(found) or not len(found):
            continue
        labels = labels.tolist() if hasattr(labels, "tolist") else list(labels)
        ends = (0, len(labels) - 1)
        if all(_plain(found[item][1]) == labels[item] for item in ends):
            return labels
    return None


def _plain(label: Any) -> Any:
    return label.item() if hasattr(label, "item") else label


def _class_names(found: Any) -> list[str]:
    names = getattr(found, "classes", None) or ()
    text = [", ".join(name) if isinstance(name, tuple) else str(name) for name in names]
    return text if len(set(text)) == len(text) else []


def _name(label: Any, names: list[str]) -> str:
    label = _plain(label)
    if isinstance(label, str):
        return label
    if isinstance(label, bool) or not isinstance(label, int):
        raise TypeError(f"a label is {type(label).__name__}")
    return names[label] if 0 <= label < len(names) else str(label)
