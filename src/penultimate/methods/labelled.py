"""Features with their labels: one part of a split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Labelled:
    """Examples of one part: features (n, D) and labels (n,), each an index into the classes."""

    features: NDArray[np.float32]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def __add__(self, other: Self) -> Self:
        return type(self)(
            np.concatenate([self.features, other.features]),
            np.concatenate([self.labels, other.labels]),
        )
