"""The path as scikit-learn estimators.

Both minimise ``sum_i w_i CE_i + (l2 / 2) ||W||_F^2`` over softmax probabilities of K classes, the
intercept free, with K = 2 no exception: there the difference of the two rows of W is what
scikit-learn's LogisticRegression calls ``coef_``, and its C is ``2 / l2``; for K > 2 it is
``1 / l2``.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from penultimate.errors import SolverError
from penultimate.solvers.path import softmax_path
from penultimate.solvers.result import Floats, Path

FLOATS = [np.float64, np.float32]
SCORES_AT_ONCE = 2**23  # numbers, 64 MiB


class _Linear(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """What both estimators do once there are coefficients for each class."""

    classes_: NDArray[Any]
    coef_: Floats
    intercept_: Floats

    def decision_function(self, X: Any) -> Floats:
        """Scores (n, K); for two classes (n,), positive for the second."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=FLOATS)
        scores: Floats = X @ self.coef_.T + self.intercept_
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class of each row, (n,)."""
        scores = self.decision_function(X)
        best = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)
        predicted: NDArray[Any] = self.classes_[best]
        return predicted

    def predict_proba(self, X: Any) -> Floats:
        """Probabilities (n, K)."""
        log_p = self.predict_log_proba(X)
        return np.exp(log_p)

    def predict_log_proba(self, X: Any) -> Floats:
        """Logarithms of the probabilities, (n, K)."""
        scores = self.decision_function(X)
        if scores.ndim == 1:
            scores = np.stack([np.zeros_like(scores), scores], axis=1)
        scores = scores - scores.max(axis=1, keepdims=True)
        answer: Floats = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        return answer

    def _begin(self, X: Any, y: Any) -> tuple[Any, NDArray[np.int64]]:
        """Checked features and class numbers; sets ``classes_``."""
        X, y = validate_data(self, X, y, dtype=FLOATS)
        check_classification_targets(y)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        _check_two(self.classes_)
        return X, numbers

    def _take(self, coef: Floats, intercept: Floats) -> None:
        """Set ``coef_`` and ``intercept_`` as scikit-learn shapes them."""
        if len(self.classes_) == 2:
            coef, intercept = coef[1:] - coef[:1], intercept[1:] - intercept[:1]
        self.coef_, self.intercept_ = coef, intercept


class LogisticRegression(_Linear):
    """Multinomial logistic regression at one value of ``l2``, solved to a stated tolerance.

    Parameters
    ----------
    l2 : the penalty on half the squared norm of the coefficients, against the **sum** of losses.
    tolerance : how far above its minimum, relative, the objective may end.
    max_evaluations : how many passes forth and back over the features it may take.

    Attributes
    ----------
    classes_ : (K,); coef_ : (K, D) and intercept_ : (K,), or for two classes (1, D) and (1,).
    path_ : the solver's `Path` of one value, with what is known of the solution.
    status_ : its sentence. A ConvergenceWarning repeats it where the tolerance was not met.
    """

    def __init__(
        self, l2: float = 1.0, *, tolerance: float = 1e-4, max_evaluations: int = 1000
    ) -> None:
        self.l2 = l2
        self.tolerance = tolerance
        self.max_evaluations = max_evaluations

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit to features ``X (n, D)`` and labels ``y (n,)`` of any kind."""
        X, numbers = self._begin(X, y)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
            _check_two(self.classes_[np.unique(numbers[sample_weight > 0])])
        self.path_ = softmax_path(
            X,
            numbers,
            len(self.classes_),
            [self.l2],
            sample_weight=sample_weight,
            tolerance=self.tolerance,
            max_evaluations=self.max_evaluations,
        )
        self.status_ = self.path_.status[0]
        _warn(self.path_)
        self._take(self.path_.coef[0], self.path_.intercept[0])
        return self


