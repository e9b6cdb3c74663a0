"""A page that is written anew whenever its store has changed."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

from penultimate.errors import PenultimateError
from penultimate.io import write_atomic
from penultimate.report.page.render import TITLE, write_report
from penultimate.report.page.shell import Section, Written, shell
from penultimate.report.words import count
from penultimate.store import ResultStore, count_planned

QUICKEST = 1.0  # seconds after which a page comes again, however often the store is looked at

Stamp = tuple[tuple[str, int], ...]


def watch_report(
    root: Path | str,
    output: Path,
    stop: Event,
    *,
    every: float = 5.0,
    title: str | None = None,
    prepare: Callable[[ResultStore], object] | None = None,
    say: Callable[[str], object] = lambda text: None,
) -> None:
    """Write the report on a store each time that the store changes, until ``stop`` is set.

    The page loads itself again, says when it was written and how many of the runs that the store's
    studies name are finished. The store need not be there yet. What goes wrong on the way, as a
    run that is removed while it is read, is said and tried again; the page that was there stays.
    At the end the page is written a last time, and stays as it is.

    Parameters
    ----------
    stop : checked every ``every`` seconds, and waited for meanwhile.
    every : seconds between looks at the store; more, where writing the page takes longer.
    prepare : is called with the store before each page.
    say : is told each page that is written, and each trouble.

    Raises
    ------
    StoreError : the place is a file, or of a newer version; or the first page cannot be written.
    """
    watch = _Watch(Path(root), output, every, title, prepare, say)
    watch.write(renew=True)
    while not stop.wait(watch.pause):
        watch.look()
    watch.finish()


class _Watch:
    """One page, and what it was last written of."""

    def __init__(
        self,
        root: Path,
        output: Path,
        every: float,
        title: str | None,
        prepare: Callable[[ResultStore], object] | None,
        say: Callable[[str], object],
    ) -> None:
        self._root = root
        self._output = output
        self._every = every
        self._title = title or TITLE
        self._prepare = prepare
        self._say = say
        self._seen: Stamp | None = None
        self._trouble = ""
        self.pause = every

    def look(self) -> None:
        """Write the page if the store has changed; say what is in the way."""
        try:
            if _stamp(self._root) != self._seen:
                self.write(renew=True)
        except (PenultimateError, OSError) as error:
            if str(error) != self._trouble:  # a trouble that stays is said once
                self._say(f"{error}; the page stays as it was, trying again")
            self._trouble = str(error)
        else:
            self._trouble = ""

    def finish(self) -> None:
        """Write the page a last time, so that it does not load itself again."""
        try:
            self.write(renew=False)
        except (PenultimateError, OSError) as error:
            self._say(f"{error}; the page stays as it was last written")

    def write(self, *, renew: bool) -> None:
        began = time.monotonic()
        store = self._open()
        if store is not None and self._prepare is not None:
            self._prepare(store)
        # What changes from here on is in the next page.
        seen = _stamp(self._root)
        runs = 0 if store is None else len(store.stamps())
        written = Written(
            made=datetime.now(UTC).isoformat(timespec="seconds"),
            status=f"{_progress(store, runs)}; {'' if renew else 'last '}written",
            renew=max(QUICKEST, self._every) if renew else None,
        )
        if store is None or not runs:
            self._write_waiting(written, renew=renew)
        else:
            write_report(store, self._output, title=self._title, written=written)
        self._seen = seen
        self.pause = max(self._every, time.monotonic() - began)
        self._say(f"wrote {self._output}: {written.status.partition(';')[0]}")

    def _open(self) -> ResultStore | None:
        """The store, or None while there is none."""
        there = (self._root / "store.json").exists()
        if not there and (self._root.is_dir() or not self._root.exists()):
            return None
        return ResultStore(self._root, create=False)

    def _write_waiting(self, written: Written, *, renew: bool) -> None:
        page = shell(
            self._title,
            [Section("waiting")],
            eyebrow="penultimate report",
            footer="Made with penultimate from a results store; this file needs nothing else.",
            written=written,
            waiting="No run is finished yet. This page comes again by itself."
            if renew
            else "No run was finished.",
        )
        write_atomic(self._output, page.encode("utf-8", errors="replace"))


def _progress(store: ResultStore | None, runs: int) -> str:
    """How far it is, as far as the studies that the store keeps say."""
    if store is None:
        return "There is no results store yet"
    plan = count_planned(store)
    if not plan.cells:
        return f"{count(runs, 'run')} finished"
    studies = "study names" if plan.studies == 1 else "studies name"
    return f"{plan.finished:,} of {count(plan.cells, 'run')} finished that the store's {studies}"


def _stamp(root: Path) -> Stamp:
    """What tells that a store has changed: each run, study and list of accuracies by its time."""
    found = []
    for pattern in ("runs/*/result.json", "studies/*.toml", "imagenet/**/*"):
        for path in root.glob(pattern):
            try:
                found.append((str(path), path.stat().st_mtime_ns))
            except OSError:  # it has gone meanwhile
                continue
    return tuple(sorted(found))
