"""The images that most networks get wrong: hard ones, odd ones, and wrongly labelled ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from penultimate.stats.by_class import coded, decided

NOT = "not "  # before a class that an image has and a network does not say
OTHERS = "the networks were tested on other examples than the first"


def most_often_wrong(
    runs: Sequence[pd.DataFrame], classes: Sequence[str] | None = None
) -> pd.DataFrame:
    """The test examples that networks got wrong, those that most of them got wrong first.

    Of equally many, those come first whose true label the networks thought the least likely: the
    mean of ``p_label`` decides, then the name.

    Parameters
    ----------
    runs : the predictions of each network, of the same test examples in any order.
    classes : the names of all classes; those found by default.

    Returns
    -------
    frame : a row an example that at least one network got wrong:

        - ``example_id``, and ``label`` (its classes, joined by commas, where it can have several);
        - ``networks``, how many there are, and ``wrong``, how many of them were wrong. Where an
          image can have several labels, those that have at least one decision p > 0.5 wrong;
        - ``said``, the wrong answer that most of them gave, and ``said_by``, how many did. With
          several labels it is a class that the image does not have, or ``not CLASS``;
        - ``p_label``, the mean probability of the truth: of the label, or over all decisions.

    Raises
    ------
    ValueError : there is no run, or the runs are of other test examples or labels than the first.
    """
    if not runs:
        raise ValueError("there is no network whose mistakes could be counted")
    first = runs[0]
    aligned = [first, *(_aligned(run, first) for run in runs[1:])]
    several = "label" not in first
    found = _of_several(aligned, classes) if several else _of_one(aligned, classes)
    found.insert(0, "example_id", first["example_id"].to_numpy())
    found.insert(2, "networks", len(aligned))
    return found[found["wrong"] > 0].sort_values(
        ["wrong", "p_label", "example_id"],
        ascending=[False, True, True],
        kind="stable",
        ignore_index=True,
    )


def _aligned(run: pd.DataFrame, first: pd.DataFrame) -> pd.DataFrame:
    """The rows of ``run`` in the order of ``first``."""
    mine, ids = pd.Index(run["example_id"]), pd.Index(first["example_id"])
    if mine.equals(ids):
        return run
    places = mine.get_indexer(ids) if mine.is_unique else np.array([-1])
    if len(mine) != len(ids) or (places < 0).any():
        raise ValueError(OTHERS)
    return run.iloc[places]


def _of_one(runs: Sequence[pd.DataFrame], classes: Sequence[str] | None) -> pd.DataFrame:
    if classes is None:
        used = (run[name].astype(str).unique() for run in runs for name in ("label", "predicted"))
        classes = sorted({name for names in used for name in names})
    answers = [coded(run, classes) for run in runs]
    names, labels, _ = answers[0]
    if not all(np.array_equal(other, labels) for _, other, _ in answers):
        raise ValueError(OTHERS)
    predicted = np.stack([codes for _, _, codes in answers])  # (networks, n)
    wrong = predicted != labels
    said, said_by = _most_frequent(predicted, wrong, len(names))
    named = np.array([*names, ""], dtype=object)  # the last where nobody is wrong
    return pd.DataFrame(
        {
            "label": pd.Series(named[labels], dtype="str"),
            "wrong": wrong.sum(axis=0),
            "said": pd.Series(named[said], dtype="str"),
            "said_by": said_by,
            "p_label": np.mean([run["p_label"].to_numpy(dtype=np.float64) for run in runs], axis=0),
        }
    )


def _most_frequent(
    predicted: NDArray[np.int64], wrong: NDArray[np.bool_], classes: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(n,) the wrong class that is said most often, and (n,) how often; -1 and 0 where none is.

    Of classes said equally often it is the first.
    """
    n = predicted.shape[1]
    example = np.broadcast_to(np.arange(n), predicted.shape)
    answers, count = np.unique(example[wrong] * classes + predicted[wrong], return_counts=True)
    # Of what is written to one place the last stays: the most frequent, and of these the first.
    order = np.lexsort((-answers, count))
    example_of, class_of = np.divmod(answers[order], max(1, classes))
    said, said_by = np.full(n, -1, dtype=np.int64), np.zeros(n, dtype=np.int64)
    said[example_of], said_by[example_of] = class_of, count[order]
    return said, said_by


def _of_several(runs: Sequence[pd.DataFrame], classes: Sequence[str] | None) -> pd.DataFrame:
    names, labels, _ = decided(runs[0], classes)
    asked = labels >= 0
    times = np.zeros(labels.shape, dtype=np.int64)  # each decision was wrong
    wrong = np.zeros(len(labels), dtype=np.int64)
    truth = np.zeros(len(labels))
    for run in runs:
        _, theirs, log_odds = decided(run, classes)
        if not np.array_equal(theirs, labels):
            raise ValueError(OTHERS)
        mistaken = ((log_odds > 0) != (labels == 1)) & asked
        times += mistaken
        wrong += mistaken.any(axis=1)
        p = np.exp(-np.logaddexp(0.0, np.where(labels == 1, -log_odds, log_odds)))
        truth += np.where(asked, p, 0.0).sum(axis=1)
    said = times.argmax(axis=1)
    each = np.arange(len(labels))
    absent = labels[each, said] == 0
    decisions = asked.sum(axis=1) * len(runs)
    return pd.DataFrame(
        {
            "label": [", ".join(np.array(names, dtype=object)[row == 1]) for row in labels],
            "wrong": wrong,
            "said": [("" if a else NOT) + names[k] for a, k in zip(absent, said, strict=True)],
            "said_by": times[each, said],
            "p_label": np.where(decisions > 0, truth / np.maximum(decisions, 1), np.nan),
        }
    )
