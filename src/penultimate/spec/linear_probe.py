"""The linear probe as a user asks for it."""

from __future__ import annotations

import math
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from penultimate.spec.base import Frozen


class LinearProbe(Frozen):
    """L2-regularised multinomial logistic regression on fixed features (section 4.1).

    The objective is ``sum_i CE_i + (l2 / 2) * ||W||^2``, intercept not penalised, so ``l2`` is
    ``1 / C`` of scikit-learn. The grid is 45 logarithmically spaced values from 1e-6 to 1e5
    (SimCLR, appendix B.8).
    """

    VERSION: ClassVar[int] = 2  # goes up when the method's numbers change

    name: Literal["linear-probe"] = "linear-probe"
    l2_min: float = Field(default=1e-6, gt=0)
    l2_max: float = Field(default=1e5, gt=0)
    l2_points: int = Field(default=45, ge=1)
    # Tighter than the solver's own default: see docs/decisions/linear-probe.md.
    tolerance: float = Field(default=1e-6, gt=0, lt=1)

    @model_validator(mode="after")
    def _grid_goes_up(self) -> Self:
        if self.l2_min > self.l2_max or (self.l2_points == 1 and self.l2_min != self.l2_max):
            raise ValueError(
                f"l2_min {self.l2_min:g} to l2_max {self.l2_max:g} is no grid of "
                f"{self.l2_points} values"
            )
        return self

    def grid(self) -> tuple[float, ...]:
        """The values of l2, smallest first."""
        if self.l2_points == 1:
            return (self.l2_min,)
        low, high = math.log10(self.l2_min), math.log10(self.l2_max)
        step = (high - low) / (self.l2_points - 1)
        return tuple(10 ** (low + step * i) for i in range(self.l2_points))
