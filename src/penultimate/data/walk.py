"""Finding the image files below a folder, the same way on every file system."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import Image

from penultimate.data.dataset import Skipped

# Raster formats that hold pictures. Pillow also knows vector formats (eps, wmf), documents and
# films that it cannot decode; those are left out even where it claims them.
RASTER = frozenset(
    {
        *(".apng", ".avif", ".avifs", ".bmp", ".dds", ".dib", ".gif", ".heic", ".heif", ".icns"),
        *(".ico", ".j2k", ".jfif", ".jp2", ".jpc", ".jpe", ".jpeg", ".jpf", ".jpg", ".jpx"),
        *(".jxl", ".pbm", ".pcx", ".pfm", ".pgm", ".png", ".pnm", ".ppm", ".psd", ".qoi"),
        *(".rgb", ".rgba", ".sgi", ".tga", ".tif", ".tiff", ".webp", ".xbm", ".xpm"),
    }
)


@dataclass(frozen=True)
class Walk:
    """Images by id (path relative to the root, with ``/``), sorted, and what was left out.

    ``again`` has the links to folders that are counted already.
    """

    files: dict[str, Path]
    skipped: tuple[Skipped, ...]
    again: tuple[str, ...]
    notices: tuple[str, ...]


def walk(root: Path) -> Walk:
    """All images below ``root``; hidden files and folders (``.name``) are left out.

    Symbolic links are followed. A real folder is entered once: by its own path where it lies
    below ``root``, else by the first link to it in the order of paths. So loops end, and a
    second way to the same folder does not count its images twice. Files are counted by path:
    two links to one file are exact duplicates, and kept together as such.
    """
    search = _Search()
    search.enter(root, "")
    while search.links:  # a linked folder may hold further links
        links, search.links = sorted(search.links.items()), {}
        for id_, folder in links:
            search.enter(folder, id_)
    return Walk(
        files=dict(sorted(search.files.items())),
        skipped=tuple(search.skipped),
        again=tuple(sorted(search.again)),
        notices=search.notices(),
    )


class _Search:
    def __init__(self) -> None:
        self.files: dict[str, Path] = {}
        self.skipped: list[Skipped] = []
        self.links: dict[str, Path] = {}
        self.entered: set[str] = set()
        self.again: list[str] = []
        self.others: Counter[str] = Counter()

    def enter(self, start: Path, prefix: str) -> None:
        """Collect a folder and all real folders below it; put links to folders aside."""
        real = Path(start).resolve()
        if str(real) in self.entered:
            self.again.append(prefix)
            return
        # A link to what contains this folder leads out of it and back in: never followed.
        self.entered.update(str(parent) for parent in real.parents)
        stack = [(start, prefix)]
        while stack:
            folder, prefix = stack.pop()
            self.entered.add(str(folder.resolve()))
            try:
                with os.scandir(folder) as found:
                    entries = [entry for entry in found if not entry.name.startswith(".")]
            except OSError as error:
                self.skipped.append(Skipped(prefix or ".", f"{error.strerror or error}".lower()))
                continue
            for entry in entries:
                id_ = f"{prefix}/{entry.name}" if prefix else entry.name
                if not _is_utf8(entry.name):
                    self.skipped.append(Skipped(_printable(id_), "its name is not UTF-8"))
                elif not _is_folder(entry):
                    self.file(id_, entry)
                elif entry.is_symlink():
                    self.links[id_] = Path(entry.path)
                else:
                    stack.append((Path(entry.path), id_))

    def file(self, id_: str, entry: os.DirEntry[str]) -> None:
        suffix = Path(entry.name).suffix.lower()
        if suffix not in extensions():
            self.others[suffix] += 1
        elif Path(entry.path).is_file():
            self.files[id_] = Path(entry.path)
        else:
            reason = "its link leads nowhere" if entry.is_symlink() else "it is not a regular file"
            self.skipped.append(Skipped(id_, reason))

    def notices(self) -> tuple[str, ...]:
        said = []
        if self.others:
            kinds = [
                f"{n:,} {suffix or 'without an extension'}"
                for suffix, n in sorted(self.others.items(), key=lambda item: (-item[1], item[0]))
            ]
            more = [f"{len(kinds) - 8} more kinds"] if len(kinds) > 8 else []
            said.append(
                f"{count(self.others.total(), 'file')} of other kinds ignored: "
                + ", ".join(kinds[:8] + more)
            )
        if self.again:
            said.append(
                f"{count(len(self.again), 'link')} to folders that are counted already not "
                f"followed, for example {sorted(self.again)[0]!r}"
            )
        return tuple(said)


@cache
def extensions() -> frozenset[str]:
    """The extensions of images that this Pillow can read, in lower case."""
    known = Image.registered_extensions()
    return frozenset(suffix for suffix in RASTER if known.get(suffix) in Image.OPEN)


def count(n: int, what: str) -> str:
    """``1 image``, ``1,234 images``."""
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _is_utf8(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _printable(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
