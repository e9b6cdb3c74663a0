"""What stands first: which backbone and which setting, how sure, and what that costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from penultimate.figures.paper import in_order
from penultimate.report.choice import choice
from penultimate.report.findings import Findings
from penultimate.report.page.record import Cost
from penultimate.report.settings import setting_counts, setting_sentences
from penultimate.report.summary import overall
from penultimate.report.words import UNDEFINED, count, listing, percent, seconds
from penultimate.stats import logit

FEW = 3  # sentences on settings that stand at the top; of more, they are counted
TOTAL = "total"
APART = "The settings were not run on the same tasks: each has an answer of its own."
PAIR = ["backbone", "task", "measure"]


# What one does with a backbone, after "start from NAME".
DEEDS = {
    "linear-probe": "and train a linear probe on its features",
    "fine-tune": "and fine-tune it",
    "from-scratch": "and train it from scratch",
}


@dataclass(frozen=True)
class Price:
    """What one backbone costs; ``time`` of one task's whole job and ``stages``, where measured."""

    backbone: str
    why: str
    facts: list[tuple[str, str]]
    stages: str


@dataclass(frozen=True)
class Card:
    """One method's choice in words, where there are several methods, and what it costs."""

    method: str
    sentence: str
    prices: list[Price]


def by_method(ranking: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Each method with its rows, in the paper's order."""
    return [(name, ranking[ranking["method"] == name]) for name in in_order(ranking["method"])]


def answers(findings: Findings) -> list[str]:
    """Which backbone, and where there are several methods, which of them; plain text."""
    methods = by_method(findings.ranking)
    if not findings.several_methods:
        return [overall(rows) for _, rows in methods]
    best = best_method(findings)
    if best is None:
        return settings_in_short(findings.settings) or [APART]
    rows = findings.ranking[findings.ranking["method"] == best]
    found = choice(rows)
    assert found.first is not None
    name, tasks = found.first.backbone, len(rows[["task", "measure"]].drop_duplicates())
    over = f"on average over {tasks} tasks" if tasks > 1 else f"on {rows['task'].iloc[0]}"
    deed = DEEDS.get(best, f"with {best}")
    equals = [rival.backbone for rival in found.rivals]
    verb = "is" if len(equals) == 1 else "are"
    open_ = f", though {listing(equals)} {verb} not shown to be worse" if equals else ""
    mine = findings.settings[findings.settings["backbone"] == name]
    return [
        f"Start from {name} {deed}: {percent(found.first.score)} % {over}, the most of all that "
        f"was run{open_}.",
        *settings_in_short(mine, name),
    ]


def settings_in_short(compared: pd.DataFrame, name: str = "") -> list[str]:
    """A sentence a backbone and task where these are few; else how often each setting is best."""
    if len(compared[PAIR].drop_duplicates()) <= FEW:
        return setting_sentences(compared)
    sentence = counted(compared, name)
    return [sentence] if sentence else []


def best_method(findings: Findings) -> str | None:
    """The method whose choice has the greatest mean log odds over tasks.

    None where one method's choice was run on other tasks than another's, or over other splits of
    them: means over different tasks or splits say nothing. A method without any pretrained backbone
    has no choice to make.
    """
    found = []
    for method, rows in by_method(findings.ranking):
        first = choice(rows).first
        if first is not None:
            mine = rows[rows["backbone"] == first.backbone].dropna(subset="score")
            odds = float(logit(mine["score"], mine["n_test"]).mean())
            tasks = frozenset(zip(mine["task"], mine["measure"], mine["repeats"], strict=True))
            found.append((odds, method, tasks))
    if not found or len({tasks for *_, tasks in found}) > 1:
        return None
    return max(found, key=lambda one: one[0])[1]


def counted(compared: pd.DataFrame, name: str = "") -> str:
    """On how many tasks each setting of ``name`` is the best or level with it.

    Of all backbones together, in how many pairs of backbone and task, where no name is given.
    Empty where there is nothing to compare.
    """
    pairs, level = setting_counts(compared)
    if not pairs:
        return ""
    most, *rest = sorted(level, key=lambda method: -level[method])
    where, place = (f"With {name}, ", "on") if name else ("Over all backbones, ", "in")
    unit = count(pairs, "task") if name else count(pairs, "pair") + " of backbone and task"
    others = listing([f"{method} {place} {level[method]}" for method in rest])
    return (
        f"{where}{most} is the best setting, or cannot be told apart from it, {place} "
        f"{level[most]} of {unit}; {others}."
    )


def cards(findings: Findings, stages: Sequence[str], costs: Sequence[Cost]) -> list[Card]:
    """A card a method: its choice and the cheapest of that one's equals, with what they cost.

    Parameters
    ----------
    stages, costs : of ``record.costs``.
    """
    found = {(cost.backbone, cost.method): cost for cost in costs}
    several = findings.several_methods
    drawn = []
    for method, rows in by_method(findings.ranking):
        chosen = choice(rows)
        named = {} if chosen.first is None else {chosen.first.backbone: "the choice"}
        if chosen.cheapest is not None:
            name = chosen.cheapest.backbone
            named[name] = (
                "the choice, and the cheapest of its equals"
                if name in named
                else "the cheapest of its equals"
            )
        prices = [
            _price(found[name, method], why, stages)
            for name, why in named.items()
            if (name, method) in found
        ]
        if prices or several:
            drawn.append(Card(method if several else "", overall(rows) if several else "", prices))
    return drawn


def _price(cost: Cost, why: str, stages: Sequence[str]) -> Price:
    timed = {
        stage: value
        for stage, (_, value) in zip(stages, cost.stages, strict=True)
        if value is not None
    }
    parts = {stage: value for stage, value in timed.items() if stage != TOTAL}
    facts = [
        ("parameters", f"{cost.parameters} M" if cost.parameters_value is not None else ""),
        ("image", f"{cost.image_size} px" if cost.image_size != UNDEFINED else ""),
        ("images/s", cost.speed if cost.speed_value is not None else ""),
        ("a task", seconds(timed.get(TOTAL, sum(parts.values()))) if timed else ""),
    ]
    return Price(
        backbone=cost.backbone,
        why=why,
        facts=[(name, text) for name, text in facts if text],
        stages=", ".join(f"{stage} {seconds(value)}" for stage, value in parts.items()),
    )
