"""Two processes that share the examples find what one finds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from solver_problems import blobs

from penultimate.solvers import logistic_path, softmax_path, svm_path

GRID = np.logspace(-3, 3, 7)


def work(rank: int, folder: str) -> None:
    """One of two processes: rows of its own, unequal in number, one class seen by one only."""
    torch.set_num_threads(1)  # two processes of two threads each would wait for each other
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    X, y = blobs(400, 60, 14, noise=0.2)
    order = np.argsort(y, kind="stable")
    mine = order[:250] if rank == 0 else order[250:]
    group = dist.group.WORLD
    soft = softmax_path(X[mine].astype(np.float32), y[mine], 14, GRID, group=group)
    Y = y[:, None] == np.arange(14)
    logistic = logistic_path(X[mine], Y[mine], GRID, group=group)
    svm = svm_path(X[mine], y[mine], 14, GRID, group=group)
    np.savez(
        f"{folder}/{rank}.npz",
        soft=soft.objective,
        coef=soft.coef,
        logistic=logistic.objective,
        svm=svm.objective,
        converged=np.concatenate([soft.converged, logistic.converged, svm.converged]),
    )
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_find_what_one_finds(tmp_path: Path) -> None:
    mp.spawn(work, args=(str(tmp_path),), nprocs=2)
    first, second = (np.load(tmp_path / f"{rank}.npz") for rank in range(2))
    X, y = blobs(400, 60, 14, noise=0.2)
    assert first["converged"].all()
    for name in first.files:
        np.testing.assert_array_equal(first[name], second[name])
    Y = y[:, None] == np.arange(14)
    for name, alone in {
        "soft": softmax_path(X, y, 14, GRID, tolerance=1e-8),
        "logistic": logistic_path(X, Y, GRID, tolerance=1e-8),
        "svm": svm_path(X, y, 14, GRID, tolerance=1e-8),
    }.items():
        np.testing.assert_allclose(first[name], alone.objective, rtol=1e-4)
