"""``csv:FILE``: a CSV or Parquet table of ``path,label[,split][,group][,sha256]``.

``labels[,uncertain]`` in place of ``label`` where an image can have several: ``cat|dog``.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path

from penultimate.data.listing import UNUSED, Entry, Listing, part_named
from penultimate.data.names import split_names
from penultimate.data.walk import count
from penultimate.errors import DataError, nearest

COLUMNS = ("path", "label", "split", "group", "sha256")
SEVERAL = ("path", "labels", "uncertain", "split", "group", "sha256")

Row = tuple[int, dict[str, str]]  # line of the file (or row of a Parquet table), its cells


def list_table(file: Path) -> Listing:
    """The images that a table names.

    ``path`` is relative to the table's folder, or absolute. ``split`` is train, val (valid,
    validation) or test, or unused for an image to leave out; a table without it, or with nothing
    in it, is divided by us. Images with an equal ``group`` are kept in one part. ``sha256``, where
    our own tables have it, is compared with the images. Other columns are ignored.

    A column ``labels`` in place of ``label`` means that an image can have several, with ``|``
    between their names, or none; ``uncertain`` names classes of which nobody is certain that they
    are in the image. A ``|`` in a name is written ``\\|``.

    Raises
    ------
    DataError : a column is missing, a cell is empty or not understood, or a path comes twice;
        the message names the file and the line.
    """
    if not file.exists():
        raise DataError(f"the table {file} does not exist: check the path after 'csv:'")
    if file.is_dir():
        raise DataError(f"{file} is a folder and not a table: write folder:{file}")
    names, rows = read_rows(file)
    several = "labels" in names
    if several and "label" in names:
        raise DataError(
            f"{file} has a column 'label' and a column 'labels': keep 'label' where every image "
            "has one, 'labels' where it can have several"
        )
    for column in ("path", "labels" if several else "label"):
        if column not in names:
            close = nearest(column, names, 1)
            hint = f"rename {close[0]!r}" if close else "add it"
            raise DataError(
                f"{file} has no column {column!r}, only {', '.join(map(repr, names)) or 'none'}: "
                f"{hint}, or see that its columns are separated by commas"
            )
    if not rows:
        raise DataError(f"{file} has no rows: it should name one image a line as path,label")
    entries = _entries(file, rows)
    has_split = any(entry.part for entry in entries)
    if has_split:
        _refuse_partial(file, rows, entries)
    used = [entry for entry in entries if entry.part != UNUSED]
    ignored = [name for name in names if name not in (SEVERAL if several else COLUMNS)]
    notices = [f"columns ignored: {', '.join(map(repr, ignored))}"] if ignored else []
    if len(used) < len(entries):
        notices.append(f"{count(len(entries) - len(used), 'image')} unused, as the table says")
    return Listing(
        entries=tuple(used),
        split_source="column split" if has_split else "",
        notices=tuple(notices),
    )


def read_rows(file: Path) -> tuple[list[str], list[Row]]:
    """The names of a table's columns and its rows; Parquet where the file's name says so, or CSV.

    Raises
    ------
    DataError : it is neither; the message names the line.
    """
    return _read_parquet(file) if file.suffix.lower() == ".parquet" else _read_csv(file)


def _read_csv(file: Path) -> tuple[list[str], list[Row]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.reader(text, strict=True)
            names = [name.strip() for name in next(reader, [])]
            rows = []
            line = reader.line_num + 1  # where a row begins: a quoted cell may hold line ends
            for cells in reader:
                if cells:
                    if len(cells) != len(names):
                        raise DataError(
                            f"{file}, line {line} has {len(cells)} cells and the header "
                            f"{len(names)}: put a cell that holds a comma into double quotes"
                        )
                    rows.append((line, dict(zip(names, cells, strict=True))))
                line = reader.line_num + 1
            return names, rows
    except UnicodeDecodeError as error:
        raise DataError(f"{file} is not UTF-8 text: save the table as CSV in UTF-8") from error
    except csv.Error as error:
        raise DataError(f"{file}, line {reader.line_num} is not valid CSV: {error}") from error


def _read_parquet(file: Path) -> tuple[list[str], list[Row]]:
    import pandas as pd

    try:
        frame = pd.read_parquet(file)
    except Exception as error:  # pyarrow's own exceptions are many
        raise DataError(f"{file} is not a Parquet table that can be read: {error}") from error
    names = [str(name) for name in frame.columns]
    columns = [
        [
            "" if missing else str(value)
            for value, missing in zip(column, column.isna(), strict=True)
        ]
        for _, column in frame.items()
    ]
    cells = zip(*columns, strict=True)
    return names, [(i, dict(zip(names, row, strict=True))) for i, row in enumerate(cells, 1)]


def _entries(file: Path, rows: Sequence[Row]) -> list[Entry]:
    entries = []
    line_of: dict[str, int] = {}
    for line, cells in rows:
        path, label = cells["path"], cells.get("label", "").strip()
        for name, value in (("path", path), ("label", label)):
            if not value and name in cells:
                raise DataError(
                    f"{file}, line {line} has an empty {name}: fill it in, or remove it"
                )
        id_ = _id(file.parent, path)
        if id_ in line_of:
            raise DataError(
                f"{file} names {path!r} twice, in lines {line_of[id_]} and {line}: keep one; an "
                "image with several labels is one line of a column 'labels', as in cat|dog"
            )
        line_of[id_] = line
        part = part_named(cells.get("split", ""), f"{file}, line {line}", unused=True)
        entries.append(
            Entry(
                id=id_,
                path=file.parent / path,
                label=label,
                part=part,
                group=cells.get("group", "").strip(),
                sha256=cells.get("sha256", "").strip().lower(),
                labels=_names(file, line, cells["labels"]) if "labels" in cells else None,
                uncertain=_names(file, line, cells.get("uncertain", ""))
                if "labels" in cells
                else (),
            )
        )
    return entries


def _names(file: Path, line: int, cell: str) -> tuple[str, ...]:
    try:
        return split_names(cell)
    except ValueError as error:
        raise DataError(
            f"{file}, line {line}: {error}; write each label once, with '|' between them"
        ) from None


def _id(folder: Path, path: str) -> str:
    """The path relative to the table's folder where it lies below, else as it is written."""
    if Path(path).is_absolute() and Path(path).is_relative_to(folder.absolute()):
        path = str(Path(path).relative_to(folder.absolute()))
    return Path(os.path.normpath(path)).as_posix()


def _refuse_partial(file: Path, rows: Sequence[Row], entries: Sequence[Entry]) -> None:
    """A given split names a part for every image, and a part to score on."""
    for (line, _), entry in zip(rows, entries, strict=True):
        if not entry.part:
            raise DataError(
                f"{file}, line {line} has no split while other lines have one: fill it in, or "
                "leave the column out to have all images divided"
            )
    parts = {entry.part for entry in entries}
    for part in ("train", "test"):
        if part not in parts:
            raise DataError(
                f"the column split of {file} has no {part!r}: give some images to it, or leave "
                "the column out to have all images divided"
            )
