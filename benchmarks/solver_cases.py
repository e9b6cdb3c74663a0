"""The problems that the solver is measured on: features, labels and a part to validate on."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

GRID = np.logspace(-6, 5, 45)

Arrays = dict[str, np.ndarray]


def problem(name: str) -> Arrays:
    """One of the problems, by name: X, y, X_val, y_val; features in float32.

    ``digits``, ``odd-digits`` (two classes), ``features`` (real ones, see below), ``wide`` (fewer
    examples than features), ``middle`` and ``synthetic`` (large, see `synthetic`).
    """
    if name.endswith("digits"):
        from sklearn.datasets import load_digits

        X, y = load_digits(return_X_y=True)
        return _divided(X / 16, y % 2 if name == "odd-digits" else y, 0.6)
    if name == "features":
        return _divided(*_network_features(), 0.8)
    shapes = {"wide": (400, 1024, 20), "middle": (3000, 512, 50), "synthetic": (10_000, 2048, 100)}
    if name not in shapes:
        raise SystemExit(f"there is no problem {name!r}: choose one of {', '.join(PROBLEMS)}")
    return synthetic(*shapes[name])


PROBLEMS = ("digits", "odd-digits", "features", "wide", "middle", "synthetic")


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


def _divided(X: np.ndarray, y: np.ndarray, share: float) -> Arrays:
    """A share to train on and 20 % to validate on, by a permutation with seed 0."""
    order = np.random.default_rng(0).permutation(len(y))
    a, b = round(share * len(y)), round((share + 0.2) * len(y))
    train, val = order[:a], order[a:b]
    X = X.astype(np.float32)
    return {"X": X[train], "y": y[train], "X_val": X[val], "y_val": y[val]}


def _network_features() -> tuple[np.ndarray, np.ndarray]:
    """EfficientNet-Lite 0's 1,280 features of 3,347 pictures in 72 classes, and their labels.

    The built-in tasks ``digits`` and ``glyphs`` together; kept in the folder for temporary files,
    since making them takes two minutes.
    """
    kept = Path(tempfile.gettempdir()) / "penultimate-solver-features.npz"
    if not kept.is_file():
        from penultimate.backbones import resolve
        from penultimate.data import load_dataset
        from penultimate.features import Extractor
        from penultimate.spec import Backbone, Task

        backbone = resolve(Backbone(name="tf_efficientnet_lite0@package"))
        X, y = [], []
        with tempfile.TemporaryDirectory() as folder:
            for source in ("digits", "glyphs"):
                data = load_dataset(Task(source=source))
                features = Extractor(backbone, Path(folder), images=len(data)).extract(data)
                X.append(features.take(np.arange(len(data))))
                y.append(data.labels + sum(len(np.unique(labels)) for labels in y))
        np.savez(kept, X=np.concatenate(X), y=np.concatenate(y))
    with np.load(kept) as arrays:
        return arrays["X"], arrays["y"]
