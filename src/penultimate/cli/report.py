"""``penultimate report``: the page to share. Never imports torch."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click

from penultimate.cli.accuracy import IMAGENET, add_table, imagenet_table

EVERY = 5.0  # seconds between looks at the store


@click.command()
@click.argument("store", default="penultimate-store")
@click.option(
    "-o",
    "--output",
    default="report.html",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Where the page goes.",
)
@click.option("--title", help="The page's heading.")
@click.option("--imagenet", metavar="TABLE", help=IMAGENET)
@click.option(
    "--watch",
    is_flag=True,
    help="Write the page anew whenever STORE has changed, until Ctrl-C; where it is open it renews "
    "itself.",
)
@click.option(
    "--every",
    type=click.FloatRange(0.1),
    metavar="SECONDS",
    help="How often --watch looks at STORE; 5 by default.",
)
def report(
    store: str,
    output: Path,
    title: str | None,
    imagenet: str | None,
    watch: bool,
    every: float | None,
) -> None:
    """Write what STORE holds as one self-contained HTML page."""
    from penultimate.report import write_report
    from penultimate.store import ResultStore

    if watch:
        _watch(store, output, title, imagenet, EVERY if every is None else every)
        return
    if every is not None:
        raise click.UsageError("--every says how often --watch looks: give --watch too")
    opened = ResultStore(store, create=False)
    add_table(opened, imagenet)
    write_report(opened, output, title=title)
    click.echo(f"wrote {output}", err=True)


def _watch(store: str, output: Path, title: str | None, imagenet: str | None, every: float) -> None:
    """Watch until a signal comes, which is no failure: the last page is written then."""
    from penultimate.report.watch import watch_report

    table = imagenet_table(imagenet)
    with _stopped_by_signals() as stop:
        watch_report(
            store,
            output,
            stop,
            every=every,
            title=title,
            prepare=None if table is None else lambda opened: opened.imagenet.add_table(table),
            say=lambda text: click.echo(text, err=True),
        )


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C or SIGTERM sets; a second one ends the command at once."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def end(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    for number in before:
        signal.signal(number, end)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
