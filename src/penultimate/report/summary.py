"""What a ranking means, in plain words that claim no more than it shows."""

from __future__ import annotations

import math

import pandas as pd

from penultimate.report.choice import PROBE, TASK, Choice, Contender, choice
from penultimate.report.words import (
    interval,
    is_random,
    listing,
    mean_of,
    p_value,
    percent,
    probability,
    rate,
)
from penultimate.stats import MEASURE_NAMES, standing
from penultimate.stats.ranking import BEST
from penultimate.stats.repeated import CORRECTED

CAVEAT = (
    "Intervals and p-values count only the luck of which images are in the test set: another "
    "split, seed or training run can move a score further, and p-values are not corrected for "
    "the number of comparisons."
)
REPEATED = (
    "Intervals, p-values and probabilities over splits count the luck of the split and of which "
    "images there are; the correction for splits that share images (Nadeau and Bengio's) is "
    "approximate, and p-values are not corrected for the number of comparisons."
)
GROUP = [*TASK, "method"]


def sentences(ranking: pd.DataFrame) -> list[str]:
    """The answer first, then a sentence a task, then what the numbers do not hold.

    Plain text: names stand as they are, and whoever prints them escapes them.

    Parameters
    ----------
    ranking : of ``penultimate.stats.rank``, a row a backbone, task, method and measure.

    Raises
    ------
    ValueError : a backbone has several rows in one group (a ranking by seed).
    """
    if ranking.duplicated([*GROUP, "backbone"]).any():
        raise ValueError("a ranking by seed has no one answer: rank with by_seed=False")
    if ranking.empty:
        return ["There are no results yet."]
    several = ranking["method"].nunique() > 1
    answers = [
        overall(rows, str(method) if several else "") for method, rows in ranking.groupby("method")
    ]
    tasks = [of_task(rows, str(key[2]) if several else "") for key, rows in ranking.groupby(GROUP)]
    return [*answers, *tasks, caveat(ranking)]


def caveat(ranking: pd.DataFrame) -> str:
    """What the numbers of a ranking do not hold, and what would."""
    over = ranking["repeats"] > 1
    single = ranking[~over].drop_duplicates(GROUP)
    if not over.any():
        return CAVEAT + _hint(single)
    if single.empty:
        return REPEATED
    several = ranking["method"].nunique() > 1
    names = [
        f"{r['task']} with {r['method']}" if several else r["task"] for _, r in single.iterrows()
    ]
    return f"{REPEATED} Those of {listing(names)} are of one split and know only its test images."


def _hint(single: pd.DataFrame) -> str:
    """Which tasks could be repeated, of groups that were not."""
    if "test_drawn" not in single:
        return ""
    probed = single[single["test_drawn"].astype(bool) & (single["method"] == PROBE)]
    if probed.empty:
        return ""
    names = listing(sorted(set(probed["task"])))
    luck = "penultimate run --repeats 20 counts its luck, too"
    return f" The split of {names} was drawn at random: {luck}."


def overall(ranking: pd.DataFrame, method: str = "") -> str:
    """Which backbone to start from over all tasks of one method, how sure, and the floor.

    The choice is by the mean log odds over tasks, among the backbones that were run on all of
    them. ``method`` is named where the study has several.
    """
    ranking = ranking.dropna(subset="score")
    sentence = _choice(ranking, choice(ranking)) + _floor(ranking, standing(ranking)) + "."
    return f"With {method}: {sentence[0].lower()}{sentence[1:]}" if method else sentence


def of_task(ranking: pd.DataFrame, method: str = "") -> str:
    """One task's best, its interval, and who cannot be told apart from it."""
    best = ranking.iloc[0]
    where = f"On {best['task']}" + (f" with {method}" if method else "")
    if pd.isna(best["score"]):
        return f"{where}, no backbone has a score: the test set has no example."
    measure = MEASURE_NAMES[best["measure"]]
    unit = "" if measure.usual else f" {measure.long}"
    spread = [f"95 % interval {interval(best['ci_low'], best['ci_high'])}"]
    spread += [mean] if (mean := mean_of(best["repeats"], best["seeds"])) else []
    reached = f"{percent(best['score'])} %{unit} ({', '.join(spread)})"
    if len(ranking) == 1:
        return f"{where}, only {best['backbone']} was run: {reached}."
    return f"{where}, {best['backbone']} is best at {reached}; {_others(ranking.iloc[1:])}."


def _others(rest: pd.DataFrame) -> str:
    """How the others compare with the best of their task."""
    tied = rest[rest["tied_with_best"].eq(True).fillna(False)]
    behind = rest[rest["tied_with_best"].eq(False).fillna(False)]
    unknown = rest[rest["tied_with_best"].isna()]
    parts = []
    if len(tied) == 1:
        only = tied.iloc[0]
        parts.append(
            f"{only['backbone']} cannot be told apart from it ({p_value(only['p_value'])})"
        )
    elif len(tied):
        names = [f"{row['backbone']} ({p_value(row['p_value'])})" for _, row in tied.iterrows()]
        parts.append(f"{listing(names)} cannot be told apart from it")
    elif len(behind):
        next_one = behind.iloc[0]
        parts.append(
            f"the next, {next_one['backbone']} at {percent(next_one['score'])} %, is behind by "
            f"more than {_luck(behind[:1])} explains ({p_value(next_one['p_value'])})"
        )
    if len(unknown):
        verb = "is" if len(unknown) == 1 else "are"
        why = listing(sorted(set(unknown["comparison"])))
        parts.append(f"{listing(list(unknown['backbone']))} {verb} not compared with it ({why})")
    return "; ".join(parts)


