"""Which classes a network gets right, and which it takes for which.

Predictions are the frames of ``ResultStore.predictions``: with one label an image, ``label`` and
``predicted``; with several, ``label:CLASS`` and ``log_odds:CLASS`` for each class.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from penultimate.metrics import average_precisions
from penultimate.stats.decisions import LABEL, LOG_ODDS
from penultimate.stats.wilson import wilson_interval


def class_accuracy(
    predictions: pd.DataFrame, classes: Sequence[str] | None = None, *, level: float = 0.95
) -> pd.DataFrame:
    """The share of each class's test examples that are called by its name (its recall).

    Parameters
    ----------
    predictions : ``label, predicted``, a row a test example.
    classes : in the order wanted; those found, sorted, by default.
    level : of Wilson's interval, within 0..1.

    Returns
    -------
    frame : a row a class: ``class, n, right, accuracy, ci_low, ci_high``; the last three are NaN
        where the class has no test example.

    Raises
    ------
    ValueError : a label or a prediction is not among ``classes``.
    """
    names, n, right = _counts(predictions, classes)
    accuracy = np.where(n > 0, right / np.maximum(n, 1), np.nan)
    low, high = wilson_interval(accuracy, n, level)
    return pd.DataFrame(
        {
            "class": pd.Series(names, dtype="str"),
            "n": n,
            "right": right,
            "accuracy": accuracy,
            "ci_low": low,
            "ci_high": high,
        }
    )


def mean_class_accuracy(
    runs: Sequence[pd.DataFrame], classes: Sequence[str]
) -> NDArray[np.float64]:
    """(K,) the mean over networks of ``class_accuracy``, or of ``class_precision``.

    Raises
    ------
    ValueError : there is no run, or one of these is refused.
    """
    if not runs:
        raise ValueError("there is no network whose classes could be counted")
    total = np.zeros(len(classes))
    for run in runs:
        if "label" in run:
            _, n, right = _counts(run, classes)
            total += np.where(n > 0, right / np.maximum(n, 1), np.nan)
        else:
            total += average_precisions(*decided(run, classes)[1:])
    return total / len(runs)


def _counts(
    predictions: pd.DataFrame, classes: Sequence[str] | None
) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """Names of the classes, (K,) how many examples each has, and (K,) how many are right."""
    names, labels, predicted = coded(predictions, classes)
    n = np.bincount(labels, minlength=len(names))
    return names, n, np.bincount(labels[labels == predicted], minlength=len(names))


def confusion_pairs(
    predictions: pd.DataFrame, classes: Sequence[str] | None = None
) -> pd.DataFrame:
    """The cells of the confusion matrix that are mistakes, the most frequent first.

    Parameters
    ----------
    predictions, classes : as for ``class_accuracy``.

    Returns
    -------
    frame : a row a pair that occurs: ``label, predicted``; ``count``, the examples of ``label``
        that were taken for ``predicted``; ``share``, of all examples of ``label``. Of equal counts
        the greater share comes first, then the order of the classes.

    Raises
    ------
    ValueError : a label or a prediction is not among ``classes``.
    """
    names, labels, predicted = coded(predictions, classes)
    n = np.bincount(labels, minlength=len(names))
    wrong = labels != predicted
    pairs, count = np.unique(labels[wrong] * len(names) + predicted[wrong], return_counts=True)
    label, said = np.divmod(pairs, max(1, len(names)))
    named = np.array(names, dtype=object)
    frame = pd.DataFrame(
        {
            "label": pd.Series(named[label], dtype="str"),
            "predicted": pd.Series(named[said], dtype="str"),
            "count": count,
            "share": count / n[label],
        }
    )
    return frame.sort_values(["count", "share"], ascending=False, kind="stable", ignore_index=True)


def class_precision(
    predictions: pd.DataFrame, classes: Sequence[str] | None = None
) -> pd.DataFrame:
    """The 11-point average precision of each class, where an image can have several labels.

    Parameters
    ----------
    predictions : ``label:CLASS`` (1, 0 or -1 for masked) and ``log_odds:CLASS``.
    classes : in the order wanted; those of the columns by default.

    Returns
    -------
    frame : a row a class: ``class``; ``n``, the images that have it; ``asked``, the images that
        are not masked; ``right``, the share of those whose decision p > 0.5 is right; and
        ``average_precision``. The last two are NaN where there is nothing to count.

    Raises
    ------
    ValueError : there are no columns of a class.
    """
    names, labels, log_odds = decided(predictions, classes)
    asked = labels >= 0
    right = ((log_odds > 0) == (labels == 1)) & asked
    count = asked.sum(axis=0)
    return pd.DataFrame(
        {
            "class": pd.Series(names, dtype="str"),
            "n": (labels == 1).sum(axis=0),
            "asked": count,
            "right": np.where(count > 0, right.sum(axis=0) / np.maximum(count, 1), np.nan),
            "average_precision": average_precisions(labels, log_odds),
        }
    )


def coded(
    predictions: pd.DataFrame, classes: Sequence[str] | None = None
) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """Names of the classes, and (n,) labels and (n,) predictions as places among them.

    Raises
    ------
    ValueError : a label or a prediction is not among ``classes``, or one of these is there twice.
    """
    columns = [texts_of(predictions[name]) for name in ("label", "predicted")]
    if classes is None:
        names = sorted({texts[code] for texts, codes in columns for code in np.unique(codes)})
    else:
        names = list(classes)
    place = {name: i for i, name in enumerate(names)}
    if len(place) < len(names):
        twice = next(name for i, name in enumerate(names) if place[name] != i)
        raise ValueError(f"the class {twice!r} is there twice")
    found = []
    for texts, codes in columns:
        places = np.array([place.get(text, -1) for text in texts], dtype=np.int64)
        code = places[codes]
        if (code < 0).any():
            stranger = texts[codes[code < 0][0]]
            raise ValueError(f"{stranger!r} is not one of the {len(names)} classes")
        found.append(code)
    return names, found[0], found[1]


def decided(
    predictions: pd.DataFrame, classes: Sequence[str] | None = None
) -> tuple[list[str], NDArray[np.int8], NDArray[np.float64]]:
    """Names of the classes, and (n, K) labels and log odds, where an image can have several.

    Raises
    ------
    ValueError : there are no columns of a class.
    """
    found = [name.removeprefix(LABEL) for name in map(str, predictions) if name.startswith(LABEL)]
    names = found if classes is None else list(classes)
    if not names:
        raise ValueError("the predictions have no column of a class")
    for name in names:
        for column in (LABEL + name, LOG_ODDS + name):
            if column not in predictions:
                raise ValueError(f"the predictions have no column {column!r}")
    labels = predictions[[LABEL + name for name in names]].to_numpy(dtype=np.int8)
    log_odds = predictions[[LOG_ODDS + name for name in names]].to_numpy(dtype=np.float64)
    return names, labels, log_odds


def texts_of(values: pd.Series) -> tuple[list[str], NDArray[np.int64]]:
    """Classes, which come as names, as numbers or as categories of them, as text.

    Returns
    -------
    texts, codes : different texts, the last of which stands for what is missing, and the place of
        each value among them.
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        codes, different = values.cat.codes.to_numpy(dtype=np.int64), values.cat.categories
    else:
        codes, different = pd.factorize(values)
    return [*map(str, different.tolist()), "nan"], codes.astype(np.int64)
