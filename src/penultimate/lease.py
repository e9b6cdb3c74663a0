"""A lease on a name: one holder at a time, on one machine or on many that share a disk.

A lease is a file that its holder rewrites every few seconds. Whoever waits takes it over when the
holder is known to be dead (a process of the same machine that no longer exists) or when the file
has not changed for as long as the expiry, by the waiter's own clock, so that machines need not
agree on the time.

A lease saves work, it does not guard correctness: writers keep to folders of their own and the
commit is atomic, so that even two holders at once would only compute the same thing twice.
"""

from __future__ import annotations

import json
import os
import platform
import threading
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from penultimate.io import create_exclusive, write_atomic

EXPIRY = 60.0  # seconds without a sign of life


class Lease:
    """A lease that is held; leave the context to give it back."""

    def __init__(self, path: Path, expiry: float) -> None:
        self._path = path
        self._token = uuid.uuid4().hex
        self._beats = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._renew, args=(expiry / 4,), daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
        if _read(self._path).get("token") == self._token:
            self._path.unlink(missing_ok=True)

    def _take(self) -> bool:
        """Create the file; False where it is there already."""
        if not create_exclusive(self._path, self._content()):
            return False
        self._thread.start()
        return True

    def _content(self) -> str:
        return json.dumps({"token": self._token, "beat": self._beats, **_me()})

    def _renew(self, interval: float) -> None:
        while not self._stop.wait(interval):
            if _read(self._path).get("token") != self._token:
                return  # taken over: this process was thought dead
            self._beats += 1
            try:
                write_atomic(self._path, self._content())
            except Exception:  # a full disk now must not end the work; the next beat may pass
                continue


class Waiter:
    """Tries for a lease again and again, and knows how long its holder has been silent."""

    def __init__(self, path: Path, expiry: float = EXPIRY) -> None:
        self._path = path
        self._expiry = expiry
        self._seen: dict[str, object] = {}
        self._since = time.monotonic()

    def try_acquire(self) -> Lease | None:
        """The lease, or None while another holds it.

        Raises
        ------
        StoreError : the disk is full or cannot be written.
        """
        lease = Lease(self._path, self._expiry)
        if lease._take():
            return lease
        holder = _read(self._path)
        if holder != self._seen:
            self._seen, self._since = holder, time.monotonic()
        silent = time.monotonic() - self._since > self._expiry
        if (silent or _is_dead(holder)) and self._remove(holder):
            again = Lease(self._path, self._expiry)
            return again if again._take() else None
        return None

    def acquire(self, interval: float = 0.2) -> Lease:
        """Wait until the lease is ours."""
        while (lease := self.try_acquire()) is None:
            time.sleep(interval)
        return lease

    def _remove(self, holder: dict[str, object]) -> bool:
        """Take a dead holder's file away; of several who try, one succeeds."""
        aside = self._path.with_name(f".{self._path.name}.dead.{uuid.uuid4().hex}")
        try:
            self._path.rename(aside)
        except FileNotFoundError:
            return False
        if _read(aside) == holder:
            aside.unlink()
            return True
        try:  # another was quicker and this is its new lease: put it back
            os.link(aside, self._path)
        except FileExistsError:
            pass
        except OSError:  # a file system without links
            aside.replace(self._path)
        finally:
            aside.unlink(missing_ok=True)
        return False


def _me() -> dict[str, object]:
    return {
        "machine": _machine(),
        "pid": os.getpid(),
        "started": psutil.Process().create_time(),
    }


def _machine() -> str:
    """This machine and, in a container, its process namespace: where a process number is one's."""
    parts = [platform.node()]
    for path in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        try:
            place = Path(path)
            parts.append(str(place.readlink()) if place.is_symlink() else place.read_text().strip())
        except OSError:
            continue
    return "/".join(parts)


def _is_dead(holder: dict[str, object]) -> bool:
    """Whether the holder is surely gone; one on another machine never is, for all we know."""
    if holder.get("machine") != _machine():
        return False
    try:
        process = psutil.Process(int(str(holder["pid"])))
        if process.status() == psutil.STATUS_ZOMBIE:  # killed, and nobody has asked how it ended
            return True
        return bool(abs(process.create_time() - float(str(holder["started"]))) > 1.0)
    except psutil.NoSuchProcess:
        return True
    except (KeyError, ValueError, psutil.Error):  # a damaged file: its silence will tell
        return False


def _read(path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
