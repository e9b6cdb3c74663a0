"""Fetching a file: resumed where it was interrupted, and taken only if its checksum is right."""

from __future__ import annotations

import hashlib
import http.client
import socket
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path

from penultimate.data.unpack import MEGA, enough_room
from penultimate.errors import DataError
from penultimate.io import naming_full_disk
from penultimate.progress import SILENT, Progress

BLOCK = 2**18  # bytes at a time
TRIES = 5  # in a row that bring nothing
WAIT = 2.0  # seconds before the second try; twice as long before each further one
SILENCE = 60.0  # seconds without a byte, after which the connection is given up
AGENT = "penultimate (https://pypi.org/project/penultimate)"

_BROKEN = (OSError, http.client.HTTPException)  # a timeout and a reset connection are OSErrors


def fetch(url: str, target: Path, md5: str = "", progress: Progress = SILENT) -> None:
    """Put the file at an address into place, whole.

    What has arrived is kept in ``TARGET.part``, and a later call goes on from there, if there is a
    checksum that tells whether both halves are of one file.

    Parameters
    ----------
    md5 : the published checksum, in hexadecimal; empty where there is none.

    Raises
    ------
    DataError : there is no such address or no connection, or what came has another checksum.
    StoreError : the disk is full.
    """
    if not url.startswith(("https://", "http://")):
        raise DataError(f"{url} is no address that can be fetched: it should begin with https://")
    part = target.with_name(f"{target.name}.part")
    with naming_full_disk(part):
        part.parent.mkdir(parents=True, exist_ok=True)
        if not md5:
            part.unlink(missing_ok=True)
    transfer = _Transfer(url, part, progress)
    tries = 0
    while not transfer.done:
        before = transfer.size
        try:
            transfer.go_on()
        except _BROKEN as error:
            tries = 0 if transfer.size > before else tries + 1
            if tries >= TRIES or _is_final(error):
                raise transfer.failure(error) from error
            time.sleep(WAIT * 2 ** max(0, tries - 1))
    check(part, md5, f"what {url} sent", remove=True)
    with naming_full_disk(target):
        part.replace(target)


def check(file: Path, md5: str, what: str, *, remove: bool = False) -> None:
    """Compare a file with its published checksum.

    Raises
    ------
    DataError : it has another; the file is removed where ``remove`` says so.
    """
    if not md5:
        return
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if found != md5:
        if remove:
            file.unlink()
        then = "try again, or get it from elsewhere" if remove else "remove it and try again"
        raise DataError(
            f"{what} is not the published {file.name.removesuffix('.part')}: its md5 is {found} "
            f"and should be {md5}; {then}"
        )


class _Transfer:
    """One file on its way."""

    def __init__(self, url: str, part: Path, progress: Progress) -> None:
        self.url = url
        self.part = part
        self.progress = progress
        self.done = False
        self.total: int | None = None

    @property
    def size(self) -> int:
        """Bytes that have arrived."""
        return self.part.stat().st_size if self.part.exists() else 0

    def go_on(self) -> None:
        """Fetch the rest, as far as it comes."""
        have = self.size
        headers = {"User-Agent": AGENT, "Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        request = urllib.request.Request(self.url, headers=headers)
        try:
            answer = urllib.request.urlopen(request, timeout=SILENCE)
        except urllib.error.HTTPError as error:
            if error.code == 416 and have:  # nothing is left, or the file there has become shorter
                self._all_here(error.headers.get("Content-Range", ""), have)
                return
            raise
        with answer:
            if answer.headers.get_content_type() == "text/html":
                raise DataError(
                    f"{self.url} answers with a page and not with a file: open it in a browser, "
                    f"and put the file to {self.part.with_suffix('')}"
                )
            resumed = answer.status == 206 and _starts_at(answer, have)
            self._receive(answer, have if resumed else 0)

    def _all_here(self, content_range: str, have: int) -> None:
        """Nothing is left to send: either all has arrived, or what is here is of another file."""
        if content_range.rpartition("/")[2] == str(have):
            self.done = True
        else:
            self.part.unlink()

    def _receive(self, answer: http.client.HTTPResponse, have: int) -> None:
        """Write what comes behind the ``have`` bytes that are there."""
        length = answer.headers.get("Content-Length")
        self.total = have + int(length) if length else None
        if self.total:
            enough_room(self.part.parent, self.total - have)
        size = -(-(self.total or 0) // MEGA)
        with naming_full_disk(self.part):
            file = self.part.open("ab" if have else "wb")
        with file, self.progress.step(f"fetching {self.part.stem}", size, "MB") as step:
            step.advance(have // MEGA)
            while block := answer.read(BLOCK):
                with naming_full_disk(self.part):
                    file.write(block)
                    file.flush()
                step.advance((have + len(block)) // MEGA - have // MEGA)
                have += len(block)
        if self.total is not None and have < self.total:
            raise http.client.IncompleteRead(b"", self.total - have)
        self.done = True

    def failure(self, error: Exception) -> DataError:
        """Why it did not come, and how to go on."""
        reason = getattr(error, "reason", None) or error
        if isinstance(error, urllib.error.HTTPError):
            reason = f"HTTP {error.code} {error.reason}"
        elif isinstance(error, http.client.IncompleteRead):
            reason = "the connection ended early"
        had = f"{self.size:,} of {self.total:,} bytes" if self.total else f"{self.size:,} bytes"
        return DataError(
            f"{self.url} cannot be fetched ({reason})"
            + (
                f"; {had} have arrived and are kept: run the same command again to go on"
                if self.size
                else ": check the connection and try again, or get the file elsewhere and put it "
                f"to {self.part.with_suffix('')}"
            )
        )


def _starts_at(answer: http.client.HTTPResponse, have: int) -> bool:
    return str(answer.headers.get("Content-Range", "")).startswith(f"bytes {have}-")


def _is_final(error: Exception) -> bool:
    """Whether trying again would bring nothing."""
    if isinstance(error, urllib.error.HTTPError):
        return 400 <= error.code < 500 and error.code not in (408, 429)
    reason = getattr(error, "reason", error)
    return isinstance(reason, socket.gaierror | ConnectionRefusedError | ssl.SSLError)
