"""The ranking as a table for the terminal."""

from __future__ import annotations

import pandas as pd
from rich import box
from rich.table import Table
from rich.text import Text

from penultimate.report.words import interval, mean_of, percent, probability, rate, strength
from penultimate.stats import MEASURE_NAMES
from penultimate.stats.ranking import BEST

CAPTION = "= cannot be told apart from the best of its task (p > 0.05)"
REPEATED = "\nP(best): probability of being the best; intervals over splits are Nadeau and Bengio's"


def ranked_table(ranking: pd.DataFrame) -> Table:
    """Backbones by score, task by task; readable at 80 columns.

    Names are ``Text``, so that brackets in them are not taken for markup.

    Parameters
    ----------
    ranking : of ``penultimate.stats.rank``.
    """
    repeated = bool((ranking["repeats"] > 1).any())
    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
        caption=CAPTION + (REPEATED if repeated else ""),
        caption_justify="left",
    )
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("backbone", overflow="fold")
    trained = bool(ranking["learning_rate"].notna().any())
    chosen = ("learning rate", "decay") if trained else () if repeated else ("features",)
    best = ("P(best)",) if repeated else ()
    for heading in ("score %", "95 % interval", *best, "images/s", *chosen):
        table.add_column(heading, justify="right", no_wrap=True)
    imagenet = bool(ranking["imagenet_top1"].notna().any())
    if imagenet:
        table.add_column("ImageNet %", justify="right", no_wrap=True)
    several = ranking["method"].nunique() > 1
    keys = ["task", "method", "measure"]
    if ranking.duplicated([*keys, "backbone"]).any():
        keys.append("seed")
    for _, rows in ranking.groupby(keys):
        table.add_section()
        table.add_row("", _heading(rows, several, by_seed="seed" in keys))
        for _, row in rows.iterrows():
            _add(table, row, imagenet, trained, repeated)
    return table


def _heading(rows: pd.DataFrame, several_methods: bool, by_seed: bool) -> Text:
    """The task, and what tells its group from another of the same task."""
    row = rows.iloc[0]
    details = [row["method"]] if several_methods else []
    details += [f"seed {row['seed']}"] if by_seed else []
    mean = mean_of(rows["repeats"].max(), row["seeds"])
    details += [mean] if mean else []
    fewer = rows[rows["repeats"] < rows["repeats"].max()]
    details += [
        f"{name}: {n} of them" for name, n in zip(fewer["backbone"], fewer["repeats"], strict=True)
    ]
    measure = MEASURE_NAMES[row["measure"]]
    details += [] if measure.usual else [measure.short]
    return Text.assemble((row["task"], "bold"), f" ({', '.join(details)})" if details else "")


def _add(table: Table, row: pd.Series, imagenet: bool, trained: bool, repeated: bool) -> None:
    rank = "" if pd.isna(row["rank"]) else str(row["rank"])
    tied = pd.notna(row["tied_with_best"]) and row["tied_with_best"]
    table.add_row(
        f"{rank} =" if tied and row["comparison"] != BEST else f"{rank}  ",
        Text(str(row["backbone"])),
        percent(row["score"]),
        interval(row["ci_low"], row["ci_high"]),
        *([probability(row["probability_best"])] if repeated else []),
        rate(row["images_per_second"]),
        *(
            [strength(row["learning_rate"]), strength(row["weight_decay"])]
            if trained
            else []
            if repeated
            else [f"{row['features']:,}"]
        ),
        *([percent(row["imagenet_top1"])] if imagenet else []),
        style="bold" if row["comparison"] == BEST else "",
    )
