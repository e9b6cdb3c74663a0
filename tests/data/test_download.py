"""Fetching a file from a real server: whole, resumed, refused."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from range_server import serving

from penultimate.data import download
from penultimate.data.download import fetch
from penultimate.errors import DataError
from penultimate.progress import Progress, Step

DATA = np.random.default_rng(0).bytes(3_500_000)
MD5 = hashlib.md5(DATA).hexdigest()


@pytest.fixture(autouse=True)
def quick(monkeypatch) -> None:
    """No proxy between the tests and their server, and no waiting between tries."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setattr(download, "WAIT", 0.001)


def test_a_file_arrives_whole_and_alone(tmp_path) -> None:
    with serving(files={"/a.bin": DATA}) as server:
        fetch(f"{server.url}/a.bin", tmp_path / "new" / "a.bin", MD5)
    assert (tmp_path / "new" / "a.bin").read_bytes() == DATA
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["a.bin"]
    assert server.asked == [("/a.bin", "")]


def test_a_broken_connection_is_taken_up_where_it_broke(tmp_path) -> None:
    with serving(files={"/a": DATA}, break_after=1_000_000, breaks=2) as server:
        fetch(f"{server.url}/a", tmp_path / "a", MD5)
    assert (tmp_path / "a").read_bytes() == DATA
    assert [wanted for _, wanted in server.asked] == ["", "bytes=1000000-", "bytes=2000000-"]
    assert server.sent == len(DATA), "nothing was sent twice"


