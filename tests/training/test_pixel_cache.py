"""Decoded pictures: kept once, found again, never half-trusted."""

from __future__ import annotations

import gc
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from learning_tasks import Notes, kept, load, write_waves
from PIL import Image

from penultimate.data import Dataset
from penultimate.data.dataset import ArrayImages, digest_array
from penultimate.errors import DataError
from penultimate.training import pixels as module
from penultimate.training import room
from penultimate.training.decoded import decoded, reduced
from penultimate.training.kept import ENTRY, INDEX
from penultimate.training.pixels import PixelCache
from penultimate.training.room import PIXELS

HERE = Path(__file__).parent


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_waves(tmp_path / "photos")


@pytest.fixture
def dataset(photos: Path) -> Dataset:
    """24 pictures."""
    return load(photos)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "pixels"


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The rows that are decoded from now on."""
    rows: list[int] = []

    def counting(dataset: Dataset, row: int, side: int | None) -> np.ndarray:
        rows.append(row)
        return decoded(dataset, row, side)

    monkeypatch.setattr(module, "decoded", counting)
    return rows


def place(folder: Path) -> Path:
    """The one cache under ``folder``."""
    (found,) = (path for path in folder.iterdir() if path.is_dir())
    return found


def assert_right(cache: PixelCache, dataset: Dataset, side: int | None = None) -> None:
    for row in range(len(dataset)):
        expected = np.asarray(reduced(dataset.image(row), side))
        np.testing.assert_array_equal(cache[row], expected, err_msg=str(row))


@pytest.mark.parametrize("side", [None, 50, 7])
def test_it_holds_what_is_decoded(dataset: Dataset, folder: Path, side: int | None):
    assert_right(kept(dataset, folder, side), dataset, side)


def test_the_shorter_side_is_reduced_and_never_enlarged():
    def size(width: int, height: int) -> tuple[int, int]:
        return reduced(Image.new("RGB", (width, height)), 50).size

    assert size(100, 200) == (50, 100)
    assert size(300, 100) == (150, 50)
    assert size(50, 90) == (50, 90)
    assert size(20, 1000) == (20, 1000)
    assert size(51, 51) == (50, 50)


def test_each_picture_is_decoded_once_for_all_who_open_it(
    dataset: Dataset, folder: Path, counted: list[int]
):
    for _ in range(3):
        assert_right(kept(dataset, folder), dataset)
    assert sorted(counted) == list(range(24))


def test_copies_are_kept_once_and_names_and_labels_do_not_count(
    photos: Path, dataset: Dataset, folder: Path, counted: list[int]
):
    before = kept(dataset, folder).bytes_on_disk
    (photos / "b" / "copy.png").write_bytes((photos / "a" / "000.png").read_bytes())
    (photos / "b").rename(photos / "c")
    renamed = load(photos)
    cache = kept(renamed, folder)
    assert len(renamed) == 25
    assert (len(counted), cache.bytes_on_disk) == (24, before)
    assert_right(cache, renamed)


def test_another_side_is_another_cache(dataset: Dataset, folder: Path):
    original, reduced_to_50 = kept(dataset, folder), kept(dataset, folder, 50)
    assert len([path for path in folder.iterdir() if path.is_dir()]) == 2
    assert_right(original, dataset)
    assert_right(reduced_to_50, dataset, 50)


def test_what_does_not_fit_is_decoded_each_time_and_said(
    dataset: Dataset, folder: Path, counted: list[int]
):
    whole = sum(decoded(dataset, row, None).nbytes for row in range(24))
    notes = Notes()
    cache = kept(dataset, folder, limit=whole // 2, progress=notes)
    assert 0 < cache.bytes_on_disk <= whole // 2
    assert sum(path.stat().st_size for path in folder.glob(f"*/{PIXELS}")) <= whole // 2
    assert ["do not fit into the cache of pixels" in note for note in notes.notes] == [True]
    counted.clear()
    for _ in range(2):
        assert_right(cache, dataset)
    left_out = len(counted) // 2
    assert f"{left_out} of 24 pictures" in notes.notes[0]
    # More room later: only what is missing is decoded.
    counted.clear()
    assert_right(kept(dataset, folder), dataset)
    assert len(counted) == left_out


def caches(folder: Path) -> set[str]:
    return {path.parent.name for path in folder.glob(f"*/{PIXELS}")}


def test_the_limit_is_of_all_caches_and_what_is_in_use_stays(dataset: Dataset, folder: Path):
    first = kept(dataset, folder)
    limit = first.bytes_on_disk + 50_000
    second = kept(dataset, folder, 50, limit=limit)
    assert 0 < second.bytes_on_disk <= 50_000
    assert sum(path.stat().st_size for path in folder.glob(f"*/{PIXELS}")) <= limit
    assert_right(first, dataset)
    assert_right(second, dataset, 50)


def test_what_nobody_uses_makes_room_the_longest_unused_first(dataset: Dataset, folder: Path):
    sizes = {side: kept(dataset, folder, side).bytes_on_disk for side in (60, 50, 40)}
    names = {}
    for age, side in enumerate((50, 40, 60)):  # 50 was opened longest ago
        name = module.pixels_key(sorted(set(dataset.digests)), side)
        names[side] = name
        os.utime(folder / name / PIXELS, (1e9 + age, 1e9 + age))
    gc.collect()
    notes = Notes()
    fourth = kept(dataset, folder, 45, limit=sum(sizes.values()) + 100, progress=notes)
    assert_right(fourth, dataset, 45)
    assert names[50] not in caches(folder)
    assert {names[40], names[60]} <= caches(folder)
    assert ["were removed to make room" in note for note in notes.notes] == [True]


def test_a_limit_of_nothing_writes_nothing(dataset: Dataset, folder: Path):
    cache = kept(dataset, folder, limit=0)
    assert cache.bytes_on_disk == 0
    assert not folder.exists()
    assert_right(cache, dataset)


def test_a_disk_that_is_nearly_full_is_left_alone(
    dataset: Dataset, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(room, "RESERVE", 2**62)
    cache = kept(dataset, folder)
    assert cache.bytes_on_disk == 0
    assert_right(cache, dataset)


def test_a_flipped_bit_of_a_picture_is_found_said_once_and_mended(
    dataset: Dataset, folder: Path, counted: list[int]
):
    kept(dataset, folder)
    counted.clear()
    path = place(folder) / PIXELS
    right = path.read_bytes()
    spots = random.Random(1).sample(range(len(right)), 6)
    wrong = bytearray(right)
    for spot in spots:
        wrong[spot] ^= 4
    path.write_bytes(wrong)
    notes = Notes()
    assert_right(kept(dataset, folder, progress=notes), dataset)
    assert [note for note in notes.notes if "are damaged" in note] == notes.notes
    assert len(notes.notes) == 1
    assert 1 <= len(counted) <= 6
    assert path.read_bytes() == right


@pytest.mark.parametrize("name", [INDEX, PIXELS])
def test_damaged_files_never_give_a_wrong_picture(dataset: Dataset, folder: Path, name: str):
    kept(dataset, folder)
    path = place(folder) / name
    whole = path.read_bytes()
    contents = [b"", whole[: len(whole) // 2], whole[:-3], whole + b"x", b"x" * len(whole)]
    for spot in random.Random(2).sample(range(len(whole)), 20):
        contents.append(whole[:spot] + bytes([whole[spot] ^ 2]) + whole[spot + 1 :])
    for content in contents:
        path.write_bytes(content)
        assert_right(kept(dataset, folder), dataset)
    path.unlink()
    assert_right(kept(dataset, folder), dataset)


def test_a_damaged_index_is_renewed_and_said(dataset: Dataset, folder: Path):
    kept(dataset, folder)
    path = place(folder) / INDEX
    path.write_bytes(b"\xff" * ENTRY.itemsize + path.read_bytes()[ENTRY.itemsize :])
    notes = Notes()
    assert_right(kept(dataset, folder, progress=notes), dataset)
    assert any("are damaged: decoding them anew" in note for note in notes.notes)


def test_an_interrupted_cache_goes_on_behind_what_it_holds(
    dataset: Dataset, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    rows: list[int] = []

    def failing(dataset: Dataset, row: int, side: int | None) -> np.ndarray:
        rows.append(row)
        if len(rows) == 15:
            raise DataError("interrupted")
        return decoded(dataset, row, side)

    monkeypatch.setattr(module, "decoded", failing)
    with pytest.raises(DataError, match="interrupted"):
        kept(dataset, folder, workers=1)
    (index,) = folder.glob(f"*/{INDEX}")
    assert index.stat().st_size == 14 * ENTRY.itemsize
    with index.open("ab") as file:  # and an entry cut off in its middle
        file.write(b"123")
    with index.with_name(PIXELS).open("ab") as file:  # behind pixels without an entry
        file.write(b"123456")
    rows.clear()
    rows.extend([-1] * 15)
    notes = Notes()
    assert_right(kept(dataset, folder, workers=1, progress=notes), dataset)
    assert len(rows) == 15 + 10
    assert notes.notes == []


SCRIPT = """
import sys, time
from pathlib import Path
from learning_tasks import kept, load
from penultimate.training import pixels
decode = pixels.decoded
def slowly(*arguments):
    time.sleep(float(sys.argv[3]))
    return decode(*arguments)
