"""The path solver against its peers: seconds, and how good the answers are.

    python benchmarks/solver.py run digits wide                 under a minute on two cores
    python benchmarks/solver.py run features --features DIR     DIR/features.npy, DIR/labels.npy
    python benchmarks/solver.py run synthetic                   10,000 x 2,048 x 100: many minutes
    python benchmarks/solver.py reference synthetic             float64 minima, hours; run it once
    python benchmarks/solver.py growth                          cost in n, D, K and P

Each solver runs in a process of its own on the same float32 features and 45 values of l2 from
1e-6 to 1e5, largest first where it is warm-started by hand. Objectives are computed anew from the
coefficients in float64, and every gap is relative to the reference where there is one (six values
of l2), else to the best of all solvers at that value. The peers:

- ``scikit-learn``: LogisticRegression(warm_start=True, max_iter=1000), default tolerance.
- ``scipy``: L-BFGS-B on the objective in float64, warm-started, default tolerance.
- ``torch``: torch.optim.LBFGS with strong Wolfe line search in float32, warm-started, 1000
  iterations at most, default tolerance.

On a machine that others use too, two threads wait for each other far longer than they work: compare
with OMP_NUM_THREADS=1, and look at CPU seconds.

liblinear solves classes one against the rest, which is another objective: it does not appear.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

GRID = np.logspace(-6, 5, 45)
REFERENCE_AT = np.array([1e-6, 1e-4, 1e-2, 1.0, 1e2, 1e5])
REFERENCES = Path(__file__).parent / "results" / "solver-references.json"

Arrays = dict[str, np.ndarray]


def synthetic(n: int, d: int, k: int, *, seed: int = 0, n_val: int = 2000) -> Arrays:
    """Class means plus noise of spectrum i^-0.5, rectified, 10 % of the labels changed."""
    rng = np.random.default_rng(seed)
    size = np.arange(1, d + 1) ** -0.5
    means = rng.normal(size=(k, d)) * size
    rotation = np.linalg.qr(rng.normal(size=(d, d)))[0]
    y = rng.integers(0, k, n + n_val)
    X = np.maximum((means[y] + rng.normal(size=(n + n_val, d)) * size) @ rotation, 0)
    changed = rng.random(n + n_val) < 0.1
    y = np.where(changed, rng.integers(0, k, n + n_val), y)
    X = X.astype(np.float32)
    return {"X": X[:n], "y": y[:n], "X_val": X[n:], "y_val": y[n:]}


def divided(X: np.ndarray, y: np.ndarray) -> Arrays:
    """60 % to train and 20 % to validate on, by a permutation with seed 0."""
    order = np.random.default_rng(0).permutation(len(y))
    a, b = round(0.6 * len(y)), round(0.8 * len(y))
    train, val = order[:a], order[a:b]
    X = X.astype(np.float32)
    return {"X": X[train], "y": y[train], "X_val": X[val], "y_val": y[val]}


def problem(name: str, folder: Path | None) -> Arrays:
    """One of the problems, by name."""
    if name == "digits":
        from sklearn.datasets import load_digits

        X, y = load_digits(return_X_y=True)
        return divided(X / 16, y)
    if name == "features":
        if folder is None:
            raise SystemExit("features need --features DIR with features.npy and labels.npy")
        return divided(np.load(folder / "features.npy"), np.load(folder / "labels.npy"))
    shapes = {"wide": (400, 1024, 20), "middle": (3000, 512, 50), "synthetic": (10_000, 2048, 100)}
    return synthetic(*shapes[name])


def ours(X: np.ndarray, y: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, int]:
    """This package."""
    from penultimate.solvers import softmax_path

    path = softmax_path(X, y, k, GRID)
    return path.coef, path.intercept, path.evaluations


def scikit_learn(X: np.ndarray, y: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, int]:
    """The loop that everybody writes. It counts iterations; its evaluations are a few more."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(warm_start=True, max_iter=1000)
    coef, intercept, iterations = [], [], 0
    for l2 in GRID[::-1]:
        model.C = 1 / l2
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(X, y)
        coef.append(model.coef_.copy())
        intercept.append(model.intercept_.copy())
        iterations += int(model.n_iter_[0])
    return np.stack(coef[::-1]), np.stack(intercept[::-1]), iterations


