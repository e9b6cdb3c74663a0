"""What was found in image files, kept so that a second run need not decode them again.

An answer is used again only for a file of the same path, size, times and inode, and only by the
same version of this code and of Pillow. Anything else is read anew: the cache saves time and
decides nothing.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import PIL

from penultimate.errors import StoreError
from penultimate.io import digest_bytes, write_atomic

VERSION = 1  # goes up when decoding or hashing changes
SETTLED = 2.0  # seconds: a file changed more recently could change again with the same times


@dataclass(frozen=True)
class Scanned:
    """What reading one file gave.

    Parameters
    ----------
    sha256 : of the file's bytes; empty where it could not be opened.
    width, height : of the decoded picture in pixels, 0 where there is none.
    perceptual_hash : hexadecimal; empty where the picture is too plain to compare; None where it
        was not asked for.
    error : why it cannot be used; empty where it can.
    """

    sha256: str
    width: int = 0
    height: int = 0
    perceptual_hash: str | None = None
    error: str = ""


class ScanCache:
    """Answers of one source, by file; in memory until ``write``. Without a folder, empty."""

    def __init__(self, folder: Path | None, source: str) -> None:
        name = digest_bytes(source.encode("utf-8", "surrogateescape"))[:16]
        self.path = folder / f"scan-{name}.json" if folder else None
        self.files: dict[str, Any] = _read(self.path) if self.path else {}
        self.changed = False

    def find(self, path: Path, hashes: bool) -> Scanned | None:
        """The answer for a file that is as it was; None where it must be read."""
        record = self.files.get(str(path))
        if not isinstance(record, dict):
            return None
        try:
            if record["state"] != _state(path.stat()):
                return None
            answer = Scanned(**record["answer"])
        except (OSError, KeyError, TypeError):
            return None
        if hashes and answer.perceptual_hash is None and not answer.error:
            return None
        return answer

    def keep(self, path: Path, status: os.stat_result, answer: Scanned) -> None:
        """Remember an answer, unless the file changed so lately that its times prove nothing."""
        if self.path and max(status.st_mtime, status.st_ctime) < time.time() - SETTLED:
            self.files[str(path)] = {"state": _state(status), "answer": asdict(answer)}
            self.changed = True

    def find_content(self, sha256: str, hashes: bool) -> Scanned | None:
        """The answer for this content, wherever it lies; None where it must be decoded."""
        try:
            answer = Scanned(**self.files[sha256]["answer"])
        except (KeyError, TypeError):
            return None
        needed = hashes and answer.perceptual_hash is None and not answer.error
        return None if needed or answer.sha256 != sha256 else answer

    def keep_content(self, answer: Scanned) -> None:
        """Remember an answer by the digest of the content alone."""
        if self.path:
            self.files[answer.sha256] = {"answer": asdict(answer)}
            self.changed = True

    def write(self) -> None:
        """Put what was learned on the disk; a disk that is full or closed costs only time."""
        if not self.path or not self.changed:
            return
        try:
            write_atomic(self.path, json.dumps({"version": _version(), "files": self.files}))
        except (StoreError, OSError):
            return


def _state(status: os.stat_result) -> list[int]:
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _version() -> str:
    return f"{VERSION}, Pillow {PIL.__version__}"


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
        if content["version"] == _version() and isinstance(content["files"], dict):
            return content["files"]
    except (OSError, ValueError, KeyError, TypeError):
        pass  # not there, not whole, or not ours: read everything anew
    return {}