def _choice(ranking: pd.DataFrame, found: Choice) -> str:
    """The backbone to start from and how sure that is."""
    if found.first is None:
        names = ranking["backbone"]
        if names.map(is_random).all():
            return "There is no pretrained backbone with a score to choose"
        return "No pretrained backbone was run on every task, so there is no overall choice"
    reached = f"{percent(found.first.score)} % {_over(ranking)}"
    if found.alone:
        return f"Only one pretrained backbone was run: {found.first.backbone} reaches {reached}"
    return f"Start from {found.first.backbone} ({reached}){_verdict(ranking, found, found.first)}"


def _verdict(ranking: pd.DataFrame, found: Choice, first: Contender) -> str:
    """How sure the choice of ``first`` is."""
    tasks = len(ranking[TASK].drop_duplicates())
    rivals = [rival.backbone for rival in found.rivals]
    others = ranking[ranking["backbone"] != first.backbone]["tied_with_best"]
    if not found.level:
        return f", the best on average but not everywhere: {_beaten(ranking, first.backbone)}"
    if rivals and tasks == 1:
        level = f"{listing(rivals)} cannot be told apart from it"
        return f", but the choice is open: {level}{_probably(found, first)}{cheapest(found)}"
    if rivals:
        verb = "is" if len(rivals) == 1 else "are"
        level = f"{listing(rivals)} {verb} not shown to be worse on any task"
        return f", but the choice is open: {level}{cheapest(found)}"
    if others.isna().any():
        return ": nothing is shown to be better, but not all backbones could be compared"
    if others.any():
        where = "" if tasks == 1 else " on any task"
        return f", the only pretrained backbone that nothing is shown to beat{where}"
    where = "" if tasks == 1 else " on every task"
    luck = _luck(ranking[ranking["backbone"] != first.backbone])
    return f": it is ahead{where} by more than {luck} explains{_probably(found, first)}"


def _probably(found: Choice, first: Contender) -> str:
    """How probable it is that the first is the best, where repeats say."""
    if math.isnan(first.probability_best):
        return ""
    p = probability(first.probability_best)
    return f" (over {found.repeats} splits, {first.backbone} is the best with probability {p})"


def _luck(others: pd.DataFrame) -> str:
    """What the tests against the best have reckoned with."""
    over_splits = others["comparison"] == CORRECTED
    if over_splits.all():
        return "the luck of the split"
    return "luck" if over_splits.any() else "the luck of the test images"


def cheapest(found: Choice) -> str:
    """Which of several that cannot be told apart costs least; empty where that is not known."""
    if found.cheapest is None or found.first is None:
        return ""
    if found.by == "parameters":
        cost = f"{found.cheapest.parameters / 1e6:,.1f} million parameters"
    else:
        cost = f"{rate(found.cheapest.images_per_second)} images/s"
        cost += " in training" if found.trained else ""
        cost += "" if found.one_machine else ", measured on different machines"
    if found.cheapest is found.first:
        return f"; {found.first.backbone} is also the cheapest of them ({cost})"
    name = found.cheapest.backbone
    return f"; the cheapest of them is {name} ({cost}): take it unless cost is no matter"


def _beaten(ranking: pd.DataFrame, name: str) -> str:
    """Where ``name`` is not level with the best, and with whom."""
    best = dict(ranking[ranking["comparison"] == BEST][["task", "backbone"]].to_numpy())
    lost, unknown = [], []
    for _, row in ranking[ranking["backbone"] == name].iterrows():
        if pd.isna(row["tied_with_best"]):
            unknown.append(f"{best[row['task']]} scores higher on {row['task']} (not compared)")
        elif not row["tied_with_best"]:
            lost.append(f"{best[row['task']]} is better on {row['task']}")
    return listing(lost + unknown)


def _floor(ranking: pd.DataFrame, table: pd.DataFrame) -> str:
    """What random weights reach, where they were run on every task."""
    random = table[table["backbone"].map(is_random) & table["complete"]]
    if random.empty:
        return ""
    floor = f"; random weights, the floor, reach {percent(float(random['mean_score'].max()))} %"
    level = ranking[ranking["backbone"].map(is_random) & ranking["tied_with_best"].fillna(False)]
    if level.empty:
        return floor
    return f"{floor}, and on {listing(sorted(set(level['task'])))} nothing is shown to beat them"


def _over(ranking: pd.DataFrame) -> str:
    names = sorted(set(ranking["task"]))
    return f"on {names[0]}" if len(names) == 1 else f"on average over {len(names)} tasks"
