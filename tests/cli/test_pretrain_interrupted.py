"""Killed, asked to stop or shared by two processes, a pretraining ends as an undisturbed one."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pretraining_processes import PLAIN, finish, in_two_processes, stopped_after, weights

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="no SIGKILL"),
]


@pytest.fixture(scope="module")
def undisturbed(photos, tmp_path_factory) -> Path:
    output = tmp_path_factory.mktemp("undisturbed") / "mine"
    finish(photos, output)
    return output


def record(output: Path) -> dict:
    return json.loads((output / "pretraining.json").read_text())


def same(one: Path, other: Path) -> None:
    """Files with the same bytes, metadata included; and the same account of them."""
    names = ["final.safetensors", "step-3.safetensors", "step-6.safetensors"]
    for folder in (one, other):
        assert sorted(path.name for path in folder.glob("*.safetensors")) == names
        assert not (folder / "checkpoint.pt").exists()
    for name in names:
        assert (one / name).read_bytes() == (other / name).read_bytes()
    kept = {"digest", "status", "steps", "saved", "final_loss", "training"}
    first, second = record(one), record(other)
    assert {key: first[key] for key in kept} == {key: second[key] for key in kept}


def test_killed_twice_it_ends_bit_for_bit_as_an_undisturbed_one(photos, undisturbed, tmp_path):
    output = tmp_path / "mine"
    for steps in (2, 6):
        code, errors = stopped_after(steps, signal.SIGKILL, photos, output)
        assert code == -signal.SIGKILL, errors
        assert (output / "checkpoint.pt").is_file()
        assert record(output)["status"] == "running"
    finish(photos, output)
    same(output, undisturbed)


def test_asked_to_stop_it_says_how_to_go_on_and_does(photos, undisturbed, tmp_path):
    output = tmp_path / "mine"
    code, errors = stopped_after(4, signal.SIGTERM, photos, output)
    assert code == 128 + signal.SIGTERM
    assert "of 8 steps: run the same again to go on" in errors.splitlines()[-1]
    assert "Traceback" not in errors
    finish(photos, output)
    same(output, undisturbed)


def test_two_processes_train_one_network(photos, tmp_path):
    output, single = tmp_path / "mine", tmp_path / "single"
    finish(photos, single, PLAIN)
    done = in_two_processes(photos, output)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)  # one of them prints
    assert [row["step"] for row in rows] == [3, 6, 8]
    assert record(output)["digest"] == record(single)["digest"]
    # Rounding grows from layer to layer and from step to step, the more so with few images a batch:
    # that batch norm over processes is exact is held in tests/backbones/test_gathered.py.
    alone, shared = (pd.read_parquet(folder / "curve.parquet") for folder in (single, output))
    assert list(shared["learning_rate"]) == list(alone["learning_rate"])
    assert shared["loss"][0] == pytest.approx(alone["loss"][0], rel=1e-3)
    for state in weights(output).values():
        assert all(np.isfinite(tensor).all() for tensor in state.values())
    assert {path.name for path in output.glob("*.safetensors")} == set(weights(single))


def test_what_two_processes_meet_is_said_once(photos, tmp_path):
    output = tmp_path / "mine"
    output.mkdir()
    (output / "thesis.doc").write_text("years of work")
    done = in_two_processes(photos, output)
    assert done.returncode != 0
    assert done.stderr.count("holds other files (thesis.doc)") == 1