pixels.decoded = slowly
cache = kept(load(Path(sys.argv[1])), Path(sys.argv[2]), workers=2)
print(sum(int(cache[row].sum()) for row in range(len(cache))))
"""


def begin(photos: Path, folder: Path, seconds: float) -> subprocess.Popen[str]:
    path = os.pathsep.join([str(HERE), *sys.path])
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SCRIPT, str(photos), str(folder), str(seconds)],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
    )


def entries(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob(f"*/{INDEX}")) // ENTRY.itemsize


@pytest.mark.slow
def test_one_killed_in_the_middle_is_gone_on_with(
    photos: Path, dataset: Dataset, folder: Path, counted: list[int]
):
    process = begin(photos, folder, 0.1)
    until = time.monotonic() + 60
    while entries(folder) < 5 and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    done = entries(folder)
    assert 5 <= done < 24
    started = time.monotonic()
    assert_right(kept(dataset, folder), dataset)
    assert time.monotonic() - started < 30, "the lease of a dead process blocked"
    assert len(counted) == 24 - done
    assert not list(folder.glob("*.lease"))


@pytest.mark.slow
def test_two_at_once_decode_each_picture_once(photos: Path, dataset: Dataset, folder: Path):
    processes = [begin(photos, folder, 0.02) for _ in range(2)]
    sums = {process.communicate(timeout=100)[0] for process in processes}
    expected = sum(int(decoded(dataset, row, None).sum()) for row in range(24))
    assert sums == {f"{expected}\n"}
    whole = sum(decoded(dataset, row, None).nbytes for row in range(24))
    assert (place(folder) / PIXELS).stat().st_size == whole
    assert entries(folder) == 24


def test_several_threads_may_read(dataset: Dataset, folder: Path):
    cache = kept(dataset, folder)
    wrong: list[BaseException] = []

    def read() -> None:
        try:
            assert_right(cache, dataset)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_looking_at_one_picture_does_not_load_the_others(tmp_path: Path):
    # 96 pictures of a megabyte each.
    pictures = np.zeros((96, 512, 683, 3), dtype=np.uint8)
    pictures += np.arange(96, dtype=np.uint8)[:, None, None, None]
    dataset = Dataset(
        name="large",
        classes=("a",),
        ids=tuple(f"{number:02}" for number in range(96)),
        labels=np.zeros(96, dtype=np.int64),
        digests=tuple(digest_array(picture) for picture in pictures),
        parts=np.array(["train"] * 96),
        groups=np.arange(96),
        measure="top-1",
        split_source="",
        skipped=(),
        notices=(),
        images=ArrayImages(pictures),
    )
    kept(dataset, tmp_path)
    process = psutil.Process()
    before = process.memory_info().rss
    cache = kept(dataset, tmp_path)
    assert (cache[50] == 50).all()
    assert process.memory_info().rss - before < 20e6
    held = [cache[row].sum(dtype=np.int64) for row in range(96)]
    assert len(held) == 96
    assert process.memory_info().rss - before > 60e6  # the measure would have shown it


def test_pictures_are_read_only(dataset: Dataset, folder: Path):
    cache = kept(dataset, folder)
    with pytest.raises(ValueError, match="read-only"):
        cache[0][0, 0] = 0


def test_a_changed_photograph_is_refused_by_name(photos: Path, dataset: Dataset, folder: Path):
    Image.new("RGB", (9, 9)).save(photos / "a" / "003.png")
    with pytest.raises(DataError, match=r"a/003\.png of photos has changed since"):
        kept(dataset, folder)
    (photos / "a" / "003.png").unlink()
    with pytest.raises(DataError, match=r"a/003\.png of photos could be read when"):
        kept(dataset, folder)


def test_a_task_without_images_is_refused(dataset: Dataset, folder: Path):
    from dataclasses import replace

    with pytest.raises(DataError, match="features and no images, so there is nothing to train"):
        kept(replace(dataset, images=None), folder)