def scipy_lbfgs(X: np.ndarray, y: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, int]:
    """SciPy's L-BFGS-B, warm-started, float64."""
    from scipy.optimize import minimize

    X = X.astype(np.float64)
    theta, evaluations = np.zeros(k * (X.shape[1] + 1)), 0
    coef, intercept = [], []
    for l2 in GRID[::-1]:
        fun = _Textbook(X, y, k, l2)
        result = minimize(
            fun, theta, jac=True, method="L-BFGS-B", options={"maxiter": 1000, "maxfun": 5000}
        )
        theta, evaluations = result.x, evaluations + result.nfev
        coef.append(theta[:-k].reshape(k, -1))
        intercept.append(theta[-k:])
    return np.stack(coef[::-1]), np.stack(intercept[::-1]), evaluations


def torch_lbfgs(X: np.ndarray, y: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, int]:
    """torch.optim.LBFGS, warm-started, float32."""
    import torch

    features, labels = torch.from_numpy(X), torch.from_numpy(y)
    W = torch.zeros(k, X.shape[1], requires_grad=True)
    b = torch.zeros(k, requires_grad=True)
    evaluations = 0
    coef, intercept = [], []
    for l2 in GRID[::-1].tolist():
        optimizer = torch.optim.LBFGS([W, b], max_iter=1000, line_search_fn="strong_wolfe")

        def closure(optimizer: torch.optim.LBFGS = optimizer, l2: float = l2) -> torch.Tensor:
            nonlocal evaluations
            evaluations += 1
            optimizer.zero_grad()
            logits = torch.nn.functional.linear(features, W, b)
            value = torch.nn.functional.cross_entropy(logits, labels, reduction="sum")
            value = value + l2 / 2 * W.square().sum()
            value.backward()
            return value

        optimizer.step(closure)
        coef.append(W.detach().numpy().copy())
        intercept.append(b.detach().numpy().copy())
    return np.stack(coef[::-1]), np.stack(intercept[::-1]), evaluations


Solver = Callable[[np.ndarray, np.ndarray, int], tuple[np.ndarray, np.ndarray, int]]
SOLVERS: dict[str, Solver] = {
    "ours": ours,
    "scikit-learn": scikit_learn,
    "scipy": scipy_lbfgs,
    "torch": torch_lbfgs,
}