class LogisticRegressionPath(_Linear):
    """Multinomial logistic regression over a grid of ``l2``, the best chosen by accuracy.

    Parameters
    ----------
    l2 : (P,) the grid, in any order; None for 45 values from 1e-6 to 1e5, evenly in logarithm.
    cv : the number of folds, stratified and seeded, where `fit` gets no validation set.
    random_state : the seed of the folds.
    tolerance, max_evaluations : as for `LogisticRegression`, for each value.

    Attributes
    ----------
    l2_ : (P,) the grid in the caller's order.
    coef_path_ : (P, K, D), intercept_path_ : (P, K), objective_path_ : (P,), status_path_ : P
        sentences, all of the fit to the whole of ``X``.
    validation_scores_ : (P,) the accuracies that the choice was made by.
    l2_best_ : the value of the best accuracy, the largest among equals; `predict` uses it.
    coef_, intercept_, classes_ : as of `LogisticRegression`, at ``l2_best_``.
    """

    def __init__(
        self,
        l2: Sequence[float] | Floats | None = None,
        *,
        cv: int = 5,
        random_state: int = 0,
        tolerance: float = 1e-4,
        max_evaluations: int = 1000,
    ) -> None:
        self.l2 = l2
        self.cv = cv
        self.random_state = random_state
        self.tolerance = tolerance
        self.max_evaluations = max_evaluations

    def fit(self, X: Any, y: Any, X_val: Any = None, y_val: Any = None) -> Self:
        """Fit to ``X (n, D)``, ``y (n,)``; choose on ``X_val``, ``y_val``, or by folds of X."""
        X, numbers = self._begin(X, y)
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val belong together; pass both or neither")
        self.l2_ = np.logspace(-6, 5, 45) if self.l2 is None else np.asarray(self.l2, float)
        path = self._solve(X, numbers)
        _warn(path)
        self.coef_path_, self.intercept_path_ = path.coef, path.intercept
        self.objective_path_, self.status_path_ = path.objective, path.status
        if X_val is None:
            self.validation_scores_ = self._cross_validate(X, numbers)
        else:
            self.validation_scores_ = self.score_path(X_val, y_val)
        # NaN, where no fold had two classes to learn from, counts as the lowest.
        scores = np.nan_to_num(self.validation_scores_, nan=-1.0)
        best = max(range(len(self.l2_)), key=lambda i: (scores[i], self.l2_[i]))
        self.l2_best_ = float(self.l2_[best])
        self._take(path.coef[best], path.intercept[best])
        return self

    def score_path(self, X: Any, y: Any) -> Floats:
        """The accuracy of every point of the path on ``X (n, D)``, ``y (n,)``: (P,)."""
        check_is_fitted(self, "coef_path_")
        X = validate_data(self, X, reset=False, dtype=FLOATS)
        predicted = _predict_path(X, self.coef_path_, self.intercept_path_)
        scores: Floats = (self.classes_[predicted] == np.asarray(y)).mean(axis=1)
        return scores

    def _solve(self, X: Any, numbers: NDArray[np.int64]) -> Path:
        return softmax_path(
            X,
            numbers,
            len(self.classes_),
            self.l2_,
            tolerance=self.tolerance,
            max_evaluations=self.max_evaluations,
        )

    def _cross_validate(self, X: Any, numbers: NDArray[np.int64]) -> Floats:
        """The accuracy (P,) on examples held out in turn; NaN where nothing could be learned."""
        fold = _folds(numbers, self.cv, self.random_state)
        right, seen = np.zeros(len(self.l2_)), 0
        for k in np.unique(fold):
            train, test = fold != k, fold == k
            if len(np.unique(numbers[train])) < 2:
                continue
            path = self._solve(X[train], numbers[train])
            predicted = _predict_path(X[test], path.coef, path.intercept)
            right += (predicted == numbers[test]).sum(axis=1)
            seen += int(test.sum())
        return right / seen if seen else np.full(len(self.l2_), np.nan)


def _check_two(classes: NDArray[Any]) -> None:
    """A ValueError, as scikit-learn has it, where there is nothing to tell apart."""
    if len(classes) < 2:
        raise ValueError(f"y has 1 class only, {classes[0]}; a classifier needs at least 2")


def _predict_path(X: Any, coef: Floats, intercept: Floats) -> NDArray[np.int64]:
    """The class number of every row at every point, (P, n); scores a few rows at a time."""
    p, k, d = coef.shape
    flat = coef.reshape(p * k, d).T
    best = np.empty((p, len(X)), dtype=np.int64)
    step = max(1, SCORES_AT_ONCE // (p * k))
    for start in range(0, len(X), step):
        rows = slice(start, start + step)
        scores = (X[rows] @ flat).reshape(-1, p, k) + intercept
        best[:, rows] = scores.argmax(axis=2).T
    return best


def _folds(numbers: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """A fold for each example: classes spread evenly, one after the other, in random order."""
    if count < 2:
        raise SolverError(f"cv is {count}; cross-validation needs at least 2 folds")
    order = np.random.default_rng(seed).permutation(len(numbers))
    order = order[np.argsort(numbers[order], kind="stable")]
    fold = np.empty(len(numbers), dtype=np.int64)
    fold[order] = np.arange(len(numbers)) % count
    return fold


def _warn(path: Path) -> None:
    """A ConvergenceWarning that names the first value of l2 that fell short, and the remedy."""
    short = np.flatnonzero(~path.converged)
    if len(short):
        first = short[0]
        warnings.warn(
            f"{len(short)} of {len(path.l2)} values of l2, the first {path.l2[first]:g}: "
            f"{path.status[first]}",
            ConvergenceWarning,
            stacklevel=3,
        )
