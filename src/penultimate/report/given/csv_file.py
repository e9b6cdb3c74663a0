"""A CSV file that people wrote: its cells with their lines, its numbers, its columns by meaning."""

from __future__ import annotations

import csv
import io
import math
import re
from dataclasses import dataclass
from pathlib import Path

from penultimate.errors import SpecError

BLANK = {"", "na", "n/a", "nan", "-", "—", "–"}  # noqa: RUF001 - people write dashes


@dataclass(frozen=True)
class GivenCsv:
    """Header and rows as text, each row with the number of its line."""

    place: str
    header: list[str]
    rows: list[tuple[int, list[str]]]

    @classmethod
    def read(cls, path: Path) -> GivenCsv:
        """The file's cells; commas, semicolons or tabs, whichever the header has most of.

        Raises
        ------
        SpecError : it is not there, is no UTF-8 text, is empty or not of one width, or has a
            column twice.
        """
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except FileNotFoundError:
            raise SpecError(f"there is no file {path}: give a CSV of accuracies") from None
        except OSError as error:
            raise SpecError(f"{path} cannot be read ({error.strerror}): give a CSV file") from None
        except UnicodeDecodeError:
            raise SpecError(f"{path} is not UTF-8 text: save the table as UTF-8 CSV") from None
        first = text.partition("\n")[0]
        reader = csv.reader(io.StringIO(text), delimiter=max(",;\t", key=first.count))
        try:
            lines = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
        except csv.Error as error:
            raise SpecError(f"{path}, line {reader.line_num}: {error}: save it as CSV") from None
        lines = [(line, row) for line, row in lines if any(row)]
        if len(lines) < 2:
            raise SpecError(f"{path} has no rows: give a header and at least one line below it")
        (_, header), *rows = lines
        for name in header:
            if header.count(name) > 1:
                raise SpecError(f"{path} has the column {name!r} twice: rename one")
        for line, row in rows:
            if len(row) != len(header):
                raise SpecError(
                    f"{path}, line {line} has {len(row)} cells and the header {len(header)}: quote "
                    "names that hold commas, and leave empty what is not known"
                )
        return cls(str(path), header, rows)

    def find(self, names: set[str]) -> str | None:
        """The first column called like one of ``names``, in lower case with ``_`` between words."""
        return next((column for column in self.header if plain(column) in names), None)

    def texts(self, column: str) -> list[str]:
        """A column's cells, none of them empty.

        Raises
        ------
        SpecError : a cell is empty.
        """
        at = self.header.index(column)
        for line, row in self.rows:
            if not row[at]:
                raise SpecError(f"{self.place}, line {line}: {column!r} is empty: fill it in")
        return [row[at] for _, row in self.rows]

    def numbers(self, column: str) -> list[float]:
        """A column's cells as numbers; NaN where empty.

        Raises
        ------
        SpecError : a cell is no number.
        """
        at = self.header.index(column)
        return [self._number(row[at], line, column) for line, row in self.rows]

    def _number(self, text: str, line: int, column: str) -> float:
        if text.lower() in BLANK:
            return math.nan
        try:
            value = float(text.removesuffix("%"))
        except ValueError:
            value = math.inf
        if math.isinf(value):
            raise SpecError(
                f"{self.place}, line {line}: {text!r} in column {column!r} is no number: write "
                "accuracies as 0.827, or as 82.7 with --percent"
            )
        return value


def plain(column: str) -> str:
    """``Data Set`` as ``data_set``."""
    return re.sub(r"[^a-z0-9]+", "_", column.lower()).strip("_")
