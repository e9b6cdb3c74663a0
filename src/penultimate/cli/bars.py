"""Progress for people: bars on a terminal, a line a step anywhere else; always standard error."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress
from rich.progress import Task as RichTask
from rich.text import Text

from penultimate.progress import Progress, Step

LINE_EVERY = 60.0  # seconds, where there is no terminal to draw a bar on


class SpeedColumn(ProgressColumn):
    """Units a second."""

    def render(self, task: RichTask) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f} {task.fields['unit']}/s")


class Bars(Progress):
    """Draws a bar for each step while it runs; use as a context manager."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.console = Console(stderr=True, quiet=quiet, highlight=False)
        self._bars = RichProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            SpeedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[told]}", markup=False),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )

    def __enter__(self) -> Bars:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def step(self, description: str, total: int, unit: str = "images") -> Step:
        return _Bar(self, description, total, unit)

    def note(self, message: str) -> None:
        self.console.print(f"note: {message}", markup=False, soft_wrap=True)


class _Bar(Step):
    def __init__(self, bars: Bars, description: str, total: int, unit: str) -> None:
        self._bars = bars
        self._description = description
        self._unit = unit
        self._done = 0
        self._total = total
        self._started = self._said = time.perf_counter()
        self._id = bars._bars.add_task(description, total=total, unit=unit, told="")

    def advance(self, count: int = 1) -> None:
        self._done += count
        self._bars._bars.advance(self._id, count)

    def tell(self, text: str) -> None:
        self._bars._bars.update(self._id, told=text)
        now = time.perf_counter()
        if self._bars.console.is_terminal or now - self._said < LINE_EVERY:
            return
        # No bar is drawn: a line now and then says in a log how far it is.
        self._said = now
        self._bars.console.print(
            f"{self._description}: {self._done:,} of {self._total:,} {self._unit}, {text}",
            markup=False,
            soft_wrap=True,
            style="dim",
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bars._bars.refresh()  # a quick step is seen to be done, too
        self._bars._bars.remove_task(self._id)
        seconds = time.perf_counter() - self._started
        # A line stays of what took a while, so that a log tells where the time went.
        if kind is None and seconds > 1:
            self._bars.console.print(
                f"{self._description}: {self._done:,} {self._unit} in {seconds:,.0f} s",
                markup=False,
                soft_wrap=True,
                style="dim",
            )
