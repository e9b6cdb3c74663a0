"""Small copies of test images, for the report: made on request only, and deletable at any time.

::

    STORE/thumbnails/<fingerprint>/index.json     example id -> file, width, height
    STORE/thumbnails/<fingerprint>/<sha256>.jpg   or .png, by the digest of its bytes

The reading half cannot decode a user's images, and may lie on another machine than they do. Files
are named by their content, so that no name of an example ever becomes a path, and a damaged one
shows.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from penultimate.io import digest_bytes, write_atomic, write_json

MOST_BYTES = 2**16  # of one thumbnail; a file that is larger is not one
DIGEST = re.compile(r"[0-9a-f]{64}")
FILE = re.compile(r"([0-9a-f]{64})\.(jpg|png)")
KINDS: dict[str, Literal["jpeg", "png"]] = {"jpg": "jpeg", "png": "png"}


@dataclass(frozen=True)
class Thumbnail:
    """A small picture as a file's bytes; ``width`` and ``height`` in pixels."""

    data: bytes
    kind: Literal["jpeg", "png"]
    width: int
    height: int

    @property
    def uri(self) -> str:
        """As ``data:``, for a page that needs no other file."""
        return f"data:image/{self.kind};base64,{base64.b64encode(self.data).decode('ascii')}"


class Thumbnails:
    """Thumbnails under a store's root, by the fingerprint of the data and the example's id."""

    def __init__(self, root: Path) -> None:
        self._root = root / "thumbnails"

    def read(self, fingerprint: str, ids: Iterable[str]) -> dict[str, Thumbnail]:
        """Those of ``ids`` that are there and whole; what is missing or damaged is left out."""
        entries = self._index(fingerprint)
        found = {}
        for name in ids:
            thumbnail = self._thumbnail(fingerprint, entries.get(name))
            if thumbnail is not None:
                found[name] = thumbnail
        return found

    def write(self, fingerprint: str, thumbnails: Mapping[str, Thumbnail]) -> None:
        """Add thumbnails by example id, to those that are there.

        Of two processes that write at once, the later index counts.

        Raises
        ------
        ValueError : ``fingerprint`` is none.
        StoreError : the disk is full or cannot be written.
        """
        if not DIGEST.fullmatch(fingerprint):
            raise ValueError(f"{fingerprint!r} is no fingerprint")
        entries = self._index(fingerprint)
        folder = self._root / fingerprint
        for name, thumbnail in thumbnails.items():
            ending = "jpg" if thumbnail.kind == "jpeg" else "png"
            file = f"{digest_bytes(thumbnail.data)}.{ending}"
            if _bytes(folder / file) is None:
                write_atomic(folder / file, thumbnail.data)
            entries[name] = {"file": file, "width": thumbnail.width, "height": thumbnail.height}
        write_json(folder / "index.json", {"images": entries})

    def _index(self, fingerprint: str) -> dict[str, Any]:
        """What each example's entry says; nothing where there is no index or a damaged one."""
        if not DIGEST.fullmatch(fingerprint):
            return {}
        try:
            text = (self._root / fingerprint / "index.json").read_text(encoding="utf-8")
            entries = json.loads(text)["images"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return {}
        return entries if isinstance(entries, dict) else {}

    def _thumbnail(self, fingerprint: str, entry: Any) -> Thumbnail | None:
        if not isinstance(entry, dict):
            return None
        name = FILE.fullmatch(str(entry.get("file")))
        width, height = entry.get("width"), entry.get("height")
        if name is None or not (isinstance(width, int) and isinstance(height, int)):
            return None
        data = _bytes(self._root / fingerprint / name[0])
        if data is None or min(width, height) < 1:
            return None
        return Thumbnail(data, KINDS[name[2]], width, height)


def _bytes(path: Path) -> bytes | None:
    """A thumbnail's file; None where it is missing, too large, or not what its name says."""
    try:
        if path.stat().st_size > MOST_BYTES:
            return None
        data = path.read_bytes()
    except OSError:
        return None
    return data if digest_bytes(data) == path.stem else None
