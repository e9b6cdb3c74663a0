"""A comparison as a table for the terminal."""

from __future__ import annotations

import math

import pandas as pd
from rich import box
from rich.table import Table
from rich.text import Text

from penultimate.report.compare.comparison import PairComparison
from penultimate.report.compare.words import labels, points, points_interval, tests_used
from penultimate.report.words import UNDEFINED, interval, listing, mean_of, p_value, percent
from penultimate.stats import MEASURE_NAMES

BETTER = {"a": "A", "b": "B", "level": "=", "": "?"}


def comparison_table(pair: PairComparison) -> Table:
    """A row a task, readable at 80 columns; names are ``Text``, so that none is markup."""
    title = Text("\n").join(
        Text.assemble((f"{key}  ", "bold"), f"{side.backbone}, {side.method}{_run(side.run)}")
        for key, side in (("A", pair.a), ("B", pair.b))
    )
    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
        title=title,
        title_justify="left",
        title_style="",
        caption=Text(_caption(pair)),
        caption_justify="left",
        caption_style="",
    )
    table.add_column("task", overflow="fold")
    for heading in ("A %", "B %", "A less B", "p", "only A\nright", "only B\nright"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for _, row in pair.tasks.iterrows():
        p = "" if pd.isna(row["p_value"]) else p_value(row["p_value"])
        table.add_row(
            _task(row),
            f"{percent(row['score_a'])}\n{interval(row['low_a'], row['high_a'])}",
            f"{percent(row['score_b'])}\n{interval(row['low_b'], row['high_b'])}",
            f"{points(row['difference'])}\n{points_interval(row['low'], row['high'])}",
            p.removeprefix("p = ").removeprefix("p ") or UNDEFINED,
            *(UNDEFINED if pd.isna(row[key]) else f"{row[key]:,}" for key in ("only_a", "only_b")),
            Text(BETTER[row["better"]], style="bold"),
        )
    return table


def over_sentences(pair: PairComparison) -> list[str]:
    """What stands below the table: over the tasks together, the cost, what was left out."""
    a, b = labels(pair)
    over = pair.over
    found = []
    if over.tasks > 1:
        counts = (
            f"A better on {over.better_a}, B on {over.better_b}, not told apart on {over.level}"
        )
        more = f", not tested on {over.untested}" if over.untested else ""
        means = f"mean {percent(over.mean_a)} % against {percent(over.mean_b)} %"
        found.append(
            f"Over {over.tasks} tasks: {counts}{more}; {means}; log odds "
            f"{over.log_odds:+.2f} ({_ends(over.low, over.high)}{p_value(over.p_value)}, t-test "
            "paired over tasks)."
        )
    found += [sentence] if (sentence := pair.cost.sentence(a, b)) else []
    for side, alone in ((a, pair.only_a), (b, pair.only_b)):
        if alone:
            found.append(f"Left out, since {side} alone was run on it: {listing(alone)}.")
    return found


def _ends(low: float, high: float) -> str:
    return "" if math.isnan(low) else f"95 % interval {low:+.2f} to {high:+.2f}, "


def _task(row: pd.Series) -> Text:
    """A task, and what tells its row from others."""
    measure = MEASURE_NAMES[row["measure"]]
    details = [] if measure.usual else [measure.short]
    mean = mean_of(int(row["repeats"]), int(row["seeds"]))
    details += [mean] if mean else []
    return Text(row["task"]) + (Text(f"\n({', '.join(details)})") if details else Text())


def _run(run: str) -> str:
    return f", run {run}" if run else ""


def _caption(pair: PairComparison) -> str:
    used = tests_used(pair.tasks)
    marks = "last column: which is better, = not told apart (p > 0.05), ? no test"
    return f"{marks}\n{used}" if used else marks
