"""The probe of several labels an image: independent of each other, masked, selected by mAP."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from penultimate.errors import SolverError
from penultimate.methods import Labelled, Probe, fit, load_probe, save_probe, select
from penultimate.metrics import mean_average_precision
from penultimate.spec import LinearProbe

CLASSES = ("a", "b", "c")
SEVERAL = "mean-average-precision"
GRID = LinearProbe(l2_min=1e-2, l2_max=1e3, l2_points=6)


def part(n: int, seed: int, *, d: int = 6, masked: float = 0.1) -> Labelled:
    """Labels of three independent directions, with noise, and a tenth of the pairs masked."""
    directions = np.random.default_rng(0).normal(size=(3, d))
    random = np.random.default_rng(seed)
    features = random.normal(size=(n, d)).astype(np.float32)
    labels = (features @ directions.T + random.normal(size=(n, 3)) > 0.5).astype(np.int8)
    labels[random.random((n, 3)) < masked] = -1
    return Labelled(features, labels)


def test_each_class_is_scikit_learn_s_binary_regression_on_what_is_not_masked() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    examples, test = part(120, 1), part(50, 2)
    probe = fit(LinearProbe(), examples, CLASSES, 3.0).probe
    assert probe.multi_label
    for k in range(3):
        asked = examples.labels[:, k] >= 0
        theirs = linear_model.LogisticRegression(C=1 / 3.0, tol=1e-10, max_iter=10_000)
        theirs.fit(examples.features[asked].astype(np.float64), examples.labels[asked, k])
        p = theirs.predict_proba(test.features.astype(np.float64))
        found = probe.log_probabilities(test.features)[:, k]
        np.testing.assert_allclose(np.exp(found), p[:, 1], atol=2e-3)


def test_a_masked_pair_does_not_change_the_fit_whatever_it_would_have_been() -> None:
    examples = part(80, 1)
    row = int(np.flatnonzero(examples.labels[:, 1] == 1)[0])
    masked = examples.labels.copy()
    masked[row, 1] = -1
    fits = {}
    for value in (-1, 0, 1):
        labels = masked.copy()
        labels[row, 1] = value
        fits[value] = fit(LinearProbe(), Labelled(examples.features, labels), CLASSES, 1.0).probe
    assert np.abs(fits[-1].coef[1] - fits[0].coef[1]).max() > 1e-3
    assert np.abs(fits[-1].coef[1] - fits[1].coef[1]).max() > 1e-4
    for k in (0, 2):
        np.testing.assert_allclose(fits[0].coef[k], fits[1].coef[k], atol=5e-3)


def test_selection_is_by_map_then_loss_then_strength() -> None:
    train, validation = part(60, 1), part(40, 2)
    selection = select(GRID, train, validation, CLASSES, measure=SEVERAL)
    for point, l2 in enumerate(GRID.grid()):
        probe = fit(GRID, train, CLASSES, l2).probe
        scores = probe.scores(validation.features)
        assert selection.scores[point] == pytest.approx(
            mean_average_precision(validation.labels, scores), abs=0.02
        )
        p = 1 / (1 + np.exp(-scores))
        loss = -np.log(np.where(validation.labels == 1, p, 1 - p))[validation.labels >= 0].mean()
        assert selection.losses[point] == pytest.approx(loss, rel=1e-3)
    order = sorted(
        range(6),
        key=lambda i: (-selection.scores[i], selection.losses[i], -selection.path.l2[i]),
    )
    assert selection.chosen == order[0]


def test_of_equal_scores_the_lower_loss_is_chosen() -> None:
    """Without a positive in validation every score is undefined, and the loss decides."""
    train, validation = part(60, 1), part(40, 2)
    nothing = Labelled(validation.features, np.minimum(validation.labels, 0))
    selection = select(GRID, train, nothing, CLASSES, measure=SEVERAL)
    assert np.isnan(selection.scores).all()
    assert selection.chosen == selection.losses.argmin()


def test_classes_with_one_label_or_none_that_counts() -> None:
    """Never there: p = 0. Always there: p = 1. All masked: as if never seen, and no NaN."""
    examples = part(60, 1)
    labels = np.concatenate([examples.labels, np.tile(np.int8([0, 1, -1]), (60, 1))], axis=1)
    classes = (*CLASSES, "never", "always", "masked")
    probe = fit(LinearProbe(), Labelled(examples.features, labels), classes, 1.0).probe
    scores = probe.scores(part(10, 3).features)
    assert np.isneginf(scores[:, [3, 5]]).all()
    assert np.isposinf(scores[:, 4]).all()
    p = np.exp(probe.log_probabilities(part(10, 3).features))
    assert (p[:, 3:] == [0, 1, 0]).all()
    assert np.isfinite(p).all()


def test_nothing_that_differs_is_refused() -> None:
    examples = part(20, 1)
    with pytest.raises(SolverError, match="both with and without"):
        fit(LinearProbe(), Labelled(examples.features, np.ones((20, 3), np.int8)), CLASSES, 1.0)


def test_the_final_fit_learns_from_both_parts() -> None:
    train, validation = part(60, 1), part(30, 2)
    both = train + validation
    assert both.labels.shape == (90, 3)
    fitted, alone = (fit(LinearProbe(), p, CLASSES, 1.0).probe.coef for p in (both, train))
    assert np.abs(fitted - alone).max() > 0.01


def test_scores_tell_apart_what_probabilities_cannot() -> None:
    probe = Probe(np.array([[100.0]]), np.zeros(1), ("a",), multi_label=True)
    features = np.array([[8.0], [9.0], [-8.0]])
    assert (np.exp(probe.log_probabilities(features))[:2] == 1).all()
    assert probe.scores(features).ravel().tolist() == [800, 900, -800]
    np.testing.assert_allclose(probe.log_probabilities(features)[2], -800)


def test_a_probe_of_several_labels_comes_back_as_one(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for multi_label in (True, False):
        probe = Probe(random.normal(size=(3, 5)), random.normal(size=3), CLASSES, multi_label)
        probe.intercept[1] = -math.inf
        save_probe(probe, tmp_path / "probe.safetensors")
        again = load_probe(tmp_path / "probe.safetensors")
        assert again.multi_label is multi_label
        features = random.normal(size=(7, 5))
        np.testing.assert_array_equal(
            again.log_probabilities(features), probe.log_probabilities(features)
        )
        sums = np.exp(again.log_probabilities(features)).sum(axis=1)
        assert np.allclose(sums, 1) is not multi_label


def test_a_probe_kept_before_there_were_several_labels_is_of_one(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    tensors = {"coef": np.zeros((2, 4)), "intercept": np.zeros(2)}
    save_file(tensors, tmp_path / "old.safetensors", metadata={"classes": '["x", "y"]'})
    assert load_probe(tmp_path / "old.safetensors").multi_label is False
