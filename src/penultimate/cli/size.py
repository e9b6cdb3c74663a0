"""Amounts of memory as people write them."""

from __future__ import annotations

import re

from penultimate.errors import SpecError

UNITS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?", re.IGNORECASE)


def bytes_of(text: str, option: str) -> int:
    """``20GB`` or ``20G`` is 20e9 bytes, ``20GiB`` is 20 * 1024**3, ``0`` is nothing.

    Raises
    ------
    SpecError : it is no size; ``option`` is where it was written.
    """
    match = SIZE.fullmatch(text.strip())
    if match is None:
        raise SpecError(f"{option} {text} is no size: write it as 20GB or 500MB")
    number, unit, binary = match.groups()
    return int(float(number) * (1024 if binary else 1000) ** UNITS[unit.lower()])
