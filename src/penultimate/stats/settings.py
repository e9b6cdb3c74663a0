"""Two ways to use the same networks, as fine-tuning and the linear probe, compared."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from penultimate.errors import SpecError
from penultimate.stats.holm import holm
from penultimate.stats.log_odds import logit


@dataclass(frozen=True)
class PairCount:
    """In how many pairs of network and data set one setting is above the other."""

    above: int
    below: int
    equal: int

    @property
    def pairs(self) -> int:
        """How many both settings have an accuracy of."""
        return self.above + self.below + self.equal

    def __str__(self) -> str:
        return f"above in {self.above} of {self.pairs} pairs"


def count_pairs(accuracy_a: pd.DataFrame, accuracy_b: pd.DataFrame) -> PairCount:
    """How often setting a is above b: "fine-tuning is better in 179 of 192 pairs".

    Parameters
    ----------
    accuracy_a, accuracy_b : networks (index) x data sets (columns); what only one has does not
        count.

    Raises
    ------
    SpecError : the two have no network or no data set in common.
    """
    a, b = _common(accuracy_a, accuracy_b)
    return PairCount(
        above=int((a > b).to_numpy().sum()),
        below=int((a < b).to_numpy().sum()),
        equal=int((a == b).to_numpy().sum()),
    )


def compare_settings(
    accuracy_a: pd.DataFrame, accuracy_b: pd.DataFrame, *, n: Any = None
) -> pd.DataFrame:
    """Setting a against setting b on each data set, over networks (section 4.2 of the paper).

    The Wilcoxon signed rank test, two-sided, on differences in log odds. Networks in which the two
    settings are equal leave the test, as Wilcoxon has it. It is exact up to 50 networks (13 where
    differences are of one size), and beyond takes the normal approximation.

    Parameters
    ----------
    accuracy_a, accuracy_b : fractions, networks (index) x data sets (columns); what only one has
        does not count.
    n : test examples, by data set; needed where an accuracy is 0 or 1 (see ``logit``).

    Returns
    -------
    frame : a row a data set: ``networks``, how many both have; ``above``, ``below`` and ``equal``,
        in how many of them a is above b, and so on; ``mean_difference`` in log odds, a less b;
        ``p_value``, 1 where they never differ and NaN of fewer than two networks; and ``p_holm``,
        corrected over the data sets, which the paper does not do.

    Raises
    ------
    SpecError : the two have no network or no data set in common, or a value has no log odds.
    """
    a, b = _common(accuracy_a, accuracy_b)
    rows = {}
    for name in a.columns:
        both = (a[name].notna() & b[name].notna()).to_numpy()
        x, y = a[name].to_numpy()[both], b[name].to_numpy()[both]
        counts = n[name] if isinstance(n, pd.Series) else n
        difference = logit(x, counts) - logit(y, counts)
        rows[name] = {
            "networks": len(x),
            "above": int((x > y).sum()),
            "below": int((x < y).sum()),
            "equal": int((x == y).sum()),
            "mean_difference": float(difference.mean()) if len(x) else math.nan,
            "p_value": _wilcoxon(difference),
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    return table.assign(p_holm=holm(table["p_value"]))


def _common(a: pd.DataFrame, b: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The networks and data sets that both have, in the order of ``a``."""
    networks = [name for name in a.index if name in b.index]
    sets = [name for name in a.columns if name in b.columns]
    for found, kind in ((networks, "network"), (sets, "data set")):
        if not found:
            raise SpecError(
                f"the two settings have no {kind} in common: give accuracies of the same ones"
            )
        if len(set(found)) < len(found):
            raise SpecError(f"a {kind} is there twice: leave one out")
    return a.loc[networks, sets], b.loc[networks, sets]


def _wilcoxon(differences: NDArray[np.float64]) -> float:
    if len(differences) < 2:
        return math.nan
    differences = differences[differences != 0]
    if len(differences) == 0:
        return 1.0
    from scipy.stats import wilcoxon

    return float(wilcoxon(differences).pvalue)
