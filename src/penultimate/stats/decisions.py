"""Kept predictions of several labels an image: how their columns are called, and what they say."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from penultimate.metrics import pairs_right

# Before the name of a class: 1, 0 or -1 (masked), and what the network says of it.
LABEL, LOG_ODDS = "label:", "log_odds:"


def labels_of(frame: pd.DataFrame) -> list[str]:
    """The columns of the true labels: ``label``, or one a class."""
    return [name for name in map(str, frame) if name == "label" or name.startswith(LABEL)]


def decisions_right(frame: pd.DataFrame) -> NDArray[np.int64]:
    """(n,) how many of each image's decisions, one a class, are right."""
    labels = labels_of(frame)
    log_odds = [LOG_ODDS + name.removeprefix(LABEL) for name in labels]
    return pairs_right(frame[labels].to_numpy(), frame[log_odds].to_numpy())
