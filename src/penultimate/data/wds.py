"""``wds:DIR`` or ``wds:PATTERN``: WebDataset shards, tar files with a few members a sample.

Members of one sample share their name up to the first dot: ``0001.jpg`` and ``0001.cls``. The tar
files are indexed once and read at any place after that, which the ``webdataset`` library, made for
streams, cannot do. Members are taken as images, numbers and text, and nothing is ever unpickled.
"""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from penultimate.data.dataset import Skipped
from penultimate.data.examples import Examples
from penultimate.data.named_splits import parts_of
from penultimate.data.notices import listed
from penultimate.data.packed import Named, Reading, read_all
from penultimate.data.shards import find_shards
from penultimate.data.walk import RASTER
from penultimate.errors import DataError, UnreadableImageError

LABELS = ("cls", "label", "class", "json", "txt")  # members that can hold a label, best first
KEYS = ("label", "cls", "class", "class_name", "label_name")  # in a json member, best first
META = re.compile(r"__[^/]*__($|/)")
MEMBER = re.compile(r"((?:.*/)?[^/.]+)\.([^/]+)", re.DOTALL)
LONGEST = 1_000_000  # bytes of a member that holds a label

Place = tuple[int, int, int]  # shard, first byte, length


@dataclass(frozen=True, eq=False)
class TarMembers:
    """Image files in tar files: (n, 3) shard, first byte, length."""

    shards: tuple[str, ...]
    places: NDArray[np.int64]

    def content(self, index: int) -> bytes:
        shard, first, length = self.places[index].tolist()
        with Path(self.shards[shard]).open("rb") as file:
            file.seek(first)
            data = file.read(length)
        if len(data) != length:
            raise UnreadableImageError(f"{self.shards[shard]} has become shorter")
        return data


@dataclass
class _Sample:
    """What a shard has of one sample: members by their extension in lower case."""

    images: dict[str, Place] = field(default_factory=dict)
    labels: dict[str, bytes] = field(default_factory=dict)


def load_wds(place: str, reading: Reading) -> Examples:
    """The samples of WebDataset shards that have an image and a label.

    Raises
    ------
    DataError : shards are missing, damaged or compressed, or it cannot be told what is the image
        and what the label.
    """
    root, splits = find_shards(place)
    parts, notices = parts_of(set(splits.values()), f"wds:{place}")
    shards = tuple(str(file) for file, split in splits.items() if split in parts)
    named: list[Named] = []
    places: list[Place] = []
    skipped: list[Skipped] = []
    used: set[str] = set()
    with reading.progress.step("indexing shards", len(shards), "shards") as step:
        for number, shard in enumerate(shards):
            file = Path(shard)
            prefix = file.relative_to(root).with_suffix("").as_posix()
            for key, sample in _samples(file, number).items():
                id_ = f"{prefix}/{key}"
                try:
                    kind, label = _label(sample, id_)
                    image = _image(sample)
                except UnreadableImageError as error:
                    skipped.append(Skipped(id_, str(error)))
                    continue
                used.add(kind)
                named.append(Named(id_, label, parts[splits[file]]))
                places.append(image)
            step.advance()
    if len(used) > 1:
        raise DataError(
            f"the labels of wds:{place} are in {listed(sorted(used))} members: each sample should "
            "have its label in a member of the same kind"
        )
    return read_all(
        TarMembers(shards, np.array(places, dtype=np.int64).reshape(-1, 3)),
        named,
        f"wds:{place}",
        reading,
        split_source="shards" if any(parts.values()) else "",
        skipped=tuple(skipped),
        notices=notices,
    )


def _samples(shard: Path, number: int) -> dict[str, _Sample]:
    """A shard's samples by their key."""
    samples: dict[str, _Sample] = {}
    for member, tar in _members(shard):
        found = MEMBER.fullmatch(member.name.removeprefix("./"))
        if META.match(member.name) or found is None:
            continue
        key, extension = found[1], found[2].lower()
        sample = samples.setdefault(key, _Sample())
        if "." + extension.rpartition(".")[2] in RASTER:
            if extension in sample.images:
                raise DataError(f"the shard {shard} has {member.name} twice: write it anew")
            sample.images[extension] = (number, member.offset_data, member.size)
        elif extension in LABELS and member.size <= LONGEST:
            file = tar.extractfile(member)
            sample.labels[extension] = file.read() if file else b""
    return samples


def _members(shard: Path) -> Iterator[tuple[tarfile.TarInfo, tarfile.TarFile]]:
    """The plain files of a tar file, and the tar file."""
    try:
        with tarfile.open(shard, "r:") as tar:
            for member in tar:
                if member.isreg() and not member.issparse():
                    yield member, tar
                # The index is ours; tarfile's own would fill the memory.
                tar.members = []  # type: ignore[attr-defined]
    except tarfile.TarError as error:
        raise DataError(
            f"the shard {shard} is not a whole tar file ({str(error) or 'it ends early'}): get it "
            "anew, or narrow the pattern to leave it out"
        ) from error
    except OSError as error:
        raise DataError(f"the shard {shard} cannot be read ({error.strerror or error})") from error


def _image(sample: _Sample) -> Place:
    if not sample.images:
        raise UnreadableImageError("it has no image")
    if len(sample.images) > 1:
        raise UnreadableImageError(f"it has several images: {', '.join(sorted(sample.images))}")
    return next(iter(sample.images.values()))


def _label(sample: _Sample, id_: str) -> tuple[str, str]:
    """The kind of member that has the label, and the label; of several kinds the best counts."""
    for kind in LABELS:
        data = sample.labels.get(kind)
        if data is None:
            continue
        try:
            text = data.decode("utf-8-sig").strip()
            label = _from_json(text) if kind == "json" else text
        except (ValueError, RecursionError):
            raise UnreadableImageError(f"its .{kind} is not valid") from None
        if label is not None:
            if not label:
                raise UnreadableImageError(f"its .{kind} is empty")
            return kind, label
    raise UnreadableImageError("it has no label")


def _from_json(text: str) -> str | None:
    """The label in a json member: a number or text, or what an object has under a likely key."""
    value = json.loads(text)
    if isinstance(value, dict):
        value = next((value[key] for key in KEYS if key in value), None)
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    return str(value).strip()
