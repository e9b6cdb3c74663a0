"""Several names in one cell of a table: ``cat|dog``."""

from __future__ import annotations

import re
from collections.abc import Iterable

BETWEEN = "|"


def join_names(names: Iterable[str]) -> str:
    r"""Names with ``|`` between; of one in a name it becomes ``\|``, of a backslash two."""
    return BETWEEN.join(re.sub(r"([\\|])", r"\\\1", name) for name in names)


def split_names(cell: str) -> tuple[str, ...]:
    r"""The names that ``join_names`` joined, without blanks around them; none of an empty cell.

    A backslash that stands before neither ``|`` nor another backslash is one of the name.

    Raises
    ------
    ValueError : there is no name between two ``|``, or one comes twice; the message says which.
    """
    if not cell.strip():
        return ()
    pieces = re.split(r"(?<!\\)((?:\\\\)*)\|", cell)
    # What stood before a bar comes in two pieces: the name, and the escaped backslashes at its end.
    joined = [a + b for a, b in zip(pieces[::2], [*pieces[1::2], ""], strict=True)]
    names = tuple(re.sub(r"\\([\\|])", r"\1", name.strip()) for name in joined)
    for name in names:
        if not name:
            raise ValueError(f"there is no name between two {BETWEEN!r} in {cell!r}")
        if names.count(name) > 1:
            raise ValueError(f"{name!r} stands twice in {cell!r}")
    return names
