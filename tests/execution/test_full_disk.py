"""A full disk is one sentence, loses nothing, and is forgotten when there is room again."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from study_folders import clean, network, same, study, write_pictures

import penultimate as pn
from penultimate import io
from penultimate.errors import StoreError


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of half a megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(place)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a small file system cannot be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def studies(photos: Path, seeds: int) -> pn.Study:
    return study(photos, backbones=[network()], seeds=list(range(seeds)))


def fill(place: Path, leave: int) -> Path:
    """Take all the space but ``leave`` bytes."""
    free = os.statvfs(place).f_bavail * os.statvfs(place).f_frsize
    ballast = place.parent / "disk" / "ballast"
    ballast.write_bytes(b"x" * max(0, free - leave))
    return ballast


def test_a_disk_that_fills_up_keeps_what_was_computed(
    photos: Path, small_disk: Path, tmp_path: Path
) -> None:
    store = small_disk / "store"
    assert pn.run(studies(photos, 1), store).computed == 1
    first = pn.ResultStore(store).digests()
    rooms = np.linspace(0, 120_000, 13).astype(int).tolist()
    failed = 0
    for room in rooms:
        ballast = fill(small_disk, room)
        try:
            pn.run(studies(photos, 3), store)
        except StoreError as error:
            failed += 1
            message = str(error)
            assert message.startswith(f"no space is left on the disk that holds {store}")
            assert "free some" in message
            assert "\n" not in message
        finally:
            ballast.unlink()
        assert set(first) <= set(pn.ResultStore(store).digests())
    assert failed >= 3
    results = pn.run(studies(photos, 3), store)
    assert len(results.results) == 3
    pn.run(studies(photos, 3), tmp_path / "undisturbed")
    same(store, tmp_path / "undisturbed")
    clean(store)


def test_a_disk_without_room_for_features_says_so_before_they_are_computed(
    tmp_path: Path, small_disk: Path
) -> None:
    photos = write_pictures(tmp_path / "many", each=500)  # 1,500 rows of 96 numbers: 576,000 bytes
    with pytest.raises(StoreError, match="no space is left on the disk that holds"):
        pn.run(studies(photos, 1), small_disk / "store")
    assert not list((small_disk / "store" / "features").glob("*/complete.json"))


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_writing_that_fails_anywhere_is_one_sentence_and_can_be_gone_on_with(
    photos: Path, store: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    whole = os.fsync
    for allowed in range(40):  # the first so many files are written, the next is not
        left = [allowed]

        def sync(file: int, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise OSError(code, os.strerror(code))
            whole(file)

        monkeypatch.setattr(io.os, "fsync", sync)
        try:
            pn.run(studies(photos, 2), store)
        except StoreError as error:
            assert str(store) in str(error)
            assert "\n" not in str(error)
        else:
            break
        finally:
            monkeypatch.setattr(io.os, "fsync", whole)
    assert 0 < allowed < 39
    assert pn.run(studies(photos, 2), store).computed == 0
    clean(store)
