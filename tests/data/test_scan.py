"""Files are read once; the cache saves time and decides nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from pictures import class_folders, picture, save

from penultimate.data import scan as module
from penultimate.data import scan_cache
from penultimate.data.listing import Entry
from penultimate.data.scan import scan
from penultimate.data.scan_cache import Scanned
from penultimate.errors import DataError
from penultimate.io import digest_file
from penultimate.progress import Progress, Step


def entries(root: Path) -> list[Entry]:
    return [
        Entry(path.relative_to(root).as_posix(), path, path.parent.name)
        for path in sorted(root.rglob("*.png"))
    ]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(scan_cache, "SETTLED", -3600)  # what the test just wrote is old enough
    return class_folders(tmp_path / "data", {"a": 3, "b": 2})


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Grows by one with every file that is decoded."""
    calls: list[object] = []
    decode: Callable = module.decode

    def count(file):
        calls.append(file)
        return decode(file)

    monkeypatch.setattr(module, "decode", count)
    return calls


def test_what_a_scan_tells(folder: Path) -> None:
    (folder / "a" / "0.png").write_text("no image")
    found = scan(entries(folder), "s", hashes=True)
    assert found[0].error
    assert found[0].sha256 == digest_file(folder / "a" / "0.png")
    assert (found[1].width, found[1].height) == (48, 40)
    assert len(found[1].perceptual_hash or "") == 64
    assert found[1].error == ""


def test_the_number_of_threads_does_not_matter(folder: Path, monkeypatch) -> None:
    results = []
    for threads in (1, 2, 8):
        monkeypatch.setattr(module, "THREADS", threads)
        monkeypatch.setattr(os, "cpu_count", lambda: 8)
        results.append(scan(entries(folder), "s", hashes=True))
    assert results[0] == results[1] == results[2]


def test_a_second_scan_decodes_nothing(folder: Path, tmp_path: Path, decoded: list) -> None:
    (folder / "a" / "0.png").write_text("no image")
    cache = tmp_path / "cache"
    one = scan(entries(folder), "s", hashes=True, cache=cache)
    assert len(decoded) == 5
    assert scan(entries(folder), "s", hashes=True, cache=cache) == one
    assert len(decoded) == 5
    assert scan(entries(folder), "another source", hashes=True, cache=cache) == one
    assert len(decoded) == 10


def test_a_touched_date_or_a_changed_file_is_read_again(
    folder: Path, tmp_path: Path, decoded: list
) -> None:
    cache = tmp_path / "cache"
    one = scan(entries(folder), "s", hashes=True, cache=cache)
    os.utime(folder / "a" / "0.png", (1, 1))
    assert scan(entries(folder), "s", hashes=True, cache=cache) == one
    assert len(decoded) == 6
    save(folder / "a" / "1.png", picture(77))
    other = scan(entries(folder), "s", hashes=True, cache=cache)
    assert len(decoded) == 7
    assert [i for i in range(5) if other[i] != one[i]] == [1]


def test_a_file_put_back_with_its_old_date_is_read_again(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    path = folder / "a" / "0.png"
    before = path.stat()
    one = scan(entries(folder), "s", hashes=False, cache=cache)
    changed = bytearray(path.read_bytes())
    changed[-1] ^= 1  # the same length, in place
    path.write_bytes(changed)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert scan(entries(folder), "s", hashes=False, cache=cache)[0].sha256 != one[0].sha256


def test_hashes_are_added_when_they_are_needed(folder: Path, tmp_path: Path, decoded) -> None:
    cache = tmp_path / "cache"
    scan(entries(folder), "s", hashes=False, cache=cache)
    found = scan(entries(folder), "s", hashes=True, cache=cache)
    assert all(answer.perceptual_hash for answer in found)
    assert len(decoded) == 10
    scan(entries(folder), "s", hashes=False, cache=cache)
    assert len(decoded) == 10


def test_what_was_written_this_moment_is_not_kept(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decoded: list
) -> None:
    monkeypatch.setattr(scan_cache, "SETTLED", 3600)
    for _ in range(2):
        scan(entries(folder), "s", hashes=False, cache=tmp_path / "cache")
    assert len(decoded) == 10


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[]",
        lambda text: text.replace('"version": "', '"version": "older '),
        lambda text: text.replace("sha256", "sha1"),
        lambda text: json.dumps(json.loads(text) | {"files": 3}),
        lambda text: json.dumps({**json.loads(text), "files": dict.fromkeys("abc", 1)}),
    ],
)
def test_a_damaged_cache_is_made_anew(folder: Path, tmp_path: Path, damage, decoded) -> None:
    cache = tmp_path / "cache"
    one = scan(entries(folder), "s", hashes=True, cache=cache)
    (file,) = cache.iterdir()
    file.write_text(damage(file.read_text()))
    assert scan(entries(folder), "s", hashes=True, cache=cache) == one
    assert len(decoded) == 10
    assert scan(entries(folder), "s", hashes=True, cache=cache) == one
    assert len(decoded) == 10


def test_a_cache_that_cannot_be_written_costs_only_time(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file in its place")
    assert len(scan(entries(folder), "s", hashes=False, cache=tmp_path / "cache")) == 5


def test_strict_stops_at_the_first_and_keeps_what_was_read(folder: Path, tmp_path: Path) -> None:
    (folder / "a" / "1.png").write_text("no image")
    with pytest.raises(DataError, match=r"1\.png cannot be read: it is not an image") as error:
        scan(entries(folder), "s", hashes=False, strict=True, cache=tmp_path / "cache")
    assert "--strict" in str(error.value)
    assert list((tmp_path / "cache").iterdir())


def test_files_that_cannot_be_opened(folder: Path) -> None:
    odd = [Entry("x", path, "a") for path in (folder / "gone.png", folder, Path("nul\0.png"))]
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe.png")
        odd.append(Entry("pipe", folder / "pipe.png", "a"))
    found = scan(odd, "s", hashes=True)
    assert found[0] == Scanned("", error="no such file or directory")
    assert all(answer.error for answer in found)


def test_progress_counts_every_image(folder: Path) -> None:
    class Counting(Progress, Step):
        total = done = 0

        def step(self, description: str, total: int, unit: str = "images") -> Step:
            self.total = total
            return self

        def advance(self, count: int = 1) -> None:
            self.done += count

    progress = Counting()
    scan(entries(folder), "s", hashes=False, progress=progress)
    assert (progress.total, progress.done) == (5, 5)
