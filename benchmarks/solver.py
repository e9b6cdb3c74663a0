"""The path solver against its peers: seconds, and how good the answers are.

    python benchmarks/solver.py run digits odd-digits wide      a minute on two cores
    python benchmarks/solver.py run features                    real network features: some minutes
    python benchmarks/solver.py run synthetic --solvers ours scikit-learn      10,000 x 2,048 x 100
    python benchmarks/solver.py svm digits                      the squared hinge
    python benchmarks/solver.py growth                          cost in n, D, K and P

Each solver runs in a process of its own on the same float32 features and 45 values of l2 from
1e-6 to 1e5, largest first where it is warm-started by hand. Objectives are computed anew from the
coefficients in float64, and every gap is relative to the certified float64 minimum where
``solver_reference.py`` has been run (``results/solver-references``), else to the best of the
solvers shown. The peers:

- ``scikit-learn``: LogisticRegression(warm_start=True, max_iter=1000), default tolerance.
- ``scipy``: L-BFGS-B on the objective in float64, warm-started, default tolerance.
- ``torch``: torch.optim.LBFGS with strong Wolfe line search in float32, warm-started, 1000
  iterations at most, default tolerance.
- ``liblinear``: on two classes only, and for the squared hinge; it penalises the intercept, which
  is therefore scaled by 100.

The machine must have nothing else to do: two threads that wait for a third lose far more than they
work. ``OMP_NUM_THREADS=1`` compares CPU seconds.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from solver_cases import GRID, Arrays, problem, synthetic
from solver_objective import SoftmaxObjective, squared_hinge
from solver_peers import HINGE, SOLVERS, Answer

REFERENCES = Path(__file__).parent / "results" / "solver-references"
SHOWN = ("solver", "s", "CPU s", "evaluations", "largest gap", "median gap", "accuracy", "peak MiB")


def objectives(data: Arrays, answer: Answer, loss: str) -> list[float]:
    """The objective of every point in float64, (P,)."""
    X, y, k = data["X"].astype(np.float64), data["y"], answer.coef.shape[1]
    found = []
    for W, b, l2 in zip(answer.coef.astype(float), answer.intercept, GRID, strict=True):
        if loss == "hinge":
            found.append(squared_hinge(X, y, W, b) + l2 / 2 * float((W**2).sum()))
        else:
            found.append(SoftmaxObjective(X, y, k, l2)(np.concatenate([W.ravel(), b]))[0])
    return [float(value) for value in found]


def measure(loss: str, solver: str, data: Path, out: Path) -> None:
    """Run one solver in this process and write what came of it."""
    arrays = dict(np.load(data))
    k = int(arrays["y"].max()) + 1
    import torch  # the price of importing is not the solver's

    torch.zeros(2, 2) @ torch.zeros(2, 2)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began, began_cpu = time.perf_counter(), time.process_time()
    solve = (HINGE if loss == "hinge" else SOLVERS)[solver]
    answer = solve(arrays["X"], arrays["y"], k)
    seconds, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    right = [
        int(((arrays["X_val"] @ W.T + b).argmax(axis=1) == arrays["y_val"]).sum())
        for W, b in zip(answer.coef, answer.intercept, strict=True)
    ]
    record = {
        "seconds": seconds,
        "cpu": cpu,
        "evaluations": answer.evaluations,
        "peak_mib": peak / 1024,
        "accuracy": max(right) / len(arrays["y_val"]),
        "objectives": objectives(arrays, answer, loss),
    }
    out.write_text(json.dumps(record), encoding="utf-8")


def run(name: str, loss: str, solvers: list[str], runs: int) -> None:
    """Every solver on one problem, in turn; a table of medians."""
    data = problem(name)
    k = int(data["y"].max()) + 1
    known = HINGE if loss == "hinge" else SOLVERS
    chosen = [s for s in solvers or known if s in known and (s != "liblinear" or _fits(loss, k))]
    results: dict[str, list[dict[str, Any]]] = {solver: [] for solver in chosen}
    with tempfile.TemporaryDirectory() as place:
        np.savez(Path(place) / "data.npz", **data)
        for _ in range(runs):
            for solver in chosen:
                out = Path(place) / "out.json"
                command = [sys.executable, __file__, "measure", loss, solver]
                subprocess.run([*command, Path(place) / "data.npz", out], check=True)
                results[solver].append(json.loads(out.read_text(encoding="utf-8")))
                print(f"{name}, {solver}: {results[solver][-1]['seconds']:.2f} s", file=sys.stderr)
    n, d = data["X"].shape
    print(f"\n{name}, {loss}: {n:,} x {d:,} x {k}, {len(GRID)} values of l2, median of {runs}")
    table(name, loss, results)


def _fits(loss: str, k: int) -> bool:
    """Whether liblinear solves the same problem: it has no softmax."""
    return loss == "hinge" or k == 2


def table(name: str, loss: str, results: dict[str, list[dict[str, Any]]]) -> None:
    """Print what was measured, and the two figures that are promised."""
    first = {solver: np.array(records[0]["objectives"]) for solver, records in results.items()}
    reference = REFERENCES / f"{name}.json"
    certified = loss == "softmax" and reference.is_file()
    if certified:
        minima = json.loads(reference.read_text(encoding="utf-8"))
        floor = np.array([point["objective"] for point in minima])
        worst = max(point["within"] for point in minima)
        best = max(point["accuracy"] for point in minima)
        print(f"minima certified to {worst:.0e}, their best accuracy {best:.4f}")
    else:
        floor = np.min(list(first.values()), axis=0)
        print("gaps are to the best of those shown")
    print("| " + " | ".join(SHOWN) + " |\n" + "|---" * len(SHOWN) + "|")
    median = {s: statistics.median(r["seconds"] for r in rs) for s, rs in results.items()}
    for solver, records in results.items():
        gap = first[solver] / floor - 1
        last, cpu = records[0], statistics.median(r["cpu"] for r in records)
        print(
            f"| {solver} | {median[solver]:.2f} | {cpu:.2f}"
            f" | {last['evaluations']} | {gap.max():.1e} | {np.median(gap):.1e}"
            f" | {last['accuracy']:.4f} | {last['peak_mib']:.0f} |"
        )
    for peer in set(results) & {"scikit-learn", "liblinear"} if "ours" in results else ():
        above = (first["ours"] / first[peer] - 1).max()
        ratio = median[peer] / median["ours"]
        print(f"\n{ratio:.1f} times as fast as {peer}; nowhere more than {above:.1e} above it")


def growth() -> None:
    """How seconds and evaluations grow, one size at a time."""
    from penultimate.solvers import softmax_path

    base = {"n": 2000, "d": 256, "k": 20, "p": 45}
    print("| | n | D | K | P | s | evaluations |\n|---|---|---|---|---|---|---|")
    for name, values in {
        "n": (1000, 2000, 4000, 8000),
        "d": (128, 256, 512, 1024),
        "k": (10, 20, 40, 80),
        "p": (12, 23, 45, 90),
    }.items():
        for value in values:
            size = base | {name: value}
            data = synthetic(size["n"], size["d"], size["k"], n_val=1)
            grid = np.logspace(-6, 5, size["p"])
            began = time.perf_counter()
            path = softmax_path(data["X"], data["y"], size["k"], grid)
            seconds = time.perf_counter() - began
            sizes = " | ".join(str(size[s]) for s in "ndkp")
            print(f"| {name} | {sizes} | {seconds:.2f} | {path.evaluations} |", flush=True)


def main() -> None:
    """Parse and do."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["run", "svm", "growth", "measure"])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--solvers", nargs="*", default=[], choices=sorted({*SOLVERS, *HINGE}))
    parser.add_argument("--runs", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.what == "growth":
        growth()
    elif arguments.what == "measure":
        loss, solver, data, out = arguments.names
        measure(loss, solver, Path(data), Path(out))
    else:
        loss = "hinge" if arguments.what == "svm" else "softmax"
        for name in arguments.names:
            run(name, loss, arguments.solvers, arguments.runs)


if __name__ == "__main__":
    main()
