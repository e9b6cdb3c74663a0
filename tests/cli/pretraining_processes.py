"""Pretrainings that are killed, asked to stop, or shared by two processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from commands import entry_point
from safetensors.torch import load_file

PLAIN = "paper:mobilenet_v1"
DROPPING = "paper:mobilenet_v1,dropout=0.2"  # what is dropped is drawn at each step
SETTINGS = (
    *("--preset", "quick", "--image-size", "32"),
    *("--batch-size", "6", "--steps", "8"),
    *("--checkpoint-every", "3", "--device", "cpu"),
)
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1"}

# The training keeps its state after every step, and shows where it is in a file.
CAREFUL = """
import sys, time
from pathlib import Path
from penultimate.methods import source_task as place
train = place.train
def slowly(*args, progress, **settings):
    class Seen(type(progress)): pass
    step = progress.step
    def watched(description, total, unit="images"):
        bar = step(description, total, unit)
        if unit == "steps":
            advance = bar.advance
            def told(count=1):
                advance(count)
                with Path("steps").open("a") as file:
                    file.write("x" * count)
                time.sleep(0.15)
            bar.advance = told
        return bar
    progress.step = watched
    return train(*args, progress=progress, save_seconds=0.0, **settings)
place.train = slowly
from penultimate.cli import main
main()
"""


def arguments(network: str, photos: Path, output: Path) -> list[str]:
    places = ("--data", str(photos), "-o", str(output), "--cache", f"{output}.pixels")
    return ["pretrain", network, *SETTINGS, *places]


def start(photos: Path, output: Path) -> subprocess.Popen[str]:
    """The command, a little slower, keeping its state after every step."""
    return subprocess.Popen(
        [sys.executable, "-c", CAREFUL, *arguments(DROPPING, photos, output)],
        cwd=output.parent,
        env=ENVIRONMENT,
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def finish(photos: Path, output: Path, network: str = DROPPING) -> None:
    """The command as it is, to its end."""
    subprocess.run(
        [entry_point(), *arguments(network, photos, output)],
        check=True,
        cwd=output.parent,
        env=ENVIRONMENT,
        capture_output=True,
    )


def stopped_after(
    steps: int, number: signal.Signals, photos: Path, output: Path
) -> tuple[int, str]:
    """Start it, send a signal when so many steps are done; its exit code and what it said."""
    seen = output.parent / "steps"
    seen.unlink(missing_ok=True)
    process = start(photos, output)
    until = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < until:
        if seen.is_file() and len(seen.read_text()) >= steps:
            process.send_signal(number)
            break
        time.sleep(0.01)
    errors = process.communicate(timeout=60)[1]
    return process.returncode, errors


def in_two_processes(photos: Path, output: Path) -> subprocess.CompletedProcess[str]:
    """The command under torchrun, in two processes that talk by gloo."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", "--no-python", entry_point()),
            *(*arguments(PLAIN, photos, output), "--json"),
        ],
        check=False,
        cwd=output.parent,
        env=ENVIRONMENT,
        text=True,
        capture_output=True,
    )


def weights(output: Path) -> dict[str, dict[str, np.ndarray]]:
    """The tensors of every backbone file."""
    return {
        path.name: {name: tensor.numpy() for name, tensor in load_file(path).items()}
        for path in sorted(output.glob("*.safetensors"))
    }
