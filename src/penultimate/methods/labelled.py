"""Features with their labels: one part of a split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Labelled:
    """Examples of one part: features (n, D), and labels as in ``Dataset``.

    Labels are (n,) indices into the classes, or (n, K) of 1, 0 and -1 (masked) where an example
    can have several.
    """

    features: NDArray[np.float32]
    labels: NDArray[np.integer[Any]]

    @property
    def multi_label(self) -> bool:
        """Whether an example can have several labels, or none."""
        return self.labels.ndim == 2

    def __len__(self) -> int:
        return len(self.labels)

    def __add__(self, other: Self) -> Self:
        return type(self)(
            np.concatenate([self.features, other.features]),
            np.concatenate([self.labels, other.labels]),
        )
