"""What a table of accuracies says, in sentences."""

from __future__ import annotations

import math

import pandas as pd

from penultimate.report.given.analysis import Analysis, Comparison, SettingAnalysis
from penultimate.report.words import count, listing, percent
from penultimate.stats.answers import SIGNIFICANCE
from penultimate.stats.correlation import FEWEST
from penultimate.stats.networks import ALL

CAVEAT = (
    "Models and data sets are the samples here: p-values against the best speak of other data sets "
    "like these, intervals of correlations of other models like these, and neither knows how many "
    "images, seeds or training runs are behind an accuracy."
)


def answers(analysis: Analysis) -> list[str]:
    """The answer first: the best models, ImageNet's part in it, and which setting is above."""
    several = len(analysis.settings) > 1
    found = []
    for setting in analysis.settings:
        start = f"With {setting.setting}, " if several else ""
        found.append((f"With {setting.setting}: " if several else "") + _best(setting))
        found += [
            start + (sentence[0].lower() + sentence[1:] if several else sentence)
            for sentence in _correlation(setting)
        ]
    return [*found, *map(_compared, analysis.comparisons)]


def _best(found: SettingAnalysis) -> str:
    models, sets = found.models, found.accuracy.shape[1]
    best = str(models.index[0])
    reached = f"{percent(float(models['accuracy'].iloc[0]))} %"
    if len(models) == 1:
        return f"{best} is the only model and reaches {reached} on average."
    if sets == 1:
        where = found.accuracy.columns[0]
        return f"{best} is best on {where}, {reached}; one data set allows no test against others."
    where = f"over {sets} data sets"
    tied = models["tied_with_best"].fillna(False).astype(bool)
    level = [str(name) for name in models.index[tied][1:]]
    if level:
        told = f"{listing(level)} cannot be told apart from it over these data sets"
    else:
        told = f"every other model is behind it by more than chance (p < {SIGNIFICANCE:g})"
    return f"{best} is best on average {where} ({reached}); {told}."


def _correlation(found: SettingAnalysis) -> list[str]:
    if found.correlation is None:
        return []
    row = found.correlation.T[ALL]
    networks = count(int(row["networks"]), "model")
    if math.isnan(row["r"]):
        return [
            f"Nothing can be said of accuracy on ImageNet from {networks}: a correlation needs "
            f"{FEWEST} that are not all equal."
        ]
    sure = row["r_p"] <= SIGNIFICANCE and not row["r_low"] <= 0 <= row["r_high"]
    if not sure:
        claim = "accuracy on ImageNet is not shown to tell which model is better here"
    else:
        better = "better" if row["r"] > 0 else "worse"
        claim = f"the better a model is on ImageNet, the {better} it is here"
    r, rho = (_with_interval(row, name) for name in ("r", "rho"))
    return [f"{claim[0].upper()}{claim[1:]}: {r}, rank correlation {rho}, over {networks}."]


def _with_interval(row: pd.Series, name: str) -> str:
    value, low, high = (float(row[key]) for key in (name, f"{name}_low", f"{name}_high"))
    sign = "r" if name == "r" else "ρ"  # noqa: RUF001 - Spearman's
    return f"{sign} = {value:.2f} (95 % interval {low:.2f} to {high:.2f})"


def _compared(found: Comparison) -> str:
    """``tuned is above probe in 179 of 192 pairs of model and data set; ...``."""
    table = found.table
    clear = table["p_value"] <= SIGNIFICANCE
    up, down = (
        [str(name) for name in table.index[clear & side]]
        for side in (table["mean_difference"] > 0, table["mean_difference"] < 0)
    )
    parts = [
        f"by more than chance {word} on "
        + ("every data set" if len(names) == len(table) else listing(names))
        for word, names in (("above", up), ("below", down))
        if names
    ]
    told = "; ".join(parts) if parts else "on no data set by more than chance"
    pairs = f"{found.pairs.above} of {found.pairs.pairs} pairs of model and data set"
    return f"{found.first} is above {found.second} in {pairs}; {told}."
