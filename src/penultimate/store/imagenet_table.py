"""timm's table of ImageNet results, or one of its form: ``model,top1`` and, if any, ``img_size``.

timm publishes it with its source. It is read from a file, or fetched once and kept; none comes with
this package.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from penultimate.errors import SpecError
from penultimate.io import digest_bytes, write_atomic
from penultimate.store.imagenet import Accuracy

URL = (
    "https://raw.githubusercontent.com/huggingface/pytorch-image-models/main/results/"
    "results-imagenet.csv"
)
FETCH = "timm"  # in place of a file: the table that timm publishes
TIMEOUT = 30.0  # seconds


@dataclass(frozen=True)
class ImageNetTable:
    """Accuracies, fractions, by a checkpoint's name and image size (None where not given)."""

    name: str
    digest: str
    rows: dict[str, dict[int | None, tuple[float, float | None]]]

    @classmethod
    def read(cls, place: Path | str) -> ImageNetTable:
        """The table in a file; ``"timm"`` is the one that timm publishes.

        Raises
        ------
        SpecError : it is not there, cannot be fetched, or is not of that form.
        """
        path = fetch_table() if str(place) == FETCH else Path(place).expanduser()
        try:
            return cls.parse(path.read_bytes(), str(path))
        except FileNotFoundError:
            raise SpecError(
                f"there is no table of ImageNet results {path}: save {URL} there, or write "
                f"{FETCH!r} in its place to have it fetched"
            ) from None
        except OSError as error:
            raise SpecError(f"{path} cannot be read ({error.strerror}): give a CSV file") from None

    @classmethod
    def parse(cls, content: bytes, place: str) -> ImageNetTable:
        """The table in the content of a CSV file.

        Raises
        ------
        SpecError : it is not of that form; the message names the line.
        """
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise SpecError(f"{place} is not UTF-8 text: save the table as UTF-8") from None
        rows: dict[str, dict[int | None, tuple[float, float | None]]] = {}
        for line, model, size, top1, top5 in _lines(text, place):
            sizes = rows.setdefault(model, {})
            if sizes.get(size, (top1, top5)) != (top1, top5):
                at = f" at {size} px" if size else ""
                raise SpecError(
                    f"{place}, line {line}: {model}{at} is there twice with different accuracies: "
                    "leave one out"
                )
            sizes[size] = top1, top5
        if rows and max(top1 for sizes in rows.values() for top1, _ in sizes.values()) <= 0.01:
            raise SpecError(f"{place}: top1 is in percent, as in 76.1, and no value is above 1")
        return cls(Path(place).name, digest_bytes(content), rows)

    def find(self, model: str, image_size: int | None) -> Accuracy | None:
        """What the table has for exactly this checkpoint at its training size, else None.

        A table without sizes has one accuracy a checkpoint, which is taken.
        """
        sizes = self.rows.get(model, {})
        size = None if None in sizes else image_size
        if size not in sizes:
            return None
        top1, top5 = sizes[size]
        at = f", {size} px" if size else ""
        source = f"results table {self.name} (sha256 {self.digest[:12]}), {model}{at}"
        return Accuracy(top1=top1, top5=top5, source=source)


def fetch_table() -> Path:
    """timm's table, downloaded once; delete the file to have it fetched anew.

    Raises
    ------
    SpecError : it is not here and cannot be fetched.
    """
    import http.client
    import urllib.request

    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "penultimate"
    path = cache / "timm-results-imagenet.csv"
    if path.is_file():
        return path
    try:
        with urllib.request.urlopen(URL, timeout=TIMEOUT) as answer:
            content: bytes = answer.read()
    except (OSError, http.client.HTTPException) as error:
        reason = str(getattr(error, "reason", error))
        raise SpecError(
            f"timm's table of ImageNet results is not here and cannot be fetched ({reason}): save "
            f"{URL} elsewhere and give that file in place of {FETCH!r}"
        ) from None
    ImageNetTable.parse(content, URL)  # a login page of some network is no table
    write_atomic(path, content)
    return path


def _lines(text: str, place: str) -> Iterator[tuple[int, str, int | None, float, float | None]]:
    """Line, model, image size, top-1 and top-5, both fractions, of each row."""
    reader = csv.DictReader(io.StringIO(text))
    for column in ("model", "top1"):
        if column not in (reader.fieldnames or ()):
            raise SpecError(
                f"{place} has no column {column}: timm's table of ImageNet results begins with "
                "model,img_size,top1"
            )
    for row in reader:
        line = reader.line_num
        if not row["model"]:
            continue
        try:
            size = int(row["img_size"]) if row.get("img_size") else None
            top1 = _fraction(row["top1"])
            top5 = _fraction(row["top5"]) if row.get("top5") else None
        except (TypeError, ValueError):
            raise SpecError(
                f"{place}, line {line}: img_size, top1 and top5 are numbers, top1 and top5 in "
                "percent"
            ) from None
        if not 0 < top1 < 1 or not 0 <= (top5 or 0) <= 1:
            raise SpecError(f"{place}, line {line}: top1 and top5 are percentages, 0 to 100")
        yield line, row["model"], size, top1, top5


def _fraction(percent: str) -> float:
    """``76.674`` as 0.76674 and not as 0.7667400000000001."""
    return round(float(percent) / 100, 9)
