"""Killed at any moment and started again, a study ends as an undisturbed one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from study_folders import (
    clean,
    feature_files,
    finish,
    network,
    numbers,
    same,
    start,
    study,
    write_pictures,
)

import penultimate as pn

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")

# Lines that make the process kill itself at one place; the rest is as it is.
BEFORE_THE_COMMIT = """
import os, signal
import penultimate.store.store as place
place.create_exclusive = lambda path, data: os.kill(os.getpid(), signal.SIGKILL)
"""
AFTER_THE_COMMIT = """
import os, signal
import penultimate.store.store as place
place.ResultStore.tidy = lambda self, committed: os.kill(os.getpid(), signal.SIGKILL)
"""
WHILE_THE_PROBE_IS_WRITTEN = """
import os, signal
import penultimate.execution.probe as place
place.save_probe = lambda probe, path: os.kill(os.getpid(), signal.SIGKILL)
"""
DURING_EXTRACTION = """
import os, signal
from penultimate.features import extract as place
place.SAVE_EVERY = -1.0
batches = place.batches
def some(*args):
    for number, batch in enumerate(batches(*args)):
        if number == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        yield batch
place.batches = some
"""
WHILE_FEATURES_ARE_COMMITTED = """
import os, signal
from penultimate.features import extract as place
write = place.write_json
def kill_or_write(path, value):
    if path.name == "complete.json":
        os.kill(os.getpid(), signal.SIGKILL)
    write(path, value)
place.write_json = kill_or_write
"""
PLACES = {
    "before the commit": BEFORE_THE_COMMIT,
    "after the commit": AFTER_THE_COMMIT,
    "while the probe is written": WHILE_THE_PROBE_IS_WRITTEN,
    "during extraction": DURING_EXTRACTION,
    "while features are committed": WHILE_FEATURES_ARE_COMMITTED,
}


def killed(process: subprocess.Popen[str]) -> None:
    errors = process.communicate(timeout=120)[1]
    assert process.returncode == -signal.SIGKILL, errors


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    return [write_pictures(tmp_path / name, seed=seed) for seed, name in enumerate(["p", "q"])]


@pytest.fixture
def run_here(folders: list[Path]) -> Callable[[Path], pn.StudyResults]:
    """The study that ``start`` runs, in this process."""
    backbones = [network(), network(geometry="shorter-side-crop", label="crop")]
    return lambda store: pn.run(study(*folders, backbones=backbones), store)


def test_killed_between_the_last_artefact_and_the_commit_it_ends_as_an_undisturbed_study(
    folders: list[Path], tmp_path: Path, run_here: Callable[[Path], pn.StudyResults]
) -> None:
    check_killed_at(["before the commit"], folders, tmp_path, run_here)


@pytest.mark.slow
def test_killed_at_every_place_in_turn_it_ends_as_an_undisturbed_study(
    folders: list[Path], tmp_path: Path, run_here: Callable[[Path], pn.StudyResults]
) -> None:
    check_killed_at(list(PLACES), folders, tmp_path, run_here)


def check_killed_at(
    places: list[str],
    folders: list[Path],
    tmp_path: Path,
    run_here: Callable[[Path], pn.StudyResults],
) -> None:
    store = tmp_path / "store"
    for place in places:
        killed(start(store, folders, PLACES[place]))
    kept = len(pn.ResultStore(store).digests())
    assert (kept > 0) == ("after the commit" in places)
    started = time.monotonic()
    results = run_here(store)
    assert time.monotonic() - started < 30, "a dead process's lease blocked"
    assert (results.computed, len(results.results)) == (4 - kept, 4)
    run_here(tmp_path / "undisturbed")
    same(store, tmp_path / "undisturbed")
    clean(store)


@pytest.mark.slow
def test_killed_at_random_moments_it_ends_as_an_undisturbed_study(
    folders: list[Path], tmp_path: Path, run_here: Callable[[Path], pn.StudyResults]
) -> None:
    store, undisturbed = tmp_path / "store", tmp_path / "undisturbed"
    moments = random.Random(20)
    slowly = """
import time
import penultimate.execution.finished as end
import penultimate.execution.probe as place
from penultimate.features import extract as features
features.SAVE_EVERY = -1.0
def after(function, seconds):
    def call(*args, **settings):
        time.sleep(seconds)
        return function(*args, **settings)
    return call
place.select, place.fit = after(place.select, 0.1), after(place.fit, 0.1)
place.save_probe, end.write_atomic = after(place.save_probe, 0.1), after(end.write_atomic, 0.1)
network = __import__("penultimate").features.engine.network
features.engines.network = lambda *args: after(network(*args), 0.05)
from study_folders import network
"""
    kills = 0
    while kills < 6:
        process = start(store, folders, slowly)
        until = time.monotonic() + 60
        # Importing takes seconds, in which nothing happens: the moments count from the first sign
        # of work in this process.
        leases = [*(store / "leases").glob("*.json"), *(store / "features").glob("*.lease")]
        old = {path: path.read_bytes() for path in leases}
        while process.poll() is None and time.monotonic() < until and not new_lease(store, old):
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 1.0))
        if process.poll() is not None:
            break  # it has finished: no more to kill
        process.send_signal(signal.SIGKILL)
        killed(process)
        kills += 1
        if len(pn.ResultStore(store).digests()) == 4:
            (store / "runs").rename(tmp_path / f"finished {kills}")  # and once more
    assert kills >= 5
    run_here(store)
    run_here(undisturbed)
    same(store, undisturbed)
    clean(store)
    computed, digests = finish(start(store, folders))
    assert (computed, len(digests)) == (0, 4)


def new_lease(store: Path, old: dict[Path, bytes]) -> bool:
    for path in [*(store / "leases").glob("*.json"), *(store / "features").glob("*.lease")]:
        try:
            if path.read_bytes() != old.get(path):
                return True
        except FileNotFoundError:
            continue
    return False


def test_two_processes_at_once_compute_each_run_once(folders: list[Path], tmp_path: Path) -> None:
    store = tmp_path / "store"
    ended = [finish(process) for process in [start(store, folders), start(store, folders)]]
    assert sum(computed for computed, _ in ended) == 4
    assert ended[0][1] == ended[1][1]
    assert len(ended[0][1]) == len(numbers(store)) == 4
    assert len(feature_files(store)) == 4
    clean(store)
