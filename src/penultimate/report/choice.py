"""Which backbone to start from, who cannot be told apart from it, and which of them costs least."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from penultimate.report.words import is_random
from penultimate.stats import standing

TASK = ["task", "measure"]
PROBE = "linear-probe"
SAME_SPEED = 1.1  # measured speeds within this factor of the fastest count as equal to it


@dataclass(frozen=True)
class Contender:
    """A backbone that the choice is between, over all tasks of one method.

    Parameters
    ----------
    score : mean over tasks, a fraction.
    images_per_second : mean over tasks: of the features with a linear probe, else of training; NaN
        where one was not measured.
    parameters : without the classification layer; NaN where it is not known.
    probability_best : on the one task, by its repeats; NaN without repeats or of several tasks.
    """

    backbone: str
    score: float
    images_per_second: float
    parameters: float
    probability_best: float


@dataclass(frozen=True)
class Choice:
    """What one method's ranking says of which backbone to take.

    Parameters
    ----------
    first : the pretrained backbone with the greatest mean log odds of those that were run on every
        task; None where there is none.
    alone : whether it is the only pretrained backbone that was run.
    level : whether ``first`` is the best, or cannot be told apart from the best, on every task.
    rivals : the other pretrained backbones that are so too; the choice is open between ``first``
        and them. Empty where ``first`` is not.
    cheapest : of ``first`` and the rivals the one that costs least, see ``cheapest_of``; None
        without rivals, or where their cost is not known.
    by : what ``cheapest`` was chosen by, ``images_per_second`` or ``parameters``; empty without.
    trained : whether speeds are of training.
    one_machine : whether their speeds were measured on one device, as far as results tell.
    repeats : splits that scores are means over, the fewest of any task.
    """

    first: Contender | None
    alone: bool
    level: bool
    rivals: tuple[Contender, ...]
    cheapest: Contender | None
    by: str
    trained: bool
    one_machine: bool
    repeats: int


def choice(ranking: pd.DataFrame) -> Choice:
    """The choice by the mean log odds over tasks, and the cheapest of those level with it.

    Parameters
    ----------
    ranking : of ``penultimate.stats.rank``, of one method, a row a backbone, task and measure.
    """
    ranking = ranking.dropna(subset="score")
    table = standing(ranking)
    pretrained = table[~table["backbone"].map(is_random).astype(bool)]
    complete = pretrained[pretrained["complete"]]
    tasks = len(ranking[TASK].drop_duplicates())
    everywhere = complete[complete["level"] == tasks]["backbone"]
    names = list(complete["backbone"].iloc[:1])
    level = bool(names) and names[0] in set(everywhere)
    if level:
        names += [name for name in everywhere if name != names[0]]
    contenders = [_contender(ranking[ranking["backbone"] == name]) for name in names]
    by, cheapest = cheapest_of(contenders) if len(contenders) > 1 else ("", None)
    mine = ranking[ranking["backbone"].isin(names)]
    return Choice(
        first=contenders[0] if contenders else None,
        alone=len(pretrained) == 1,
        level=level,
        rivals=tuple(contenders[1:]),
        cheapest=cheapest,
        by=by,
        trained=bool((ranking["method"] != PROBE).any()),
        one_machine="device" not in mine or mine["device"].nunique(dropna=False) <= 1,
        repeats=int(mine["repeats"].min()) if "repeats" in mine and len(mine) else 1,
    )


def cheapest_of(contenders: list[Contender]) -> tuple[str, Contender | None]:
    """The one that costs least, and by what; nothing where the cost of one is not known.

    The cost is measured: images a second. Two measurements of one network differ by several
    percent, so that among those within 10 % of the fastest the one of fewest parameters is taken,
    and of several such the first. Where a speed is not known, parameters alone decide.
    """
    sizes = [math.inf if math.isnan(c.parameters) else c.parameters for c in contenders]
    speeds = [c.images_per_second for c in contenders]
    if not any(map(math.isnan, speeds)):
        fast = [i for i, speed in enumerate(speeds) if speed * SAME_SPEED >= max(speeds)]
        return "images_per_second", contenders[min(fast, key=sizes.__getitem__)]
    if math.inf not in sizes:
        return "parameters", contenders[sizes.index(min(sizes))]
    return "", None


def _contender(rows: pd.DataFrame) -> Contender:
    first = rows.iloc[0]
    probability = first.get("probability_best", math.nan) if len(rows) == 1 else math.nan
    return Contender(
        backbone=str(first["backbone"]),
        score=float(rows["score"].mean()),
        images_per_second=float(rows["images_per_second"].mean(skipna=False)),
        parameters=float(first["parameters"]),
        probability_best=float(probability),
    )
