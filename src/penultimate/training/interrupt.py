"""SIGTERM and Ctrl-C end a training between two steps, where its state can be kept."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

from penultimate.errors import Interrupted


class Signals:
    """Remembers that the process was asked to stop; use as a context manager.

    Only the main thread can listen. A second Ctrl-C stops at once, as Ctrl-C always does.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if kind is None and self.received is not None:  # too late to stop for: not to be lost
            signal.raise_signal(self.received)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and self.received is not None:
            raise KeyboardInterrupt
        self.received = number

    def stop(self, message: str) -> None:
        """End as the signal asks for.

        Raises
        ------
        KeyboardInterrupt : after Ctrl-C.
        Interrupted : after any other signal, or after another process's.
        """
        if self.received == signal.SIGINT:
            raise KeyboardInterrupt(message)
        raise Interrupted(message, self.received or signal.SIGTERM)
