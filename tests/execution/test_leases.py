"""One holder at a time; a dead one is followed at once, a silent one after its expiry."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from penultimate.lease import Lease, Waiter
from penultimate.store import ResultStore

HOLD = """
import sys, time
from pathlib import Path
from penultimate.lease import Waiter
lease = Waiter(Path(sys.argv[1])).try_acquire()
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "leases" / "work.json"


def held_by_another_process(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def on_another_machine(path: Path, beat: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    record = {"token": "other", "beat": beat, "machine": "elsewhere", "pid": 1, "started": 0.0}
    path.write_text(json.dumps(record))


def test_one_holds_it_at_a_time(path: Path) -> None:
    with Waiter(path).acquire():
        assert Waiter(path).try_acquire() is None
    assert not path.exists()
    with Waiter(path).acquire():
        pass


@pytest.mark.parametrize("reaped", [True, False])
def test_a_dead_holder_is_followed_at_once(path: Path, reaped: bool) -> None:
    process = held_by_another_process(path)
    try:
        waiter = Waiter(path)
        assert waiter.try_acquire() is None
        process.kill()
        if reaped:
            process.wait()
        else:  # what is left of it still has its number
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        lease = waiter.try_acquire()
        assert lease is not None
        with lease:
            pass
    finally:
        process.kill()
        process.communicate()


def test_another_process_of_the_same_number_is_not_the_holder(path: Path) -> None:
    with Waiter(path).acquire():
        record = json.loads(path.read_text())
    record["started"] -= 100.0  # this number was somebody else's then
    path.write_text(json.dumps(record))
    lease = Waiter(path).try_acquire()
    assert lease is not None
    with lease:
        pass


def test_a_silent_holder_elsewhere_is_followed_after_the_expiry_and_not_before(path: Path) -> None:
    on_another_machine(path)
    waiter = Waiter(path, expiry=0.5)
    started = time.monotonic()
    while (lease := waiter.try_acquire()) is None:
        time.sleep(0.02)
    assert 0.5 <= time.monotonic() - started < 5
    with lease:
        assert json.loads(path.read_text())["token"] != "other"


def test_a_holder_elsewhere_that_gives_signs_of_life_keeps_it(path: Path) -> None:
    waiter = Waiter(path, expiry=0.3)
    for beat in range(10):
        on_another_machine(path, beat)
        assert waiter.try_acquire() is None
        time.sleep(0.1)


def test_a_holder_gives_signs_of_life(path: Path) -> None:
    with Waiter(path, expiry=0.2).acquire():
        first = path.read_text()
        time.sleep(0.5)
        assert path.read_text() != first
        assert Waiter(path, expiry=0.2).try_acquire() is None


def test_who_was_thought_dead_leaves_the_new_holder_alone(path: Path) -> None:
    with Waiter(path, expiry=0.2).acquire():
        on_another_machine(path)  # a machine that thought so has taken it over
        time.sleep(0.4)
        assert json.loads(path.read_text())["token"] == "other"
    assert path.exists()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"machine": 3}'])
def test_a_damaged_lease_expires_as_a_silent_one(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(content)
    waiter = Waiter(path, expiry=0.2)
    assert waiter.try_acquire() is None
    time.sleep(0.3)
    lease = waiter.try_acquire()
    assert lease is not None
    with lease:
        pass


def test_of_many_who_follow_a_dead_holder_one_gets_it(path: Path) -> None:
    on_another_machine(path)
    waiters = [Waiter(path, expiry=0.0) for _ in range(16)]
    for waiter in waiters:
        waiter.try_acquire()  # sees the holder for the first time
    on_another_machine(path, 1)
    time.sleep(0.01)
    got: list[Lease | None] = []
    together = threading.Barrier(len(waiters))

    def follow(waiter: Waiter) -> None:
        together.wait()
        for _ in range(3):
            got.append(waiter.try_acquire())

    threads = [threading.Thread(target=follow, args=[waiter]) for waiter in waiters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    holders = [lease for lease in got if lease is not None]
    for lease in holders:
        lease.__exit__(None, None, None)
    assert holders
    assert not list(path.parent.iterdir()), "files were left beside the lease"


def test_many_processes_may_begin_one_store_at_once(tmp_path: Path) -> None:
    faults: list[BaseException] = []
    for attempt in range(20):
        together = threading.Barrier(8)

        def begin(root: Path = tmp_path / str(attempt), gate: threading.Barrier = together) -> None:
            gate.wait()
            try:
                ResultStore(root)
            except Exception as error:
                faults.append(error)

        threads = [threading.Thread(target=begin) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not faults
