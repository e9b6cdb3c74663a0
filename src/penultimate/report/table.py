"""The ranking as a table for the terminal."""

from __future__ import annotations

import pandas as pd
from rich import box
from rich.table import Table
from rich.text import Text

from penultimate.report.words import interval, percent, rate, strength
from penultimate.stats import MEASURE_NAMES
from penultimate.stats.ranking import BEST

CAPTION = "= cannot be told apart from the best of its task (p > 0.05)"


def ranked_table(ranking: pd.DataFrame) -> Table:
    """Backbones by score, task by task; readable at 80 columns.

    Names are ``Text``, so that brackets in them are not taken for markup.

    Parameters
    ----------
    ranking : of ``penultimate.stats.rank``.
    """
    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
        caption=CAPTION,
        caption_justify="left",
    )
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("backbone", overflow="fold")
    trained = bool(ranking["learning_rate"].notna().any())
    chosen = ("learning rate", "decay") if trained else ("features",)
    for heading in ("score %", "95 % interval", "images/s", *chosen):
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
        table.add_row("", _heading(rows.iloc[0], several, by_seed="seed" in keys))
        for _, row in rows.iterrows():
            _add(table, row, imagenet, trained)
    return table


def _heading(row: pd.Series, several_methods: bool, by_seed: bool) -> Text:
    """The task, and what tells its group from another of the same task."""
    details = [row["method"]] if several_methods else []
    details += [f"seed {row['seed']}"] if by_seed else []
    details += [f"mean of {row['seeds']} seeds"] if row["seeds"] > 1 else []
    measure = MEASURE_NAMES[row["measure"]]
    details += [] if measure.usual else [measure.short]
    return Text.assemble((row["task"], "bold"), f" ({', '.join(details)})" if details else "")


def _add(table: Table, row: pd.Series, imagenet: bool, trained: bool) -> None:
    rank = "" if pd.isna(row["rank"]) else str(row["rank"])
    tied = pd.notna(row["tied_with_best"]) and row["tied_with_best"]
    table.add_row(
        f"{rank} =" if tied and row["comparison"] != BEST else f"{rank}  ",
        Text(str(row["backbone"])),
        percent(row["score"]),
        interval(row["ci_low"], row["ci_high"]),
        rate(row["images_per_second"]),
        *(
            [strength(row["learning_rate"]), strength(row["weight_decay"])]
            if trained
            else [f"{row['features']:,}"]
        ),
        *([percent(row["imagenet_top1"])] if imagenet else []),
        style="bold" if row["comparison"] == BEST else "",
    )
