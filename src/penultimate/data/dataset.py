"""What every source of data becomes: labelled examples, divided into train, val and test."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from penultimate.data.decode import read_image
from penultimate.data.names import join_names
from penultimate.errors import DataError
from penultimate.io import digest_bytes, digest_json

PARTS = ("train", "val", "test")
MASKED = -1  # of a pair of image and class that does not count

Labels = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Skipped:
    """An image that was there and could not be used."""

    id: str
    reason: str


class Images(Protocol):
    """Where the pictures are; can be pickled, and read from several threads at once."""

    def __getitem__(self, index: int) -> Image.Image:
        """The picture as RGB, upright."""

    def select(self, rows: NDArray[np.int64]) -> Images:
        """Those pictures, in that order."""


@dataclass(frozen=True)
class FileImages:
    """Pictures in files, decoded when they are asked for."""

    paths: tuple[str, ...]

    def __getitem__(self, index: int) -> Image.Image:
        return read_image(Path(self.paths[index]))

    def select(self, rows: NDArray[np.int64]) -> FileImages:
        return FileImages(tuple(self.paths[row] for row in rows))


@dataclass(frozen=True, eq=False)
class ArrayImages:
    """Small pictures in memory, 8 bits: grey (n, height, width) or RGB (n, height, width, 3)."""

    pixels: NDArray[np.uint8]

    def __getitem__(self, index: int) -> Image.Image:
        return Image.fromarray(self.pixels[index]).convert("RGB")

    def select(self, rows: NDArray[np.int64]) -> ArrayImages:
        return ArrayImages(self.pixels[rows])


def digest_array(array: NDArray[np.generic]) -> str:
    """SHA-256 of an array's type, shape and bytes (C order, little endian)."""
    array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    header = f"{array.dtype.str}{list(array.shape)}".encode("ascii")
    return digest_bytes(header + array.tobytes())


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled examples, divided; n of them, sorted by id.

    Parameters
    ----------
    name : how tables and figures call it.
    classes : class names: sorted, or in the order that the source fixes.
    ids : (n,) unique and sorted; for files the path relative to the source, with ``/``.
    labels : (n,) index into ``classes``; where an image can have several labels, (n, K) of 1
        (present), 0 (absent) and -1 (masked: the pair does not count).
    digests : (n,) SHA-256 of each image's content: of the file's bytes, or of an array's type,
        shape and bytes.
    parts : (n,) ``"train"``, ``"val"`` or ``"test"``; in a table of a split also ``"unused"``.
    groups : (n,) where the split is ours, members of one group are in one part.
    measure : ``"top-1"`` or ``"mean-per-class"``; ``"mean-average-precision"`` where an image can
        have several labels.
    split_source : where the split comes from, for example ``"official"`` or
        ``"seed 0, 60/20/20, stratified"``.
    skipped : what could not be used, and why.
    notices : sentences for a person: what was found, ignored, left as it is.
    images : the pictures; None where there are only features.
    drawn : whether the test part is ours, and so can be drawn anew.
    """

    name: str
    classes: tuple[str, ...]
    ids: tuple[str, ...]
    labels: Labels
    digests: tuple[str, ...]
    parts: NDArray[np.str_]
    groups: NDArray[np.int64]
    measure: str
    split_source: str
    skipped: tuple[Skipped, ...]
    notices: tuple[str, ...]
    images: Images | None = None
    drawn: bool = False

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def has_images(self) -> bool:
        """Whether there are pictures, and not only features."""
        return self.images is not None

    @property
    def multi_label(self) -> bool:
        """Whether an image can have several labels, or none."""
        return self.labels.ndim == 2

    def image(self, index: int) -> Image.Image:
        """The picture of example ``index`` as RGB, upright.

        Raises
        ------
        UnreadableImageError : the file is gone or cannot be decoded.
        DataError : this task has features and no pictures.
        """
        if self.images is None:
            raise DataError(
                f"the task {self.name!r} has features and no images: use the backbone "
                "features:DIR with it, or a task that has images"
            )
        return self.images[index]

    def indices(self, part: str) -> NDArray[np.int64]:
        """The examples of one part, in the order of their ids."""
        return np.flatnonzero(self.parts == part).astype(np.int64)

    @cached_property
    def fingerprint(self) -> str:
        """Digest of what the data are: ids, content, classes, labels and parts.

        Where the files lie, their dates and how the split was found do not count.
        """
        return digest_json(
            {
                "classes": self.classes,
                "examples": [
                    [id_, digest, *self._numbers(row), str(self.parts[row])]
                    for row, (id_, digest) in enumerate(zip(self.ids, self.digests, strict=True))
                ],
            }
        )

    def _numbers(self, row: int) -> list[int] | list[list[int]]:
        """An image's class; or the classes that are present, and those that are masked."""
        if not self.multi_label:
            return [int(self.labels[row])]
        return [np.flatnonzero(self.labels[row] == value).tolist() for value in (1, MASKED)]

    def split_csv(self) -> str:
        """The split as a table of ``path,label,split,group,sha256``.

        Put into the folder of the images, it gives the same split again as ``csv:FILE``. Where an
        image can have several labels, ``labels`` and ``uncertain`` stand in place of ``label``.
        """
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        named = ["labels", "uncertain"] if self.multi_label else ["label"]
        writer.writerow(["path", *named, "split", "group", "sha256"])
        for i, id_ in enumerate(self.ids):
            writer.writerow([id_, *self._named(i), self.parts[i], self.groups[i], self.digests[i]])
        return text.getvalue()

    def _named(self, row: int) -> list[str]:
        """The cells of a table that name an image's labels."""
        return [
            join_names(self.classes[k] for k in numbers)
            if isinstance(numbers, list)
            else self.classes[numbers]
            for numbers in self._numbers(row)
        ]
