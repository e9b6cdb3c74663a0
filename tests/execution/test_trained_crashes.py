"""Grids that are killed, shared or asked to stop end as undisturbed ones, bit for bit."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from study_folders import HERE
from trained_studies import CELLS, finish_trained, same_left, start_trained, tidied, trained_study

import penultimate as pn

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")

# Each step takes a while and is kept, so that a moment is somewhere within a training.
SLOWLY = """
import time
import penultimate.methods.train_one as place
train = place.train
def slow(*args, listen=None, **settings):
    def after(figures):
        listen(figures)
        time.sleep({seconds})
    return train(*args, listen=after, save_seconds=0.0, **settings)
place.train = slow
"""
BEFORE_A_RECORD = """
import os, signal
import penultimate.store.trainings as place
place.create_exclusive = lambda path, data: os.kill(os.getpid(), signal.SIGKILL)
"""
AFTER_A_RECORD = """
import os, signal
import penultimate.store.trainings as place
place.Trainings.tidy = lambda self, committed: os.kill(os.getpid(), signal.SIGKILL)
"""
WHILE_THE_NETWORK_IS_WRITTEN = """
import os, signal
import penultimate.execution.trainings as place
place.save_network = lambda module, card, path: os.kill(os.getpid(), signal.SIGKILL)
"""
BEFORE_THE_RESULT = """
import os, signal
import penultimate.store.store as place
place.create_exclusive = lambda path, data: os.kill(os.getpid(), signal.SIGKILL)
"""
PLACES = (BEFORE_A_RECORD, AFTER_A_RECORD, WHILE_THE_NETWORK_IS_WRITTEN, BEFORE_THE_RESULT)


def undisturbed(photos: Path, tmp_path: Path) -> Path:
    pn.run(trained_study(photos), tmp_path / "undisturbed")
    return tmp_path / "undisturbed"


def wait_for(sign: Path, process: subprocess.Popen[str], pattern: str) -> None:
    until = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < until and not list(sign.rglob(pattern)):
        time.sleep(0.01)


@pytest.mark.slow
def test_killed_at_random_moments_it_ends_as_an_undisturbed_grid(
    photos: Path, store: Path, tmp_path: Path
) -> None:
    moments = random.Random(5)
    for kill in range(4):
        process = start_trained(store, photos, SLOWLY.format(seconds=0.06))
        before = set(store.rglob("checkpoint.pt"))
        until = time.monotonic() + 120
        # Importing takes seconds: moments count from the first sign of work of this process.
        old = {p: p.stat().st_mtime_ns for p in before}
        while process.poll() is None and time.monotonic() < until:
            new = [p for p in store.rglob("checkpoint.pt") if p.stat().st_mtime_ns != old.get(p)]
            if new:
                break
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 1.2))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL, f"kill {kill} came too late"
    finish_trained(start_trained(store, photos))
    same_left(store, undisturbed(photos, tmp_path))
    tidied(store)


@pytest.mark.slow
def test_killed_at_every_place_in_turn_it_ends_as_an_undisturbed_grid(
    photos: Path, store: Path, tmp_path: Path
) -> None:
    for place in PLACES:
        process = start_trained(store, photos, place)
        errors = process.communicate(timeout=120)[1]
        assert process.returncode == -signal.SIGKILL, errors
    done = len(pn.ResultStore(store).trainings.records())
    assert done > 0
    computed, trainings = finish_trained(start_trained(store, photos))
    assert (computed, trainings) == (1, 0)  # all was trained when the last one was killed
    same_left(store, undisturbed(photos, tmp_path))
    tidied(store)


@pytest.mark.slow
def test_a_crash_loses_the_steps_since_the_last_checkpoint_and_no_more(
    photos: Path, store: Path
) -> None:
    process = start_trained(store, photos, SLOWLY.format(seconds=0.2))
    wait_for(store, process, "record.json")
    wait_for(store, process, "checkpoint.pt")
    time.sleep(0.7)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (checkpoint,) = store.rglob("checkpoint.pt")
    kept = torch.load(checkpoint, weights_only=True)["curve"].shape[1]
    kept += sum(r.steps for r in pn.ResultStore(store).trainings.records().values())
    counting = """
from penultimate.training.run import Run
step, taken = Run._step, []
Run._step = lambda self, batches: (taken.append(1), step(self, batches))[1]
import atexit
atexit.register(lambda: print("steps", len(taken), file=sys.stderr))
"""
    process = start_trained(store, photos, counting)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    taken = int(errors.split("steps ")[1].split()[0])
    steps = sum(r.steps for r in pn.ResultStore(store).trainings.records().values())
    assert 0 < taken == steps - kept


@pytest.mark.slow
def test_two_processes_share_the_cells_of_one_run(
    photos: Path, store: Path, tmp_path: Path
) -> None:
    slowly = SLOWLY.format(seconds=0.05)
    both = [start_trained(store, photos, slowly), start_trained(store, photos, slowly)]
    ended = [finish_trained(process) for process in both]
    assert sum(computed for computed, _ in ended) == 1
    assert sum(trainings for _, trainings in ended) == CELLS + 1  # each once
    assert min(trainings for _, trainings in ended) > 0
    same_left(store, undisturbed(photos, tmp_path))
    tidied(store)


COMMAND = """
import sys, torch
torch.set_num_threads(1)
{before}
from penultimate.cli import main
sys.argv = ["penultimate", *sys.argv[1:]]
main()
"""


def command(store: Path, photos: Path, before: str = "") -> subprocess.Popen[str]:
    """The study of ``trained_study`` through the command line."""
    arguments = ["run", "--data", photos, "--backbone", "test_resnet@random", "--image-size", 24]
    for setting in (
        *("learning_rates=0.01,0.1,1e6", "weight_decays=0,1e-4"),
        *("steps=12", "batch_size=6", "search=grid"),
    ):
        arguments += ["--set", setting]
    arguments += ["--method", "fine-tune", "--store", store]
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND.format(before=before), *map(str, arguments)],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path]),
            "OMP_NUM_THREADS": "1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_asked_to_stop_it_keeps_its_steps_and_the_same_command_goes_on(
    photos: Path, store: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    process = command(store, photos, SLOWLY.format(seconds=0.1))
    wait_for(store, process, "checkpoint.pt")
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == code, errors
    assert output == ""
    last = errors.splitlines()[-1]
    assert last.startswith("interrupted: ")
    assert "Traceback" not in errors
    assert list(store.rglob("checkpoint.pt"))
    assert not list((store / "leases").glob("*"))
    process = command(store, photos)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert "test_resnet@random" in output
    assert "2 of the grid's 6 cells diverged" in errors
    same_left(store, undisturbed(photos, tmp_path))
    tidied(store)
