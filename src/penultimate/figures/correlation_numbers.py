"""The numbers of figures 1 and 2: ImageNet accuracy against transfer, by data set and averaged."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from penultimate.errors import SpecError
from penultimate.figures.paper import in_order
from penultimate.stats import (
    accuracy_grid,
    compare_with_best,
    complete,
    correlation,
    logit,
    regression_band,
)
from penultimate.stats.grid import Missing

AVERAGE = "average"
COLUMNS = [
    *("method", "data_set", "backbone", "imagenet_top1", "score", "imagenet_log_odds"),
    *("log_odds", "standard_error", "level_with_best"),
]


@dataclass(frozen=True)
class Correlation:
    """What one setting's panels show.

    Parameters
    ----------
    points : a row a network and panel, columns ``COLUMNS``; ``data_set`` is ``"average"`` in the
        averaged panel, where ``log_odds`` is the mean and ``standard_error`` Morey's.
    lines : by panel, a frame of ``imagenet``, ``line``, ``low``, ``high`` in log odds.
    r : Pearson's, of the averaged panel; NaN where it is undefined.
    numbers : of the averaged panel ``r, r_low, r_high, rho, rho_low, rho_high`` and more (see
        ``penultimate.stats.correlation``); intervals at 95 %.
    """

    method: str
    points: pd.DataFrame
    lines: dict[str, pd.DataFrame]
    r: float
    numbers: dict[str, float] = field(default_factory=dict)

    @property
    def data_sets(self) -> list[str]:
        """The panels but the averaged one, in order."""
        return [name for name in self.lines if name != AVERAGE]


def correlations(
    ranking: pd.DataFrame, *, missing: Missing = "refuse", seed: int = 0
) -> list[Correlation]:
    """Each method's points and lines, in the paper's order of methods.

    Parameters
    ----------
    ranking : a row a backbone, task and method: ``backbone, task, method, score, n_test,
        imagenet_top1`` and ``tied_with_best`` (of ``penultimate.stats.rank``; null where there is
        no test).
    missing : what becomes of networks that lack a data set (see ``penultimate.stats.complete``).
    seed : of the bootstrap band and of the intervals of r and rho.

    Raises
    ------
    SpecError : a network's ImageNet accuracy is not known, or accuracies are missing and refused.
    """
    scored = ranking.dropna(subset="score")
    if scored.empty:
        raise SpecError("there is no score to draw: give a frame with at least one")
    return [
        _one(method, scored[scored["method"] == method], missing, seed)
        for method in in_order(scored["method"])
    ]


def _one(method: str, rows: pd.DataFrame, missing: Missing, seed: int) -> Correlation:
    accuracy = complete(accuracy_grid(rows), missing)
    n = rows.groupby("task")["n_test"].max()
    imagenet = rows.groupby("backbone")["imagenet_top1"].max()
    unknown = [name for name in accuracy.index if pd.isna(imagenet[name])]
    if unknown:
        more = f" and of {len(unknown) - 1} more" if len(unknown) > 1 else ""
        raise SpecError(
            f"the ImageNet accuracy of {unknown[0]}{more} is not known: give imagenet_top1, or "
            "leave those networks out"
        )
    panels = {str(name): accuracy[[name]] for name in accuracy} | {AVERAGE: accuracy}
    lines = {name: regression_band(imagenet, grid, n=n, seed=seed) for name, grid in panels.items()}
    points = pd.concat([_panels(rows, accuracy, n), _average(accuracy, n)], ignore_index=True)
    points = points.assign(
        method=method,
        imagenet_top1=points["backbone"].map(imagenet),
        imagenet_log_odds=logit(points["backbone"].map(imagenet)),
    )
    found = correlation(imagenet, accuracy, n=n, seed=seed).iloc[0]
    numbers = {str(name): float(value) for name, value in found.items()}
    return Correlation(method, points[COLUMNS], lines, numbers["r"], numbers)


def _panels(rows: pd.DataFrame, accuracy: pd.DataFrame, n: pd.Series) -> pd.DataFrame:
    """A row a network and data set."""
    kept = rows[rows["task"].isin(accuracy.columns) & rows["backbone"].isin(accuracy.index)]
    return pd.DataFrame(
        {
            "data_set": kept["task"],
            "backbone": kept["backbone"],
            "score": kept["score"],
            "log_odds": logit(kept["score"], kept["task"].map(n)),
            "standard_error": float("nan"),
            "level_with_best": kept["tied_with_best"].astype("boolean"),
        }
    )


def _average(accuracy: pd.DataFrame, n: pd.Series) -> pd.DataFrame:
    """A row a network: the mean over data sets, with error bars free of their difficulty."""
    compared = compare_with_best(accuracy, n=n).loc[accuracy.index]
    return pd.DataFrame(
        {
            "data_set": AVERAGE,
            "backbone": accuracy.index,
            "score": float("nan"),
            "log_odds": logit(accuracy, n).mean(axis=1).to_numpy(),
            "standard_error": compared["standard_error"].to_numpy(),
            "level_with_best": compared["tied_with_best"].astype("boolean").to_numpy(),
        }
    )
