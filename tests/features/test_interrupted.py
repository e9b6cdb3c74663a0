"""An extraction that was interrupted goes on; one that was damaged begins anew."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from small_tasks import Slow, extract, load, own, place, rows, tiny, write_pictures

from penultimate.data import Dataset
from penultimate.errors import BackboneError
from penultimate.features import cached
from penultimate.features import extract as extraction

HERE = Path(__file__).parent

SCRIPT = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(int(sys.argv[3]))
from small_tasks import Slow, extract, load, own
from penultimate.features import extract as extraction
extraction.SAVE_EVERY = 0.0
extract(own(Slow(0.03)), load(Path(sys.argv[1])), Path(sys.argv[2]))
"""


def begin(photos: Path, folder: Path) -> subprocess.Popen[bytes]:
    """Extract in another process, slowly."""
    threads = str(torch.get_num_threads())
    path = os.pathsep.join([str(HERE), *sys.path])
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SCRIPT, str(photos), str(folder), threads],
        env={**os.environ, "PYTHONPATH": path},
    )


def progress(folder: Path) -> int:
    """Rows that are surely on disk."""
    try:
        return int(json.loads((place(folder) / "progress.json").read_text())["rows"])
    except (OSError, ValueError):
        return 0


@pytest.fixture
def interrupted(
    dataset: Dataset, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, np.ndarray]:
    """A cache with 16 of 30 rows done, and what it should hold in the end."""
    expected = rows(extract(own(Slow()), dataset, folder / "undisturbed"))
    monkeypatch.setattr(extraction, "SAVE_EVERY", -1.0)
    whole = extraction.batches

    def two(*args: object):
        for number, batch in enumerate(whole(*args)):
            if number == 2:
                raise BackboneError("interrupted")
            yield batch

    monkeypatch.setattr(extraction, "batches", two)
    with pytest.raises(BackboneError, match="interrupted"):
        extract(own(Slow()), dataset, folder / "cache")
    monkeypatch.setattr(extraction, "batches", whole)
    assert progress(folder / "cache") == 16
    return folder / "cache", expected


def test_an_exception_leaves_what_was_done_and_only_the_rest_is_computed(
    dataset: Dataset, interrupted: tuple[Path, np.ndarray]
) -> None:
    folder, expected = interrupted
    seen = []

    class Counted(Slow):
        def forward(self, images):
            seen.append(len(images))
            return super().forward(images)

    Counted.__qualname__, Counted.__module__ = Slow.__qualname__, Slow.__module__
    Counted.__name__ = Slow.__name__
    np.testing.assert_array_equal(rows(extract(own(Counted()), dataset, folder)), expected)
    assert sum(seen[1:]) == 16  # after the warming up: 14 images and two to fill the batch


def test_an_interrupted_extraction_is_not_trusted_as_whole(
    dataset: Dataset, interrupted: tuple[Path, np.ndarray]
) -> None:
    assert cached(own(Slow()), dataset, interrupted[0]) is None


def test_it_goes_on_with_the_engine_that_began_it(
    dataset: Dataset, interrupted: tuple[Path, np.ndarray]
) -> None:
    folder, expected = interrupted
    manifest = place(folder) / "manifest.json"
    record = json.loads(manifest.read_text())
    assert record["engine"]["batch_size"] == 8
    # Another machine's choice: whoever goes on keeps to it.
    record["engine"]["batch_size"] = 5
    manifest.write_text(json.dumps(record))
    noted = json.loads((place(folder) / "progress.json").read_text())
    noted["manifest"] = extraction.digest_file(manifest)
    (place(folder) / "progress.json").write_text(json.dumps(noted))
    features = extract(own(Slow()), dataset, folder)
    assert features.engine["batch_size"] == 5
    np.testing.assert_allclose(rows(features), expected, rtol=1e-6, atol=1e-7)


def test_an_engine_that_this_machine_has_not_begins_anew_and_says_so(
    dataset: Dataset, interrupted: tuple[Path, np.ndarray]
) -> None:
    from penultimate.progress import Progress

    notes: list[str] = []

    class Notes(Progress):
        def note(self, message: str) -> None:
            notes.append(message)

    folder, expected = interrupted
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        features = extract(own(Slow()), dataset, folder, progress=Notes())
    finally:
        torch.set_num_threads(before)
    assert features.engine["threads"] == before + 1
    assert any("made by another engine" in note for note in notes)
    np.testing.assert_allclose(rows(features), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["progress.json", "features.npy", "manifest.json"])
def test_a_damaged_byte_of_an_interrupted_extraction_is_never_in_the_result(
    dataset: Dataset, interrupted: tuple[Path, np.ndarray], name: str
) -> None:
    folder, expected = interrupted
    path = place(folder) / name
    whole = path.read_bytes()
    kept = {p: p.read_bytes() for p in place(folder).iterdir()}
    end = len(whole) if name != "features.npy" else 128 + 16 * 16 * 4  # header, rows done
    for at in random.Random(name).sample(range(end), 25):
        for file, content in kept.items():
            file.write_bytes(content)
        (place(folder) / "complete.json").unlink(missing_ok=True)
        path.write_bytes(flipped(whole, at))
        features = extract(own(Slow()), dataset, folder)
        np.testing.assert_array_equal(rows(features), expected, err_msg=f"{name}, byte {at}")


@pytest.mark.parametrize("name", ["complete.json", "features.npy"])
def test_a_damaged_byte_of_a_finished_cache_is_found_and_the_cache_rebuilt(
    dataset: Dataset, folder: Path, name: str
) -> None:
    expected = rows(extract(own(Slow()), dataset, folder))
    path = place(folder) / name
    whole = path.read_bytes()
    for at in random.Random(name).sample(range(len(whole)), 40):
        path.write_bytes(flipped(whole, at))
        got = rows(extract(own(Slow()), dataset, folder))
        np.testing.assert_array_equal(got, expected, err_msg=f"{name}, byte {at}")
    for content in (b"", whole[: len(whole) // 2], b"[]", b"{}", whole + b"x"):
        path.write_bytes(content)
        np.testing.assert_array_equal(rows(extract(own(Slow()), dataset, folder)), expected)


def flipped(content: bytes, at: int) -> bytes:
    """One bit of one byte the other way."""
    return content[:at] + bytes([content[at] ^ 2]) + content[at + 1 :]


def test_every_file_of_a_cache_can_be_missing(dataset: Dataset, folder: Path) -> None:
    expected = rows(extract(tiny(), dataset, folder))
    for name in sorted(path.name for path in place(folder).iterdir()):
        (place(folder) / name).unlink()
        np.testing.assert_array_equal(rows(extract(tiny(), dataset, folder)), expected)


def test_a_killed_extraction_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    photos, folder = write_pictures(tmp_path / "photos", each=100), tmp_path / "cache"
    moments = random.Random(8)
    done = 0
    for _ in range(2):
        process = begin(photos, folder)
        target = done + moments.randint(8, 60)
        until = time.monotonic() + 60
        while progress(folder) < target and time.monotonic() < until:
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert progress(folder) >= target
        assert cached(own(Slow(0.03)), load(photos), folder) is None
        done = progress(folder)
    assert done < 200
    started = time.monotonic()
    went_on = extract(own(Slow()), load(photos), folder)  # the pause is no weight: same network
    assert time.monotonic() - started < 30, "the lease of a dead process blocked"
    undisturbed = extract(own(Slow()), load(photos), tmp_path / "undisturbed")
    assert went_on.engine == undisturbed.engine
    np.testing.assert_array_equal(went_on.matrix, undisturbed.matrix)
    assert not list(folder.glob("*.lease"))
