"""The linear probe's laws: what selection sees, how it chooses, what is fitted and kept."""

from __future__ import annotations

import inspect
import math
from pathlib import Path

import numpy as np
import pytest

from penultimate.errors import DataError, SolverError, StoreError
from penultimate.methods import Labelled, Probe, fit, load_probe, save_probe, select
from penultimate.metrics import top_1
from penultimate.solvers import softmax_path
from penultimate.spec import LinearProbe

CLASSES = ("a", "b", "c")


def part(n: int, seed: int, *, classes: int = 3, d: int = 6, noise: float = 1.5) -> Labelled:
    """Classes whose means lie apart, the same for every seed."""
    means = 2 * np.random.default_rng(0).normal(size=(classes, d))
    random = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    features = means[labels] + noise * random.normal(size=(n, d))
    return Labelled(features.astype(np.float32), labels)


@pytest.fixture
def train() -> Labelled:
    return part(60, 1)


@pytest.fixture
def validation() -> Labelled:
    return part(30, 2)


def choose(train: Labelled, validation: Labelled, settings: LinearProbe | None = None, **more):
    settings = settings or LinearProbe(l2_min=1e-3, l2_max=1e3, l2_points=7)
    return select(settings, train, validation, CLASSES, **{"measure": "top-1", **more})


def test_the_grid_is_the_protocol_s() -> None:
    grid = LinearProbe().grid()
    assert len(grid) == 45
    assert grid[0] == pytest.approx(1e-6, rel=1e-12)
    assert grid[-1] == pytest.approx(1e5, rel=1e-12)
    steps = np.diff(np.log10(grid))
    np.testing.assert_allclose(steps, 11 / 44, rtol=1e-12)  # four values a power of ten


def test_selection_cannot_be_given_the_test_part() -> None:
    parts = [
        name
        for name, parameter in inspect.signature(select).parameters.items()
        if "Labelled" in str(parameter.annotation)
    ]
    assert parts == ["train", "validation"]


