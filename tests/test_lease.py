"""A lease has one holder, and passes on when its holder is dead or silent."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penultimate import lease as lease_module
from penultimate.errors import StoreError
from penultimate.lease import Waiter

LONG = 600.0  # an expiry that no test waits for


@pytest.fixture
def path(tmp_path):
    return tmp_path / "leases" / "run.json"


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    head = (
        "import sys, time\nfrom pathlib import Path\nfrom penultimate.lease import Waiter\n"
        "path = Path(sys.argv[1])\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", head + script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


HOLD = f"with Waiter(path, {LONG}).acquire():\n    print('held', flush=True)\n    sys.stdin.read()"


def holder_of(path: Path) -> subprocess.Popen[str]:
    """Another process that holds the lease until its standard input ends."""
    process = start(HOLD, path)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_is_free_again_when_its_holder_leaves(path):
    for _ in range(3):
        with Waiter(path, LONG).acquire():
            assert path.is_file()
        assert list(path.parent.iterdir()) == []


def test_is_given_back_also_when_the_work_fails(path):
    with contextlib.suppress(ZeroDivisionError), Waiter(path, LONG).acquire():
        _ = 1 / 0
    assert not path.exists()


def test_is_refused_while_another_process_holds_it_and_had_when_that_one_leaves(path):
    holder = holder_of(path)
    waiter = Waiter(path, LONG)
    assert waiter.try_acquire() is None
    assert waiter.try_acquire() is None
    holder.communicate()
    lease = waiter.try_acquire()
    assert lease is not None
    with lease:
        assert Waiter(path, LONG).try_acquire() is None


def test_of_many_processes_one_at_a_time_holds_it(path, tmp_path):
    """Each notes when it enters and leaves; no two are inside at once."""
    log = tmp_path / "log"
    script = (
        "log = Path(sys.argv[2])\n"
        "def note(what):\n"
        "    with log.open('a') as file: file.write(what + ' ' + sys.argv[3] + '\\n')\n"
        "sys.stdin.read()\n"
        "for _ in range(5):\n"
        f"    with Waiter(path, {LONG}).acquire(interval=0.005):\n"
        "        note('in'); time.sleep(0.005); note('out')\n"
    )
    processes = [start(script, path, log, i) for i in range(4)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
    assert [process.wait() for process in processes] == [0] * 4
    for process in processes:
        assert process.stdout is not None
        process.stdout.close()
    lines = log.read_text().splitlines()
    assert len(lines) == 40
    for entered, left in zip(lines[::2], lines[1::2], strict=True):
        assert entered.split()[0] == "in"
        assert left == f"out {entered.split()[1]}"


@pytest.mark.parametrize("reaped", [True, False], ids=["reaped", "zombie"])
def test_of_a_killed_holder_is_taken_over_at_once(path, reaped):
    holder = holder_of(path)
    holder.send_signal(signal.SIGKILL)
    if reaped:
        holder.wait()
    else:
        while psutil.Process(holder.pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
    lease = Waiter(path, LONG).try_acquire()
    holder.communicate()
    assert lease is not None
    with lease:
        assert json.loads(path.read_text())["pid"] == os.getpid()


def test_of_a_killed_holder_is_taken_over_by_one_of_many(path):
    holder = holder_of(path)
    holder.kill()
    holder.communicate()
    script = (
        "sys.stdin.read()\n"
        f"lease = Waiter(path, {LONG}).try_acquire()\n"
        "print('got' if lease else 'not', flush=True)\n"
        "time.sleep(1.5)\n"  # alive until all have tried
    )
    processes = [start(script, path) for _ in range(4)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
    answers = [process.communicate()[0].strip() for process in processes]
    assert answers.count("got") == 1


def test_of_a_process_whose_number_another_has_now_is_taken_over_at_once(path):
    with Waiter(path, LONG).acquire():
        content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"started": content["started"] - 1000}))
    lease = Waiter(path, LONG).try_acquire()
    assert lease is not None
    with lease:
        pass


def test_of_a_holder_elsewhere_is_taken_over_when_it_was_silent_as_long_as_the_expiry(path):
    path.parent.mkdir()
    path.write_text(json.dumps({"token": "t", "machine": "elsewhere", "pid": 1, "started": 0}))
    waiter = Waiter(path, expiry=0.3)
    began = time.monotonic()
    assert waiter.try_acquire() is None
    with waiter.acquire(interval=0.02):
        assert time.monotonic() - began >= 0.3


def test_of_a_holder_elsewhere_that_shows_life_is_not_taken_over(path):
    path.parent.mkdir()
    waiter = Waiter(path, expiry=0.5)
    for beat in range(12):
        path.write_text(json.dumps({"token": "t", "machine": "elsewhere", "pid": 1, "beat": beat}))
        assert waiter.try_acquire() is None
        time.sleep(0.1)


def test_is_kept_alive_beyond_its_expiry_by_its_heartbeat(path):
    """Its process is alive all the time, but to the waiter only the heartbeat counts."""
    expiry = 1.5
    with Waiter(path, expiry).acquire():
        waiter = Waiter(path, expiry)
        first = json.loads(path.read_text())["beat"]
        end = time.monotonic() + 2 * expiry
        while time.monotonic() < end:
            assert waiter.try_acquire() is None
            time.sleep(0.05)
        assert json.loads(path.read_text())["beat"] > first + 2


def test_outlives_a_heartbeat_that_could_not_be_written(path, monkeypatch):
    real = lease_module.write_atomic
    failed = []

    def full_once(*arguments):
        if not failed:
            failed.append(True)
            raise StoreError("no space is left")
        real(*arguments)

    monkeypatch.setattr(lease_module, "write_atomic", full_once)
    with Waiter(path, 0.2).acquire():
        end = time.monotonic() + 10
        while json.loads(path.read_text())["beat"] < 2 and time.monotonic() < end:
            time.sleep(0.02)
        assert json.loads(path.read_text())["beat"] >= 2
    assert failed
    assert not path.exists()


def test_that_was_lost_is_not_taken_from_its_new_holder(path):
    with Waiter(path, LONG).acquire():
        other = json.dumps({"token": "another's", "machine": "elsewhere"})
        path.write_text(other)
    assert path.read_text() == other


def test_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        Waiter(tmp_path / "file" / "run.json").try_acquire()


def content_of_this_machine() -> st.SearchStrategy[bytes]:
    """A lease file of a process of this machine, with numbers that need not be numbers."""
    now = psutil.Process().create_time()
    records = st.fixed_dictionaries(
        {"machine": st.just(lease_module._machine())},
        optional={
            "token": st.text(),
            "pid": st.none() | st.text() | st.just(os.getpid()) | st.integers(-(10**30), 10**30),
            "started": st.none() | st.text() | st.floats() | st.just(now),
        },
    )
    return records.map(lambda record: json.dumps(record).encode())


@settings(max_examples=60, deadline=None)
@given(st.binary() | content_of_this_machine())
def test_with_any_content_is_refused_or_taken_over_and_never_an_error(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("lease") / "run.json"
    path.write_bytes(content)
    lease = Waiter(path, LONG).try_acquire()
    if lease is not None:
        with lease:
            pass
        assert not path.exists()


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b'{"token": ', b"{}"])
def test_that_is_damaged_is_taken_over_after_the_expiry(path, content):
    path.parent.mkdir()
    path.write_bytes(content)
    waiter = Waiter(path, expiry=0.1)
    assert waiter.try_acquire() is None
    with waiter.acquire(interval=0.02):
        pass
    assert not path.exists()