def test_a_later_call_goes_on_where_an_earlier_one_was_interrupted(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(download, "TRIES", 0)  # as if the process had been stopped
    with serving(files={"/a": DATA}, break_after=1_000_000) as server:
        with pytest.raises(DataError) as error:
            fetch(f"{server.url}/a", tmp_path / "a", MD5)
        assert "1,000,000 of 3,500,000 bytes have arrived and are kept" in str(error.value)
        assert "run the same command again to go on" in str(error.value)
        assert not (tmp_path / "a").exists()
        fetch(f"{server.url}/a", tmp_path / "a", MD5)
    assert (tmp_path / "a").read_bytes() == DATA
    assert server.sent == len(DATA)


def test_a_process_that_was_killed_loses_nothing_that_arrived(tmp_path) -> None:
    stalling = serving(files={"/a": DATA}, break_after=2_000_000, stall=True)
    with stalling as server:
        code = "from penultimate.data.download import fetch; from pathlib import Path; import sys;"
        code += "fetch(sys.argv[1], Path(sys.argv[2]), sys.argv[3])"
        arguments = [f"{server.url}/a", str(tmp_path / "a"), MD5]
        process = subprocess.Popen([sys.executable, "-c", code, *arguments])
        part = tmp_path / "a.part"
        deadline = time.monotonic() + 60
        # What is read in blocks of a quarter of a megabyte is on the disk but for the last block.
        while not part.exists() or part.stat().st_size < 1_700_000:
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
        process.wait()
        had = part.stat().st_size
        fetch(f"{server.url}/a", tmp_path / "a", MD5)
    assert (tmp_path / "a").read_bytes() == DATA
    assert server.asked[1:] == [("/a", f"bytes={had}-")]


def test_a_server_that_cannot_resume_sends_all_again(tmp_path) -> None:
    (tmp_path / "a.part").write_bytes(DATA[:1000])
    with serving(files={"/a": DATA}, ranges=False) as server:
        fetch(f"{server.url}/a", tmp_path / "a", MD5)
    assert (tmp_path / "a").read_bytes() == DATA
    assert server.asked == [("/a", "bytes=1000-")]


@pytest.mark.parametrize("size", [len(DATA), len(DATA) + 7])
def test_what_arrived_in_full_is_not_fetched_again_and_too_much_is_begun_anew(
    tmp_path, size
) -> None:
    (tmp_path / "a.part").write_bytes((DATA + b"x" * 7)[:size])
    with serving(files={"/a": DATA}) as server:
        fetch(f"{server.url}/a", tmp_path / "a", MD5)
    assert (tmp_path / "a").read_bytes() == DATA
    assert len(server.asked) == (1 if size == len(DATA) else 2)


def test_without_a_checksum_two_halves_are_never_joined(tmp_path) -> None:
    (tmp_path / "a.part").write_bytes(b"of another version")
    with serving(files={"/a": DATA}) as server:
        fetch(f"{server.url}/a", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == DATA
    assert server.asked == [("/a", "")]


def test_another_checksum_is_refused_and_nothing_stays(tmp_path) -> None:
    with serving(files={"/a": DATA}) as server, pytest.raises(DataError) as error:
        fetch(f"{server.url}/a", tmp_path / "a", "0" * 32)
    assert f"is not the published a: its md5 is {MD5} and should be {'0' * 32}" in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("half", ["another file's half", "damaged"])
def test_a_half_of_something_else_is_noticed(tmp_path, half) -> None:
    (tmp_path / "a.part").write_bytes(half.encode())
    with serving(files={"/a": DATA}) as server:
        with pytest.raises(DataError, match="try again"):
            fetch(f"{server.url}/a", tmp_path / "a", MD5)
        fetch(f"{server.url}/a", tmp_path / "a", MD5)
    assert (tmp_path / "a").read_bytes() == DATA


def test_an_address_that_is_gone_is_one_sentence_and_asked_once(tmp_path) -> None:
    with serving() as server, pytest.raises(DataError, match=r"\(HTTP 404 Not Found\): check the"):
        fetch(f"{server.url}/a", tmp_path / "a", MD5)
    assert len(server.asked) == 1


def test_a_page_in_place_of_a_file_is_refused(tmp_path) -> None:
    page = serving(files={"/a.tgz": b"<html>sign in</html>"}, kind="text/html; charset=utf-8")
    with page as server, pytest.raises(DataError) as error:
        fetch(f"{server.url}/a.tgz", tmp_path / "a.tgz")
    assert f"put the file to {tmp_path / 'a.tgz'}" in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_no_server_is_one_sentence(tmp_path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/a"
        with pytest.raises(DataError, match=r"refused.*get the file elsewhere and put it to"):
            fetch(url, tmp_path / "a")
    with pytest.raises(DataError, match="cannot be fetched"):
        fetch("http://nowhere.invalid/a", tmp_path / "a")
    with pytest.raises(DataError, match="should begin with https://"):
        fetch("file:///etc/passwd", tmp_path / "a")


def test_a_connection_that_brings_nothing_is_given_up(tmp_path) -> None:
    dead = serving(files={"/a": DATA}, break_after=0, breaks=100)
    with dead as server, pytest.raises(DataError, match=r"the connection ended early\): check"):
        fetch(f"{server.url}/a", tmp_path / "a", MD5)
    assert len(server.asked) == download.TRIES


def test_a_full_disk_is_said_before_anything_is_fetched(tmp_path, monkeypatch) -> None:
    usage = os.statvfs(tmp_path)
    assert usage.f_bavail > 0
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1_000_000}))
    with serving(files={"/a": DATA}) as server, pytest.raises(DataError, match="has room for 0"):
        fetch(f"{server.url}/a", tmp_path / "a", MD5)


def test_progress_is_told_in_megabytes_also_of_what_was_there(tmp_path) -> None:
    told: list[int] = []

    class Counting(Step):
        def advance(self, count: int = 1) -> None:
            told.append(count)

    class Listening(Progress):
        def step(self, description: str, total: int, unit: str = "images") -> Step:
            assert (description, total, unit) == ("fetching a", 4, "MB")
            return Counting()

    (tmp_path / "a.part").write_bytes(DATA[:2_500_000])
    with serving(files={"/a": DATA}) as server:
        fetch(f"{server.url}/a", tmp_path / "a", MD5, Listening())
    assert told[0] == 2
    assert sum(told) == 3, "of 3.3 MB"


def test_the_file_that_is_there_stays_until_the_new_one_is_whole(tmp_path) -> None:
    target: Path = tmp_path / "a"
    target.write_bytes(b"old")
    with serving(files={"/a": DATA}) as server:
        with pytest.raises(DataError):
            fetch(f"{server.url}/a", target, "0" * 32)
        assert target.read_bytes() == b"old"
        fetch(f"{server.url}/a", target, MD5)
    assert target.read_bytes() == DATA