def test_selection_scores_every_value_on_validation(train: Labelled, validation: Labelled) -> None:
    settings = LinearProbe(l2_min=1e-3, l2_max=1e3, l2_points=7)
    selection = choose(train, validation, settings)
    path = softmax_path(train.features, train.labels, 3, np.array(settings.grid()))
    for point in range(7):
        logits = validation.features @ path.coef[point].T + path.intercept[point]
        p = np.exp(logits - logits.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        expected = -np.log(p[np.arange(30), validation.labels]).mean()
        assert selection.losses[point] == pytest.approx(expected, rel=1e-4)
        assert selection.scores[point] == top_1(validation.labels, logits.argmax(1))
    assert selection.scores[selection.chosen] == selection.scores.max()
    assert selection.l2 == pytest.approx(settings.grid()[selection.chosen], rel=1e-12)


def test_of_equal_scores_the_lower_loss_wins(train: Labelled) -> None:
    far = Labelled(train.features * 3, train.labels)  # so easy that most values are perfect
    selection = choose(far, far)
    perfect = np.flatnonzero(selection.scores == selection.scores.max())
    assert len(perfect) > 2
    assert selection.chosen == perfect[selection.losses[perfect].argmin()]


def test_of_equal_scores_and_losses_the_stronger_regularisation_wins(train: Labelled) -> None:
    # No value can predict a class that train has not: every loss is infinite, every score 0.
    validation = Labelled(part(9, 4).features, np.full(9, 3))
    settings = LinearProbe(l2_min=1e-3, l2_max=1e3, l2_points=7)
    selection = select(settings, train, validation, (*CLASSES, "d"), measure="top-1")
    assert np.isinf(selection.losses).all()
    assert (selection.scores == 0).all()
    assert selection.l2 == pytest.approx(1e3)


def test_the_measure_is_the_task_s(train: Labelled) -> None:
    rare = part(30, 2, noise=4)
    kept = np.flatnonzero((rare.labels != 2) | (np.arange(30) < 3))
    validation = Labelled(rare.features[kept], rare.labels[kept])
    top = choose(train, validation)
    mean = choose(train, validation, measure="mean-per-class")
    assert not np.allclose(top.scores, mean.scores)
    np.testing.assert_array_equal(top.losses, mean.losses)


def test_progress_is_told_of_every_fit(train: Labelled, validation: Labelled) -> None:
    steps: list[int] = []
    choose(train, validation, progress=steps.append)
    assert sum(steps) == 7


def test_the_final_fit_learns_from_train_and_validation(
    train: Labelled, validation: Labelled
) -> None:
    both = train + validation
    assert len(both) == 90
    np.testing.assert_array_equal(both.features[60:], validation.features)
    np.testing.assert_array_equal(both.labels[:60], train.labels)
    fitted = fit(LinearProbe(), both, CLASSES, 1.0).probe
    alone = fit(LinearProbe(), train, CLASSES, 1.0).probe
    order = np.random.default_rng(3).permutation(90)
    again = fit(LinearProbe(), Labelled(both.features[order], both.labels[order]), CLASSES, 1.0)
    assert np.abs(fitted.coef - alone.coef).max() > 0.01
    np.testing.assert_allclose(again.probe.coef, fitted.coef, atol=2e-2)


@pytest.mark.parametrize("l2", [1e-2, 1.0, 1e2])
def test_predictions_agree_with_scikit_learn_at_the_chosen_value(
    train: Labelled, validation: Labelled, l2: float
) -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    both, test = train + validation, part(200, 5)
    theirs = linear_model.LogisticRegression(C=1 / l2, tol=1e-10, max_iter=10_000)
    theirs.fit(both.features.astype(np.float64), both.labels)
    ours = fit(LinearProbe(), both, CLASSES, l2).probe.log_probabilities(test.features)
    expected = theirs.predict_proba(test.features.astype(np.float64))
    np.testing.assert_allclose(np.exp(ours), expected, atol=0.02)
    sure = np.sort(expected, axis=1)[:, -1] - np.sort(expected, axis=1)[:, -2] > 0.04
    assert sure.mean() > 0.9
    np.testing.assert_array_equal(ours.argmax(1)[sure], expected.argmax(1)[sure])


def test_a_class_only_in_test_is_never_predicted_and_counts_as_an_error(train: Labelled) -> None:
    classes = (*CLASSES, "d")
    probe = fit(LinearProbe(), train, classes, 1.0).probe
    test = part(40, 6)
    labels = np.where(np.arange(40) < 10, 3, test.labels)
    log_p = probe.log_probabilities(test.features)
    assert np.isneginf(log_p[:, 3]).all()
    np.testing.assert_allclose(np.exp(log_p).sum(1), 1, rtol=1e-12)
    without = np.mean(log_p.argmax(1)[10:] == labels[10:])
    assert top_1(labels, log_p.argmax(1)) == pytest.approx(without * 30 / 40)


def test_no_validation_example_is_refused(train: Labelled) -> None:
    empty = Labelled(train.features[:0], train.labels[:0])
    with pytest.raises(DataError, match="no validation example"):
        choose(train, empty)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_that_are_not_finite_are_refused(
    train: Labelled, validation: Labelled, value: float
) -> None:
    train.features[3, 2] = value
    with pytest.raises(SolverError):
        choose(train, validation)


def test_train_of_one_class_is_refused(validation: Labelled) -> None:
    one = Labelled(validation.features, np.zeros(30, dtype=np.int64))
    with pytest.raises(SolverError):
        choose(one, validation)


def random_probe(classes: tuple[str, ...]) -> Probe:
    random = np.random.default_rng(7)
    return Probe(random.normal(size=(len(classes), 5)), random.normal(size=len(classes)), classes)


def test_a_probe_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    probe = random_probe(("plain", "with space, and comma", 'quote "', "Grüße/日本", "\udcff"))
    probe.intercept[1] = -math.inf
    save_probe(probe, tmp_path / "probe.safetensors")
    again = load_probe(tmp_path / "probe.safetensors")
    assert again.classes == probe.classes
    np.testing.assert_array_equal(again.coef, probe.coef)
    np.testing.assert_array_equal(again.intercept, probe.intercept)


def test_probabilities_sum_to_one_however_far_the_features_lie() -> None:
    probe = random_probe(CLASSES)
    for scale in (0.0, 1.0, 1e4, 1e150):
        features = scale * np.random.default_rng(8).normal(size=(50, 5))
        log_p = probe.log_probabilities(features)
        assert (log_p <= 0).all()
        np.testing.assert_allclose(np.exp(log_p).sum(1), 1, rtol=1e-12)


@pytest.mark.parametrize("content", [None, b"", b"junk", "half"])
def test_a_damaged_probe_is_named(tmp_path: Path, content: bytes | str | None) -> None:
    path = tmp_path / "probe.safetensors"
    if content is not None:
        save_probe(random_probe(CLASSES), path)
        path.write_bytes(path.read_bytes()[:60] if content == "half" else content)
    with pytest.raises(StoreError, match=r"probe\.safetensors is not a fitted probe.*run"):
        load_probe(path)


def test_a_file_of_other_tensors_is_no_probe(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"coef": np.zeros((2, 2))}, tmp_path / "other.safetensors")
    with pytest.raises(StoreError, match="is not a fitted probe"):
        load_probe(tmp_path / "other.safetensors")


def test_the_final_fit_goes_on_from_the_selections_decomposition(train, validation) -> None:
    settings = LinearProbe(tolerance=1e-8)
    selection = select(settings, train, validation, CLASSES, measure="top-1")
    both = train + validation
    alone = fit(settings, both, CLASSES, selection.l2)
    after = fit(settings, both, CLASSES, selection.l2, after=selection)
    np.testing.assert_allclose(after.path.objective, alone.path.objective, rtol=1e-8)
    np.testing.assert_allclose(after.probe.coef, alone.probe.coef, atol=1e-4)
    with pytest.raises(ValueError, match="other examples"):
        fit(settings, train, CLASSES, selection.l2, after=selection)
