"""How long work says how far it is, without knowing who listens.

The base class is silent; the command line passes one that draws bars on standard error.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self


class Step:
    """One stretch of work of a known length; use as a context manager."""

    def advance(self, count: int = 1) -> None:
        """``count`` more units are done."""

    def tell(self, text: str) -> None:
        """How it goes at the moment, in a few words; each takes the place of the last."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """The stretch is over, finished or not."""


class Progress:
    """Listens to long work; this one says nothing."""

    def step(self, description: str, total: int, unit: str = "images") -> Step:
        """Begin a stretch of ``total`` units."""
        return Step()

    def note(self, message: str) -> None:
        """Something a user should know, in one sentence."""


SILENT = Progress()
