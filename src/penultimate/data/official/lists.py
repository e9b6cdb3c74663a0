"""Reading the lists and annotations that a data set is published with."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from penultimate.errors import DataError

SHOWN = 80  # characters of a line


def read_lines(file: Path) -> list[str]:
    """The lines of a text file without spaces at their ends; empty lines are left out.

    Only a line feed, perhaps after a carriage return, ends a line, as for those who wrote them;
    Python would also break one at rarer characters.

    Raises
    ------
    DataError : it is not there, or no text.
    """
    lines = (line.strip(" \r") for line in read_text(file).split("\n"))
    return [line for line in lines if line.strip()]


def read_text(file: Path) -> str:
    """A text file in UTF-8.

    Raises
    ------
    DataError : it is not there, or no text.
    """
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise unreadable(file, (error.strerror or str(error)).lower()) from error
    except UnicodeDecodeError as error:
        raise unreadable(file, "it is not UTF-8 text") from error


def read_mat(file: Path, *names: str) -> list[Any]:
    """The variables of these names of a MATLAB file, dimensions of size one removed.

    Raises
    ------
    DataError : it is not there, is no MATLAB file, or lacks a variable.
    """
    from scipy.io import loadmat

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is odd and read all the same
            found = loadmat(str(file), squeeze_me=True)
    except OSError as error:
        raise unreadable(file, (error.strerror or str(error)).lower()) from error
    except Exception as error:  # what scipy raises on bytes that are no such file has many kinds
        raise unreadable(file, "it is not a MATLAB file that can be read") from error
    for name in names:
        if name not in found:
            raise unreadable(file, f"it has no variable {name!r}")
    return [found[name] for name in names]


def wrong_line(file: Path, line: str, why: str) -> DataError:
    """The error for a line that is not as published; ``why`` goes on after ``its line ...``."""
    shown = line if len(line) <= SHOWN else f"{line[:SHOWN]}..."  # a page of HTML is one line
    return unreadable(file, f"its line {shown!r} {why}")


def unreadable(file: Path, reason: str) -> DataError:
    """The error for a list that is not as it is published."""
    return DataError(
        f"the published list {file} cannot be used: {reason}; get the data set's archive of "
        "lists anew, and unpack it in the same place"
    )
