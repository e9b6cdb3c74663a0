"""The statistics of a table of accuracies, in the terminal."""

from __future__ import annotations

import math

import pandas as pd
from rich import box
from rich.table import Table
from rich.text import Text

from penultimate.report.given.analysis import Comparison, SettingAnalysis
from penultimate.report.words import UNDEFINED, p_value, percent

LEVEL = "= cannot be told apart from the best over data sets (paired t-test on log odds, p > 0.05)"
BOOTSTRAP = "in brackets: 95 % intervals, which draw models; Pearson's r is on log odds"
SIGNED_RANK = "Wilcoxon's signed rank test over models, on log odds; not corrected for their number"


def models_table(found: SettingAnalysis) -> Table:
    """Models by their mean over data sets, best first; readable at 80 columns."""
    table = _table(found.setting, caption=LEVEL)
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("model", overflow="fold")
    for heading in ("log odds", "error", "mean %", "p against best"):
        table.add_column(heading, justify="right", no_wrap=True)
    imagenet = "imagenet" in found.models
    if imagenet:
        table.add_column("ImageNet %", justify="right", no_wrap=True)
    for place, (name, row) in enumerate(found.models.iterrows(), start=1):
        best = place == 1
        tied = pd.notna(row["tied_with_best"]) and bool(row["tied_with_best"])
        table.add_row(
            f"{place} =" if tied and not best else f"{place}  ",
            Text(str(name)),
            signed(row["mean"]),
            number(row["standard_error"]),
            percent(row["accuracy"]),
            "" if best else p_value(row["p_value"]).removeprefix("p = ").removeprefix("p "),
            *([percent(row["imagenet"])] if imagenet else []),
            style="bold" if best else "",
        )
    return table


def correlation_table(found: SettingAnalysis) -> Table:
    """r and rho over all data sets, in groups and on each data set alone."""
    assert found.correlation is not None
    title = f"ImageNet against {found.setting or 'transfer'} accuracy"
    table = _table(title, caption=BOOTSTRAP)
    table.add_column("data sets", overflow="fold")
    for heading in ("r", "p", "rho", "p"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, row in found.correlation.iterrows():
        many = row["data_sets"] > 1
        table.add_row(
            Text(f"{name} ({row['data_sets']:.0f})" if many else str(name)),
            bracketed(row["r"], row["r_low"], row["r_high"]),
            _p(row["r_p"]),
            bracketed(row["rho"], row["rho_low"], row["rho_high"]),
            _p(row["rho_p"]),
            style="bold" if name == "all" else "",
        )
    return table


def comparison_table(found: Comparison) -> Table:
    """One setting against another, data set by data set."""
    table = _table(f"{found.first} against {found.second}", caption=SIGNED_RANK)
    table.add_column("data set", overflow="fold")
    for heading in ("models", "above", "log odds", "p"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, row in found.table.iterrows():
        table.add_row(
            Text(str(name)),
            f"{row['networks']:.0f}",
            f"{row['above']:.0f}",
            signed(row["mean_difference"]),
            _p(row["p_value"]),
        )
    return table


def signed(value: float) -> str:
    """``+0.31``, ``-0.02``; a dash where it is undefined."""
    return UNDEFINED if math.isnan(value) else f"{value:+.2f}"


def number(value: float) -> str:
    """``0.31``; a dash where it is undefined."""
    return UNDEFINED if math.isnan(value) else f"{value:.2f}"


def bracketed(value: float, low: float, high: float) -> str:
    """``0.99 [0.97, 1.00]``; a dash where it is undefined."""
    return UNDEFINED if math.isnan(value) else f"{value:.2f} [{number(low)}, {number(high)}]"


def _p(value: float) -> str:
    return p_value(value).removeprefix("p = ").removeprefix("p ")


def _table(title: str, caption: str) -> Table:
    return Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
        title=Text(title, style="bold") if title else None,
        title_justify="left",
        caption=caption,
        caption_justify="left",
    )
