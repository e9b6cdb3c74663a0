"""Features on disk: the answer of features in memory, within the memory that is allowed."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from solver_problems import blobs, softmax_objective

from penultimate.errors import SolverError
from penultimate.solvers import logistic_path, softmax_path, svm_path

GRID = np.logspace(-4, 4, 9)


def mapped(X: np.ndarray, folder: Path) -> np.ndarray:
    np.save(folder / "features.npy", X)
    return np.load(folder / "features.npy", mmap_mode="r")


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_from_disk_as_from_memory(tmp_path: Path, dtype: type) -> None:
    X, y = blobs(500, 60, 14, noise=0.2)
    X = X.astype(dtype)
    disk = mapped(X, tmp_path)
    w = np.random.default_rng(0).uniform(0, 2, 500)
    here = softmax_path(X.astype(np.float64), y, 14, GRID, sample_weight=w, tolerance=1e-9)
    there = softmax_path(disk, y, 14, GRID, sample_weight=w, memory=700_000)
    assert there.converged.all(), there.status
    np.testing.assert_allclose(there.objective, here.objective, rtol=1e-4)
    # The path is stated for the features as they are, not for those that were centred.
    for W, b, l2, stated in zip(there.coef, there.intercept, GRID, there.objective, strict=True):
        found = softmax_objective(W, b, X.astype(np.float64), y, l2=l2, w=w)
        assert found == pytest.approx(stated, rel=1e-5)


def test_other_losses_from_disk(tmp_path: Path) -> None:
    X, y = blobs(500, 60, 14, noise=0.2)
    disk = mapped(X.astype(np.float32), tmp_path)
    Y = y[:, None] == np.arange(14)
    for path in (
        lambda X, **more: logistic_path(X, Y, GRID, **more),
        lambda X, **more: svm_path(X, y, 14, GRID, **more),
    ):
        here, there = path(np.asarray(disk)), path(disk, memory=700_000)
        assert there.converged.all(), there.status
        np.testing.assert_allclose(there.objective, here.objective, rtol=2e-4)


def test_small_features_are_held_in_memory_whatever_the_setting(tmp_path: Path) -> None:
    X, y = blobs(60, 5, 3)
    path = softmax_path(mapped(X, tmp_path), y, 3, GRID, memory=1_000_000)
    np.testing.assert_array_equal(path.coef, softmax_path(X, y, 3, GRID).coef)


def test_what_does_not_fit_is_said_before_any_work(tmp_path: Path) -> None:
    X, y = blobs(500, 60, 14)
    disk = mapped(X.astype(np.float32), tmp_path)
    with pytest.raises(SolverError, match="raise memory"):
        softmax_path(disk, y, 14, GRID, memory=100_000)
    with pytest.raises(SolverError, match="allow at least"):
        softmax_path(disk, y, 14, GRID, memory=0)
    with pytest.raises(SolverError, match="cannot be read in blocks"):
        softmax_path(disk.astype(np.int64), y, 14, GRID, memory=700_000)


def test_what_is_not_finite_is_named(tmp_path: Path) -> None:
    X, y = blobs(500, 60, 14)
    X[321, 7] = np.nan
    with pytest.raises(SolverError, match="row 321, column 7"):
        softmax_path(mapped(X.astype(np.float32), tmp_path), y, 14, GRID, memory=700_000)


SCRIPT = """
import resource, sys
import numpy as np, torch
torch.set_num_threads(1)
from penultimate.solvers import softmax_path
X, y = np.load(sys.argv[1], mmap_mode="r"), np.load(sys.argv[2])
# Everything that is loaded at first use is loaded before the count begins.
softmax_path(np.eye(4, dtype=np.float32), np.array([0, 1, 0, 1]), 2, [1.0])
softmax_path(X[:100], y[:100], 4, [1.0, 0.5])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
path = softmax_path(X, y, 4, np.logspace(-1, 3, 5), memory=int(sys.argv[3]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, path.converged.all())
"""


@pytest.mark.slow
def test_peak_memory_is_within_the_setting_for_a_file_four_times_as_large(tmp_path: Path) -> None:
    X, y = blobs(60_000, 256, 4, spread=0.1, noise=0.3)
    memory = X.astype(np.float32).nbytes // 4
    np.save(tmp_path / "X.npy", X.astype(np.float32))
    np.save(tmp_path / "y.npy", y)
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            textwrap.dedent(SCRIPT),
            tmp_path / "X.npy",
            tmp_path / "y.npy",
            str(memory),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    grown, converged = done.stdout.split()
    assert converged == "True"
    parameters = 4 * (40 * 4 * 256 + 8 * 256 * 256)
    assert int(grown) * 1024 < memory + parameters, f"{int(grown)} kB"
