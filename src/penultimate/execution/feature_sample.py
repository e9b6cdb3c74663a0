"""A small sample of a run's test features, for figures that show them without a network.

Which examples are drawn depends on the data alone, so that two networks on one task show the same
images side by side.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from penultimate.data import Dataset

MOST_CLASSES = 20  # no figure tells more apart, and each is to have points enough to be seen
MOST = 1_000  # examples
COMPONENTS = 50  # as is usual before t-SNE


def sampled(dataset: Dataset) -> NDArray[np.int64]:
    """The examples of the test part that are kept: as many of one class as of another.

    Of many classes ``MOST_CLASSES`` are drawn, and of these ``MOST`` examples at most; a class
    that is small gives all that it has. The draw is seeded with the data's fingerprint.

    Returns
    -------
    (n,) indices into the data set, in the order of the examples' ids.
    """
    rng = np.random.default_rng(int(dataset.fingerprint[:16], 16))
    test = dataset.indices("test")
    labels = dataset.labels[test]
    there = np.unique(labels)
    chosen = rng.choice(there, min(MOST_CLASSES, len(there)), replace=False)
    test = rng.permutation(test[np.isin(labels, chosen)])
    # The first of each class, then the second of each, and so on until there are enough.
    turn = pd.Series(dataset.labels[test]).groupby(dataset.labels[test]).cumcount()
    order = np.argsort(turn.to_numpy(), kind="stable")
    return np.sort(test[order[:MOST]])


def sample_frame(
    dataset: Dataset, indices: NDArray[np.int64], features: NDArray[np.float32]
) -> pd.DataFrame:
    """The table that is kept: ``example_id``, ``label``, and principal components as columns.

    Parameters
    ----------
    indices : of ``sampled``.
    features : (n, D) of these examples.

    Returns
    -------
    frame : n rows; ``component:0`` and on, float32, at most ``COMPONENTS`` and none of which the
        sample has no variance.
    """
    scores = components(features)
    names = np.array(dataset.classes, dtype=object)[dataset.labels[indices]]
    return pd.DataFrame(
        {
            "example_id": [dataset.ids[i] for i in indices],
            "label": pd.Series(names, dtype=pd.CategoricalDtype(list(dataset.classes))),
            **{f"component:{k}": scores[:, k] for k in range(scores.shape[1])},
        }
    )


def components(features: NDArray[np.float32], most: int = COMPONENTS) -> NDArray[np.float32]:
    """The first principal components' scores of ``features`` (n, D), each sign made definite."""
    centred = features.astype(np.float64)
    centred -= centred.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    real = sizes > sizes[:1] * max(features.shape) * np.finfo(np.float32).eps
    scores = (left * sizes)[:, real][:, :most]
    farthest = np.abs(scores).argmax(axis=0)
    signs = np.sign(scores[farthest, np.arange(scores.shape[1])])
    definite: NDArray[np.float32] = (scores * signs).astype(np.float32)
    return definite