class _Textbook:
    """The objective and its gradient by the flat (W, b), with exact small losses."""

    def __init__(self, X: np.ndarray, y: np.ndarray, k: int, l2: float) -> None:
        self.X, self.y, self.k, self.l2 = X, y, k, l2
        self.rows = np.arange(len(y))

    def __call__(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        W, b = theta[: -self.k].reshape(self.k, -1), theta[-self.k :]
        margins = self.X @ W.T + b
        margins -= margins[self.rows, self.y][:, None]
        margins[self.rows, self.y] = -np.inf
        top = np.maximum(margins.max(axis=1, keepdims=True), 0)
        r = np.exp(margins - top)
        others, label = r.sum(axis=1, keepdims=True), np.exp(-top)
        value = float((top + np.log1p(others + np.expm1(-top))).sum())
        r /= others + label
        r[self.rows, self.y] = -r.sum(axis=1)
        gradient = np.concatenate([(r.T @ self.X + self.l2 * W).ravel(), r.sum(axis=0)])
        return value + self.l2 / 2 * float((W**2).sum()), gradient


def objectives(data: Arrays, coef: np.ndarray, intercept: np.ndarray) -> np.ndarray:
    """The objective of every point in float64, (P,)."""
    X, y = data["X"].astype(np.float64), data["y"]
    k = coef.shape[1]
    return np.array(
        [
            _Textbook(X, y, k, l2)(np.concatenate([W.ravel(), b]).astype(np.float64))[0]
            for W, b, l2 in zip(coef, intercept, GRID, strict=True)
        ]
    )


def measure(solver: str, data: Path, out: Path) -> None:
    """Run one solver in this process and write what came of it."""
    arrays = dict(np.load(data))
    k = int(arrays["y"].max()) + 1
    import torch  # the price of importing is not the solver's

    torch.zeros(2, 2) @ torch.zeros(2, 2)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began, began_cpu = time.perf_counter(), time.process_time()
    coef, intercept, evaluations = SOLVERS[solver](arrays["X"], arrays["y"], k)
    seconds, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    right = [
        int(((arrays["X_val"] @ W.T + b).argmax(axis=1) == arrays["y_val"]).sum())
        for W, b in zip(coef, intercept, strict=True)
    ]
    out.write_text(
        json.dumps(
            {
                "seconds": seconds,
                "cpu": cpu,
                "evaluations": evaluations,
                "peak_mib": peak / 1024,
                "accuracy": max(right) / len(arrays["y_val"]),
                "objectives": objectives(arrays, coef, intercept).tolist(),
            }
        )
    )


def run(names: list[str], solvers: list[str], folder: Path | None) -> None:
    """Every solver on every problem; a table of each."""
    references = json.loads(REFERENCES.read_text()) if REFERENCES.exists() else {}
    for name in names:
        data = problem(name, folder)
        n, d = data["X"].shape
        k = int(data["y"].max()) + 1
        results = {}
        with tempfile.TemporaryDirectory() as place:
            np.savez(Path(place) / "data.npz", **data)
            for solver in solvers:
                out = Path(place) / "out.json"
                command = [sys.executable, __file__, "measure", solver]
                subprocess.run([*command, Path(place) / "data.npz", out], check=True)
                results[solver] = json.loads(out.read_text())
        best = np.min([r["objectives"] for r in results.values()], axis=0)
        known = np.array([references.get(name, {}).get(f"{v:g}", np.inf) for v in GRID])
        floor = np.where(np.isfinite(known), known, best)
        print(f"\n{name}: {n:,} x {d:,} x {k}, 45 values of l2")
        print(
            "| solver | s | CPU s | evaluations | largest gap | median gap | accuracy | peak MiB |"
        )
        print("|---|---|---|---|---|---|---|---|")
        for solver, r in results.items():
            gap = np.array(r["objectives"]) / floor - 1
            print(
                f"| {solver} | {r['seconds']:.2f} | {r['cpu']:.2f} | {r['evaluations']} "
                f"| {gap.max():.1e} | {np.median(gap):.1e} | {r['accuracy']:.4f} "
                f"| {r['peak_mib']:.0f} |",
                flush=True,
            )
        if "scikit-learn" in results and "ours" in results:
            ratio = results["scikit-learn"]["seconds"] / results["ours"]["seconds"]
            above = np.array(results["ours"]["objectives"])
            above = above / np.array(results["scikit-learn"]["objectives"]) - 1
            print(f"\n{ratio:.0f} times scikit-learn; nowhere more than {above.max():.1e} above it")


def reference(names: list[str], folder: Path | None) -> None:
    """The float64 minimum at six values by SciPy's L-BFGS-B, certified by strong convexity."""
    from scipy.optimize import minimize

    found = json.loads(REFERENCES.read_text()) if REFERENCES.exists() else {}
    for name in names:
        data = problem(name, folder)
        X, y = data["X"].astype(np.float64), data["y"]
        k = int(y.max()) + 1
        theta = np.zeros(k * (X.shape[1] + 1))
        for l2 in REFERENCE_AT[::-1]:
            fun = _Textbook(X, y, k, l2)
            for _ in range(20):
                options = {"maxiter": 20_000, "maxfun": 40_000, "ftol": 0, "gtol": 0, "maxcor": 50}
                theta = minimize(fun, theta, jac=True, method="L-BFGS-B", options=options).x
                value, gradient = fun(theta)
                gap = float((gradient[:-k] ** 2).sum()) / (2 * l2) / value
                if gap < 1e-6:
                    break
            found.setdefault(name, {})[f"{l2:g}"] = value
            print(f"{name} l2 {l2:g}: {value:.10g}, within {gap:.1e}", flush=True)
            REFERENCES.parent.mkdir(exist_ok=True)
            REFERENCES.write_text(json.dumps(found, indent=1) + "\n")


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
    parser.add_argument("what", choices=["run", "reference", "growth", "measure"])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--features", type=Path)
    parser.add_argument("--solvers", nargs="*", default=list(SOLVERS), choices=list(SOLVERS))
    arguments = parser.parse_args()
    todo: dict[str, Callable[[], Any]] = {
        "run": lambda: run(arguments.names, arguments.solvers, arguments.features),
        "reference": lambda: reference(arguments.names, arguments.features),
        "growth": growth,
        "measure": lambda: measure(arguments.names[0], *map(Path, arguments.names[1:])),
    }
    todo[arguments.what]()


if __name__ == "__main__":
    main()
