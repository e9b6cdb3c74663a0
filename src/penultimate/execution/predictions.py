"""What is kept of each test example: the paired tests need it, and it cannot be had later."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from penultimate.data import Dataset
from penultimate.data.dataset import Labels
from penultimate.stats import LABEL, LOG_ODDS


def predictions_frame(
    dataset: Dataset, labels: Labels, scores: NDArray[np.float64]
) -> pd.DataFrame:
    """A row a test example: its id, its labels, and what was predicted.

    With one label an example: ``label, predicted, p_predicted, p_label``. With several, for each
    class ``label:CLASS`` (1, 0 or -1 for masked) and ``log_odds:CLASS``: all scores, since a
    precision cannot be had from the likeliest class.

    Parameters
    ----------
    labels, scores : of the test examples, as ``Probe.scores`` gives them.
    """
    ids = pd.DataFrame({"example_id": [dataset.ids[i] for i in dataset.indices("test")]})
    if dataset.multi_label:
        named = pd.DataFrame(labels, columns=[LABEL + name for name in dataset.classes])
        found = pd.DataFrame(scores, columns=[LOG_ODDS + name for name in dataset.classes])
        return pd.concat([ids, named, found], axis=1)
    predicted = scores.argmax(axis=1)
    each = np.arange(len(labels))
    return ids.assign(
        label=_names(dataset.classes, labels),
        predicted=_names(dataset.classes, predicted),
        p_predicted=np.exp(scores[each, predicted]),
        p_label=np.exp(scores[each, labels]),
    )


def _names(classes: tuple[str, ...], codes: Labels) -> pd.Series:
    """Class names as a categorical column: each name is stored once."""
    names = np.array(classes, dtype=object)[codes]
    return pd.Series(names, dtype=pd.CategoricalDtype(list(classes)))
