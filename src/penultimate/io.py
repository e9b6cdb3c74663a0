"""The few things that everybody needs of the outside: digests, atomic writes, JSON, a network."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from penultimate.errors import StoreError

DIGEST_LENGTH = 64  # hexadecimal digits of SHA-256


def digest_bytes(data: bytes | memoryview) -> str:
    """SHA-256 of ``data`` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> str:
    """SHA-256 of a file's content; its name, date and place do not count."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def canonical_json(value: Any) -> str:
    """The one way to write ``value`` as JSON, so that equal values have equal digests.

    Keys are sorted, no spaces are written, and a whole number is written the same whether it
    came as ``1`` or as ``1.0``. NaN and infinity have no canonical form and are refused.

    Raises
    ------
    ValueError : a number is not finite, or a value is not JSON.
    """
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} has no canonical form")
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    raise ValueError(f"{type(value).__name__} is not JSON")


def digest_json(value: Any) -> str:
    """SHA-256 of the canonical JSON of ``value``."""
    return digest_bytes(canonical_json(value).encode("ascii"))


@contextmanager
def naming_full_disk(path: Path) -> Iterator[None]:
    """Turn a full disk, and whatever else forbids writing, into a sentence with the remedy."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreError(
                f"no space is left on the disk that holds {path}: free some, or choose another "
                "place, and run the same command again; what is finished is kept"
            ) from error
        raise StoreError(
            f"{path} cannot be written ({error.strerror or error}): choose another place for it"
        ) from error


def write_atomic(path: Path, data: bytes | str) -> None:
    """Write a file whole or not at all: readers see the old content or the new, never a part.

    Text is written as UTF-8. What UTF-8 has no form for, the undecodable bytes of a file's name
    (``\\udcff`` in Python), is written as a backslash escape: in JSON that reads back as it was.

    Raises
    ------
    StoreError : the disk is full or cannot be written.
    """
    with naming_full_disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        try:
            with temporary.open("wb") as file:
                file.write(_bytes(data))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def _bytes(data: bytes | str) -> bytes:
    return data.encode("utf-8", "backslashreplace") if isinstance(data, str) else data


def create_exclusive(path: Path, data: bytes | str) -> bool:
    """Write a file whole unless it exists; False where another was first.

    The content is linked into place, so that nobody ever reads a part of it. Where the file system
    has no links (exFAT, some network mounts) it is renamed into place, and of two writers at the
    same instant the later one stays.

    Raises
    ------
    StoreError : the disk is full or cannot be written.
    """
    staged = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    write_atomic(staged, data)
    try:
        os.link(staged, path)
    except FileExistsError:
        return False
    except OSError:
        if path.exists():
            return False
        with naming_full_disk(path):
            staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)
    return True


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON, atomically; NaN must have become ``None`` before."""
    write_atomic(path, indented_json(value))


def indented_json(value: Any) -> str:
    """``value`` as JSON for people to read; NaN is refused, it must have become ``None`` before."""
    return json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def reachable(endpoint: str) -> bool:
    """Whether an address's name resolves; behind a proxy that cannot be known, so yes."""
    import urllib.request

    if urllib.request.getproxies():
        return True
    address = urlsplit(endpoint)
    try:
        socket.getaddrinfo(address.hostname, address.port or 443)
    except OSError:
        return False
    return True
