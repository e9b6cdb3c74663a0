"""Tables of what was run: accuracies, the ranking with its tests, significance, correlations."""

from __future__ import annotations

import math

import pandas as pd

from penultimate.figures.correlation_numbers import Correlation
from penultimate.figures.paper import in_order, method_name, need_columns
from penultimate.figures.tables import BEST
from penultimate.stats import accuracy_grid, compare_with_best, complete
from penultimate.stats.grid import Missing

LEVEL = "="  # before what cannot be told from the best, as in `penultimate results`
OVER_ALL = "over data sets"


def accuracy_table(frame: pd.DataFrame, *, decimals: int = 1) -> pd.DataFrame:
    """Accuracies in percent, a row a method and network and a column a data set.

    The best of each method on each data set, as printed, is marked by a star; a hole is empty.

    Parameters
    ----------
    frame : ``method, backbone, task, score``.
    """
    need_columns(frame, ["method", "backbone", "task", "score"], "the table of accuracies")
    tasks = list(dict.fromkeys(frame["task"]))
    rows = []
    for method, mine in frame.groupby("method", sort=False):
        grid = mine.pivot_table(index="backbone", columns="task", values="score", sort=False)
        shown = (100 * grid).round(decimals)
        for backbone, values in shown.iterrows():
            cells = [_cell(values.get(task), shown.get(task), decimals) for task in tasks]
            rows.append([method, backbone, *cells])
    return pd.DataFrame(rows, columns=["Method", "Network", *tasks])


def ranking_table(ranking: pd.DataFrame) -> pd.DataFrame:
    """The ranking on each data set, best first, with intervals and the test against the best.

    Parameters
    ----------
    ranking : of ``penultimate.stats.rank``.

    Returns
    -------
    frame : texts; in percent, ``=`` after a rank that cannot be told from the best.
    """
    rows = [
        [
            row["task"],
            row["method"],
            _rank(row),
            row["backbone"],
            _percent(row["score"]),
            f"{_percent(row['ci_low'])} to {_percent(row['ci_high'])}".strip(),
            p_text(row["p_value"]),
        ]
        for _, row in ranking.iterrows()
    ]
    heads = ["Data set", "Method", "Rank", "Network", "Score, %", "95 % interval", "p against best"]
    return pd.DataFrame(rows, columns=heads)


def significance_table(ranking: pd.DataFrame, *, missing: Missing = "refuse") -> pd.DataFrame:
    """p-values against the best of each method, on each data set and over all of them.

    On a data set the test of ``rank``; over data sets the t-test on log odds, paired over them.
    Not corrected for their number, as in the paper. The best has ``best``, and a star stands after
    what cannot be told from it (p > 0.05).

    Parameters
    ----------
    ranking : of ``penultimate.stats.rank``.
    missing : what becomes of holes over data sets, see ``penultimate.stats.complete``.

    Raises
    ------
    SpecError : holes are refused.
    """
    tasks = list(dict.fromkeys(ranking["task"]))
    rows = []
    for method in in_order(ranking["method"]):
        mine = ranking[(ranking["method"] == method) & ranking["score"].notna()]
        grid = complete(accuracy_grid(mine), missing)
        over = compare_with_best(grid, n=mine.groupby("task")["n_test"].max())
        cells = {(row["backbone"], row["task"]): _against(row) for _, row in mine.iterrows()}
        for place, (name, overall) in enumerate(over.iterrows()):
            row = [cells.get((name, task), "") for task in tasks]
            tied = overall["tied_with_best"]
            rows.append([method, name, *row, _starred(overall["p_value"], place == 0, tied)])
    return pd.DataFrame(rows, columns=["Method", "Network", *tasks, OVER_ALL])


def correlations_table(found: list[Correlation]) -> pd.DataFrame:
    """r and rho between ImageNet and transfer accuracy, with intervals and p-values, by method."""
    rows = [
        [
            method_name(one.method),
            f"{one.numbers['networks']:.0f}",
            f"{one.numbers['data_sets']:.0f}",
            *(
                text
                for name in ("r", "rho")
                for text in (_bracketed(one.numbers, name), p_text(one.numbers[f"{name}_p"]))
            ),
        ]
        for one in found
    ]
    heads = ["Method", "Networks", "Data sets", "r", "p of r", "rho", "p of rho"]
    return pd.DataFrame(rows, columns=heads)


def p_text(p: float) -> str:
    """``0.034``, ``<0.001``; empty where there is no test."""
    return "" if pd.isna(p) else "<0.001" if p < 0.001 else f"{p:.3f}"


def _cell(value: float | None, column: pd.Series | None, decimals: int) -> str:
    if value is None or column is None or pd.isna(value):
        return ""
    return f"{value:.{decimals}f}" + (BEST if value == column.max() else "")


def _rank(row: pd.Series) -> str:
    if pd.isna(row["rank"]):
        return ""
    tied = pd.notna(row["tied_with_best"]) and bool(row["tied_with_best"])
    return f"{row['rank']}{LEVEL if tied and row['rank'] > 1 else ''}"


def _percent(fraction: float) -> str:
    return "" if math.isnan(fraction) else f"{100 * fraction:.1f}"


def _against(row: pd.Series) -> str:
    return _starred(row["p_value"], row["comparison"] == "best", row["tied_with_best"])


def _starred(p: float, best: bool, tied: bool | None) -> str:
    if best:
        return "best"
    return p_text(p) + (BEST if pd.notna(tied) and bool(tied) else "")


def _bracketed(numbers: dict[str, float], name: str) -> str:
    low, high = numbers[f"{name}_low"], numbers[f"{name}_high"]
    return "" if math.isnan(numbers[name]) else f"{numbers[name]:.2f} [{low:.2f}, {high:.2f}]"
