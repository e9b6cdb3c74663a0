"""A split that comes in a file of its own, as ``penultimate splits`` writes it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from penultimate.data.examples import Examples
from penultimate.data.listing import UNUSED, part_named
from penultimate.data.notices import listed
from penultimate.data.table import read_rows
from penultimate.data.walk import count
from penultimate.errors import DataError, nearest
from penultimate.spec import Task

ID_COLUMNS = ("path", "id")


@dataclass(frozen=True)
class Given:
    """What the file says of one image; ``sha256`` is empty where it does not say."""

    part: str
    sha256: str


def divided_by_file(examples: Examples, file: Path, task: Task) -> Examples:
    """The examples in the parts that the file gives them, matched by name; the unused left out.

    The file need not have the part ``val``, which is then held out of train.

    Raises
    ------
    DataError : the file cannot be read, or does not list just the images that the task has. With
        ``allow_missing`` the images that both have are kept, and a notice counts the others.
    """
    given = read_split(file)
    names = [printable(id_) for id_ in examples.ids]
    notices = [
        *_missing(sorted(set(given) - set(names)), f"that {file} lists", "not in the data", task),
        *_missing([n for n in names if n not in given], "of the data", f"not in {file}", task),
    ]
    listed_rows = [row for row, name in enumerate(names) if name in given]
    rows = [row for row in listed_rows if given[names[row]].part != UNUSED]
    if len(rows) < len(listed_rows):
        notices.append(f"{count(len(listed_rows) - len(rows), 'image')} unused, as {file} says")
    if not rows:
        raise DataError(
            f"{file} lists no image of the task {task.display!r}: it names {listed(given)}, and "
            f"the task has {listed(names)}"
        )
    kept = examples.select(rows)
    found = [given[names[row]] for row in rows]
    both = zip(rows, found, kept.digests, strict=True)
    other = [names[row] for row, got, digest in both if got.sha256 not in ("", digest)]
    if other:
        notices.append(
            f"{count(len(other), 'image')} with another content than the sha256 in {file} says: "
            f"{listed(other)}"
        )
    return replace(
        kept,
        parts=tuple(got.part for got in found),
        split_source=f"file {file.name}",
        notices=(*examples.notices, *notices),
    )


def read_split(file: Path) -> dict[str, Given]:
    """What a split file says, by the images' names.

    Raises
    ------
    DataError : it is not there or no table, a column is missing, or a row is not right.
    """
    if not file.is_file():
        raise DataError(
            f"the split file {file} does not exist: 'penultimate splits TASK -o {file}' writes one"
        )
    columns, rows = read_rows(file)
    id_column = next((name for name in ID_COLUMNS if name in columns), None)
    for column, there in (("path", id_column), ("split", "split" in columns)):
        if not there:
            close = nearest(column, columns, 1)
            hint = f"rename {close[0]!r}" if close else "add it"
            raise DataError(
                f"the split file {file} has no column {column!r}, only "
                f"{', '.join(map(repr, columns)) or 'none'}: {hint}; 'penultimate splits' writes "
                "such files"
            )
    given: dict[str, Given] = {}
    for line, cells in rows:
        where = f"{file}, line {line}"
        name = cells[str(id_column)]
        part = part_named(cells["split"], where, unused=True)
        if not name or not part:
            raise DataError(f"{where} has an empty {'split' if name else 'name'}: fill it in")
        if name in given:
            raise DataError(f"{where} has {name!r} for the second time: keep one of its lines")
        given[name] = Given(part, cells.get("sha256", "").strip().lower())
    return given


def printable(name: str) -> str:
    """A name as files hold it: bytes that are not UTF-8 are written as escapes."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _missing(names: Iterable[str], which: str, where: str, task: Task) -> list[str]:
    """A notice about images that only one side has; an error unless that is allowed."""
    missing = list(names)
    if not missing:
        return []
    what = f"{count(len(missing), 'image')} {which} {'is' if len(missing) == 1 else 'are'} {where}"
    if not task.allow_missing:
        raise DataError(
            f"{what}: {listed(missing)}; use the split file that belongs to {task.source}, or "
            "--allow-missing (in a study allow_missing = true) to go on with what both have"
        )
    return [f"{what} and left out: {listed(missing)}"]
