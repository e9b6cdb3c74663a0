"""The estimators keep scikit-learn's conventions, by its own checks, and their own promises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression as Peer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from solver_problems import blobs

from penultimate.errors import SolverError
from penultimate.solvers import softmax_path
from penultimate.solvers.estimators import LogisticRegression, LogisticRegressionPath


@parametrize_with_checks([LogisticRegression(), LogisticRegressionPath(l2=[1e-2, 1.0, 1e2])])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_scikit_learns_own_checks(estimator: Any, check: Any) -> None:
    check(estimator)


def test_three_classes_are_scikit_learns() -> None:
    X, y = blobs(80, 6, 3)
    ours = LogisticRegression(l2=0.5).fit(X, y)
    peer = Peer(C=2.0, solver="newton-cg", tol=1e-12, max_iter=1000).fit(X, y)
    np.testing.assert_allclose(ours.coef_, peer.coef_, atol=1e-5)
    np.testing.assert_allclose(ours.predict_proba(X), peer.predict_proba(X), atol=1e-5)


def test_two_classes_are_scikit_learns_at_twice_the_c() -> None:
    X, y = blobs(80, 6, 2)
    names = np.array(["no", "yes"])[y]
    ours = LogisticRegression(l2=0.5).fit(X, names)
    peer = Peer(C=4.0, solver="newton-cg", tol=1e-12, max_iter=1000).fit(X, names)
    assert ours.coef_.shape == (1, 6)
    np.testing.assert_allclose(ours.coef_, peer.coef_, atol=1e-5)
    np.testing.assert_allclose(ours.predict_proba(X), peer.predict_proba(X), atol=1e-5)
    np.testing.assert_array_equal(ours.predict(X), peer.predict(X))


def test_path_chooses_on_the_validation_set_that_it_is_given() -> None:
    X, y = blobs(200, 10, 4, noise=0.3)
    grid = [1.0, 1e-4, 1e4, 1e2]
    path = LogisticRegressionPath(l2=grid).fit(X[:120], y[:120], X_val=X[120:], y_val=y[120:])
    plain = softmax_path(X[:120], y[:120], 4, grid)
    np.testing.assert_array_equal(path.l2_, grid)
    np.testing.assert_array_equal(path.coef_path_, plain.coef)
    np.testing.assert_array_equal(path.intercept_path_, plain.intercept)
    np.testing.assert_array_equal(path.objective_path_, plain.objective)
    assert path.status_path_ == plain.status
    scores = path.score_path(X[120:], y[120:])
    np.testing.assert_array_equal(path.validation_scores_, scores)
    assert path.l2_best_ == max(np.array(grid)[scores == scores.max()])
    best = grid.index(path.l2_best_)
    single = (X[120:] @ plain.coef[best].T + plain.intercept[best]).argmax(1)
    np.testing.assert_array_equal(path.predict(X[120:]), single)
    assert path.score(X[120:], y[120:]) == scores[best]


def test_path_chooses_by_folds_otherwise_and_the_same_again() -> None:
    X, y = blobs(150, 10, 4, noise=0.3)
    first, second = (LogisticRegressionPath().fit(X, y) for _ in range(2))
    assert len(first.l2_) == 45
    np.testing.assert_array_equal(first.validation_scores_, second.validation_scores_)
    assert first.validation_scores_.max() > 0.5
    assert first.l2_best_ in first.l2_


def test_path_with_too_few_examples_to_hold_any_out() -> None:
    path = LogisticRegressionPath(l2=[1.0, 10.0]).fit(np.eye(2), [0, 1])
    assert np.isnan(path.validation_scores_).all()
    assert path.l2_best_ == 10.0


def test_pipelines_and_searches() -> None:
    X, y = blobs(100, 5, 3)
    pipeline = make_pipeline(StandardScaler(), LogisticRegressionPath(l2=[0.1, 1.0]))
    pipeline.fit(X, y, logisticregressionpath__X_val=X, logisticregressionpath__y_val=y)
    assert pipeline.score(X, y) > 0.6
    search = GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression()),
        {"logisticregression__l2": [0.1, 10.0]},
    ).fit(X, y)
    assert search.best_score_ > 0.5


def test_a_solution_that_did_not_converge_warns() -> None:
    X, y = blobs(300, 300, 5, noise=0.3)
    with pytest.warns(ConvergenceWarning, match="raise max_evaluations"):
        LogisticRegression(l2=1e-5, max_evaluations=1).fit(X, y)


def test_bad_arguments() -> None:
    X, y = blobs(30, 5, 3)
    with pytest.raises(ValueError, match="belong together"):
        LogisticRegressionPath().fit(X, y, X_val=X)
    with pytest.raises(SolverError, match="at least 2 folds"):
        LogisticRegressionPath(cv=1).fit(X, y)
    with pytest.raises(SolverError, match="must be positive"):
        LogisticRegression(l2=-1.0).fit(X, y)
