"""The answer of a comparison in one sentence: which one to take, and how sure that is."""

from __future__ import annotations

import math

import pandas as pd

from penultimate.report.compare.comparison import PairComparison
from penultimate.report.words import UNDEFINED, listing, p_value, percent
from penultimate.stats import MEASURE_NAMES
from penultimate.stats.answers import SIGNIFICANCE

# Tasks from which the t-test over them may give the answer alone: of two differences it rests on
# their being normal, which nobody knows.
FEWEST = 3


def labels(pair: PairComparison) -> tuple[str, str]:
    """What to call the two: by what tells them apart."""
    a, b = pair.a, pair.b
    if a.run or b.run:
        one, other = (f"{s.backbone} (run {s.run})" if s.run else s.backbone for s in (a, b))
        return one, other
    if a.method == b.method:
        return a.backbone, b.backbone
    if a.backbone == b.backbone:
        return a.method, b.method
    return f"{a.backbone} ({a.method})", f"{b.backbone} ({b.method})"


def answer(pair: PairComparison, several: bool = False) -> str:
    """The answer; ``several`` names the method, where there are comparisons under others too."""
    sentence = _one_task(pair) if len(pair.tasks) == 1 else _tasks(pair)
    if pair.a.backbone == pair.b.backbone and pair.a.method != pair.b.method:
        return f"{pair.a.backbone}: {sentence[0].lower()}{sentence[1:]}"
    if several and pair.a.method == pair.b.method:
        return f"With {pair.a.method}: {sentence[0].lower()}{sentence[1:]}"
    return sentence


def points(fraction: float) -> str:
    """A difference of fractions as ``+1.2`` or ``-0.4`` percentage points, ``0.0`` unsigned."""
    if math.isnan(fraction):
        return UNDEFINED
    text = f"{100 * fraction:+.1f}"
    return text.lstrip("+-") if float(text) == 0 else text


def points_interval(low: float, high: float) -> str:
    """``-0.4 to +2.8``; a dash where it is undefined."""
    return UNDEFINED if math.isnan(low) or math.isnan(high) else f"{points(low)} to {points(high)}"


def _one_task(pair: PairComparison) -> str:
    a, b = labels(pair)
    row = pair.tasks.iloc[0]
    measure = MEASURE_NAMES[row["measure"]]
    unit = " %" if measure.usual else f" % {measure.long}"
    reached = (
        f"on {row['task']} {a} reaches {percent(row['score_a'])}{unit} and {b} "
        f"{percent(row['score_b'])} %"
    )
    if not row["better"]:
        return f"There is no answer ({row['comparison']}): {reached}."
    gap = row["difference"], row["low"], row["high"]
    if row["better"] == "level":
        sure = f"{_gap(*gap)}, {p_value(row['p_value'])}"
        return f"Nothing shows that either is better: {reached} ({sure}); {_cheaper(pair)}."
    if row["better"] == "b":
        gap = -row["difference"], -row["high"], -row["low"]
    ahead = a if row["better"] == "a" else b
    return f"Take {ahead}: {reached}, {_gap(*gap)} for it ({p_value(row['p_value'])})."


def _gap(difference: float, low: float, high: float) -> str:
    return f"{points(difference)} points, 95 % interval {points_interval(low, high)}"


def _tasks(pair: PairComparison) -> str:
    a, b = labels(pair)
    over = pair.over
    won_a, won_b = (list(pair.tasks.loc[pair.tasks["better"] == side, "task"]) for side in "ab")
    if over.untested == over.tasks:
        why = listing(sorted(set(pair.tasks["comparison"])))
        return f"There is no answer: on none of {over.tasks} tasks is there a test ({why})."
    if won_a and won_b:
        depends = f"It depends on the task: {a} is better on {listing(won_a)}, {b} on"
        return f"{depends} {listing(won_b)}; {_together(pair)}."
    if won_a or won_b:
        ahead, other, won = (a, b, won_a) if won_a else (b, a, won_b)
        where = "every task" if len(won) == over.tasks else listing(won)
        rest = "" if len(won) == over.tasks else " and not shown to be worse on any other task"
        return f"Take {ahead}: it is better than {other} on {where}{rest}; {_together(pair)}."
    if over.p_value <= SIGNIFICANCE and over.tasks >= FEWEST:
        ahead = a if over.log_odds > 0 else b
        alone = "on no task alone is either shown to be better"
        return f"Take {ahead}, though {alone}: {_together(pair)}."
    together = (
        f" or over all together ({p_value(over.p_value)})"
        if over.p_value > SIGNIFICANCE
        else ", and they are too few to judge by them together"
    )
    nothing = f"Nothing shows that either is better on any of {over.tasks} tasks"
    return f"{nothing}{together}; {_cheaper(pair)}."


def _together(pair: PairComparison) -> str:
    """The two over all tasks: their odds of a right answer, and how sure."""
    a, b = labels(pair)
    over = pair.over
    if math.isnan(over.p_value) or over.tasks < FEWEST:
        return f"{over.tasks} tasks are too few to judge by them together"
    if over.p_value > SIGNIFICANCE:
        return f"over the tasks together neither is shown to be ahead ({p_value(over.p_value)})"
    ahead, sign = (a, 1) if over.log_odds > 0 else (b, -1)
    ratio, *ends = (math.exp(sign * value) for value in (over.log_odds, over.low, over.high))
    low, high = sorted(ends)
    return (
        f"over the tasks together {ahead} has {ratio:.2f} times the odds of a right answer (95 % "
        f"interval {low:.2f} to {high:.2f}, {p_value(over.p_value)})"
    )


def _cheaper(pair: PairComparison) -> str:
    cheaper = pair.cost.cheaper()
    if cheaper is None:
        return "take either"
    side, why = cheaper
    return f"take {labels(pair)[0 if side == 'a' else 1]}, which {why}"


def tests_used(tasks: pd.DataFrame) -> str:
    """Which tests and intervals the numbers are of."""
    tests = list(dict.fromkeys(tasks.loc[tasks["p_value"].notna(), "comparison"]))
    made = list(dict.fromkeys(name for name in tasks["interval"] if name))
    parts = [f"p: {listing(tests)}"] if tests else []
    parts += [f"interval of the difference: {listing(made)}"] if made else []
    return "; ".join(parts)
