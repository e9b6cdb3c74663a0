"""Small studies that train networks, run here or in another process, and what they leave."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from study_folders import HERE, TIMES, network

import penultimate as pn
from penultimate.spec import FineTune, FromScratch
from penultimate.store import Result

QUICK = {"search": "grid", "steps": 12, "batch_size": 6, "weight_decays": (0.0, 1e-4)}
FINE = FineTune(learning_rates=(0.01, 0.1, 1e6), **QUICK)
SCRATCH = FromScratch(learning_rates=(0.02, 0.1), **QUICK)
CELLS = 6  # of FINE, of which two diverge


def trained_study(folder: Path, *methods: Any, **settings: Any) -> pn.Study:
    """Fine-tuning a small network on class folders, or other methods."""
    return pn.Study.model_validate(
        {
            "backbones": [network()],
            "tasks": [f"folder:{folder}"],
            "methods": list(methods) or [FINE],
            **settings,
        }
    )


def of(results: pn.StudyResults, method: str) -> Result:
    """The one result of a method."""
    (found,) = [result for result in results.results if result.run.method.name == method]
    return found


def left(store: Path) -> dict[str, Any]:
    """All that the trainings and runs of a store left, without times."""
    kept = pn.ResultStore(store, create=False)
    found: dict[str, Any] = {}
    for digest, record in kept.trainings.records().items():
        said = record.model_dump(mode="json")
        for key in ("seconds", "images_per_second", "peak_memory", "provenance"):
            del said[key]
        curve = kept.trainings.curve(digest).drop(columns="images_per_second")
        network = kept.trainings.network(record.training)
        found[digest] = (said, curve, network.read_bytes() if network.is_file() else b"")
    for result in kept.results():
        said = {k: v for k, v in result.model_dump(mode="json").items() if k not in TIMES}
        said["spec"]["task"]["source"] = ""
        found[result.digest] = (said, kept.predictions(result), b"")
    return found


def same_left(store: Path, other: Path) -> None:
    """The two hold the same numbers, bit for bit."""
    ours, theirs = left(store), left(other)
    assert ours.keys() == theirs.keys()
    for digest, (said, frame, weights) in ours.items():
        assert said == theirs[digest][0]
        pd.testing.assert_frame_equal(frame, theirs[digest][1], check_exact=True)
        assert weights == theirs[digest][2]


def tidied(store: Path) -> None:
    """No lease, no checkpoint, nothing half-written, and every run from one attempt."""
    assert not list((store / "leases").glob("*"))
    for folder in (store / "trainings").iterdir():
        assert {path.name for path in folder.iterdir()} <= {
            "record.json",
            "curve.parquet",
            "network.safetensors",
        }
    for run in (store / "runs").iterdir():
        assert len(list((run / "attempts").iterdir())) == 1


def start_trained(store: Path, folder: Path, before: str = "") -> subprocess.Popen[str]:
    """Fine-tune in a process of its own, after the lines ``before``.

    Prints how many runs it computed and how many trainings it did, as JSON.
    """
    script = f"""
import json, sys, torch
from pathlib import Path
torch.set_num_threads({torch.get_num_threads()})
import penultimate as pn
from penultimate.store import trainings
from trained_studies import trained_study
commits = []
commit = trainings.Trainings.commit
def counted(self, record, curve):
    commits.append(record.digest)
    return commit(self, record, curve)
trainings.Trainings.commit = counted
{before}
results = pn.run(trained_study(Path(sys.argv[2])), sys.argv[1])
print(json.dumps([results.computed, len(commits)]))
"""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", script, str(store), str(folder)],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path]),
            "OMP_NUM_THREADS": str(torch.get_num_threads()),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish_trained(process: subprocess.Popen[str]) -> tuple[int, int]:
    """Runs computed and trainings done, of a process that should end well."""
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    computed, trainings = json.loads(output.splitlines()[-1])
    return computed, trainings
