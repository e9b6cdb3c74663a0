"""Does ImageNet accuracy tell how well networks transfer? Panels in log odds, and the numbers.

Made of a plain frame, so that a page on somebody else's table has the same section.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd
from markupsafe import Markup

from penultimate.figures.correlation_numbers import AVERAGE, Correlation, correlations
from penultimate.figures.paper import in_order
from penultimate.report.page.plot import BEHIND, LEVEL, UNKNOWN, Frame, Point
from penultimate.report.page.scatter import LARGE, MIDDLE, SMALL, scatter
from penultimate.report.words import UNDEFINED, count, is_random, listing, p_value, percent
from penultimate.stats import accuracy_grid, complete, correlation
from penultimate.stats.answers import SIGNIFICANCE
from penultimate.stats.correlation import FEWEST
from penultimate.stats.grid import Missing

TASK_RESAMPLES = 2_000  # of the intervals of one task's r; those over all tasks take more
FEW = 6  # networks: with fewer, r is large by luck too often to be quoted without a word
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Numbers:
    """One line of a table: r on log odds and rho, with intervals and p-values, as text.

    ``values`` are what the columns are sorted by; None where undefined.
    """

    name: str
    networks: int
    r: tuple[str, str, str]
    rho: tuple[str, str, str]
    values: dict[str, float | None]


@dataclass(frozen=True)
class Setting:
    """One method's panels: ``large`` over all tasks, or of the one task; ``small`` of each task."""

    method: str
    sentence: str
    large: Markup
    small: list[tuple[str, Markup]]
    tasks: list[Numbers]


@dataclass(frozen=True)
class CorrelationSection:
    """The section; without ``settings`` there is nothing to draw and ``notes`` say why.

    Parameters
    ----------
    notes : sentences on what is left out, or missing.
    commands : what to run to have what is missing.
    uncompared : whether a point is drawn that was not compared with the best.
    """

    settings: list[Setting]
    overall: list[Numbers]
    notes: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    uncompared: bool = False


def correlation_section(
    frame: pd.DataFrame, *, commands: Sequence[str] = (), seed: int = 0
) -> CorrelationSection:
    """The section of a tidy frame of accuracies.

    Networks without an ImageNet accuracy are left out, which a note says; so are holes, whichever
    of networks and tasks then loses less.

    Parameters
    ----------
    frame : a row a backbone, task and method: ``backbone``, ``task``, ``method`` (``""`` where
        there is but one), ``score`` and ``imagenet_top1`` (fractions), ``n_test`` (NaN where not
        known) and ``tied_with_best`` (boolean, null where there is no test). Networks with
        random weights before a linear probe are no points: they are the floor.
    commands : what makes missing ImageNet accuracies known.
    seed : of the bootstrap.
    """
    scored = frame.dropna(subset="score")
    floor = scored["backbone"].map(is_random) & (scored["method"] != "from-scratch")
    scored = scored[~floor]
    known = scored.dropna(subset="imagenet_top1")
    notes = _unknown(scored, known)
    ends = ~known["imagenet_top1"].between(0, 1, inclusive="neither")
    if ends.any():  # as measured on a handful of images
        names = listing(list(dict.fromkeys(known.loc[ends, "backbone"])))
        notes.append(f"ImageNet accuracies of 0 and 100 % have no log odds: {names} left out.")
        known = known[~ends]
    order = list(dict.fromkeys(known["backbone"]))
    methods = in_order(known["method"])
    frame_of_all = MIDDLE if len(methods) > 2 else LARGE
    settings, overall = [], []
    for method in methods:
        whole, holes = _without_holes(known[known["method"] == method])
        where = f"With {method}: " if method else ""
        notes += [where + note for note in holes]
        if whole["backbone"].nunique() < FEWEST:
            networks = count(whole["backbone"].nunique(), "network")
            notes.append(
                f"{where}a correlation needs at least {FEWEST} networks of known ImageNet "
                f"accuracy, and there {'is' if networks.startswith('1 ') else 'are'} {networks}."
            )
        else:
            found = correlations(whole, seed=seed)[0]
            setting, numbers = _setting(found, whole, order, frame_of_all, seed)
            settings.append(setting)
            overall.append(numbers)
    if not settings and known.empty:
        notes.append(
            f"A correlation needs the ImageNet accuracy of at least {FEWEST} networks, and it is "
            "known of none."
        )
    if floor.any() and settings:
        notes.append(
            "Random weights, the floor, are no points here: they know nothing of ImageNet."
        )
    lacking = bool(scored["imagenet_top1"].isna().any())
    return CorrelationSection(
        settings,
        overall,
        notes,
        list(commands) if lacking else [],
        any("plain unknown" in svg for one in settings for svg in _drawn(one)),
    )


def _drawn(setting: Setting) -> list[Markup]:
    return [setting.large, *(svg for _, svg in setting.small)]


def _unknown(scored: pd.DataFrame, known: pd.DataFrame) -> list[str]:
    names = [n for n in dict.fromkeys(scored["backbone"]) if n not in set(known["backbone"])]
    if not names or known.empty:
        return []
    left_out = "it is left out" if len(names) == 1 else "they are left out"
    return [f"The ImageNet accuracy of {listing(names)} is not known: {left_out}."]


def _without_holes(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Rows of every network on every task, and what was left out to have it so."""
    grid = accuracy_grid(rows)
    if not grid.isna().to_numpy().any():
        return rows, []
    ways: list[Missing] = ["drop-models", "drop-data-sets"]
    kept = {}
    for way in ways:
        holes = grid.isna()
        if not holes.any(axis=0 if way == "drop-data-sets" else 1).all():
            kept[way] = complete(grid, way)
    usable = [grid for grid in kept.values() if len(grid) >= FEWEST]
    if not usable:
        return rows.head(0), ["no task was run with enough of the networks."]
    best = max(usable, key=lambda grid: grid.size)
    gone = [f"network {name}" for name in grid.index.difference(best.index, sort=False)]
    gone += [f"task {name}" for name in grid.columns.difference(best.columns, sort=False)]
    inside = rows["backbone"].isin(best.index) & rows["task"].isin(best.columns)
    verb = "is" if len(gone) == 1 else "are"
    return rows[inside], [f"{listing(gone)} {verb} left out, since runs are missing."]


def _setting(
    found: Correlation, rows: pd.DataFrame, order: Sequence[str], room: Frame, seed: int
) -> tuple[Setting, Numbers]:
    grid = accuracy_grid(rows)
    imagenet = rows.groupby("backbone")["imagenet_top1"].max()
    n = rows.groupby("task")["n_test"].max()
    over_all = correlation(imagenet, grid, n=n, seed=seed).iloc[0]
    tasks = found.data_sets
    several = len(tasks) > 1
    alone = {f"only {task}": [task] for task in tasks} if several else {}
    each = correlation(imagenet, grid, alone, n=n, seed=seed, resamples=TASK_RESAMPLES)
    mean = f"average over {len(tasks)} tasks"
    large = _panel(found, AVERAGE if several else tasks[0], order, room, grid, mean)
    numbers = _numbers(found.method, over_all)
    return (
        Setting(
            found.method,
            _sentence(found.method, over_all),
            large,
            [(t, _panel(found, t, order, SMALL, grid, mean)) for t in tasks] if several else [],
            [_numbers(t, each.T[f"only {t}"]) for t in tasks] if several else [],
        ),
        numbers,
    )


def _panel(
    found: Correlation, name: str, order: Sequence[str], frame: Frame, grid: pd.DataFrame, mean: str
) -> Markup:
    rows = found.points[found.points["data_set"] == name]
    places = {backbone: i for i, backbone in enumerate(order)}
    average = name == AVERAGE
    points = [
        Point(
            x=row["imagenet_log_odds"],
            y=row["log_odds"],
            of=places[row["backbone"]],
            text=_text(row, mean if average else name, grid),
            kind=_kind(row["level_with_best"]),
            error=row["standard_error"],
        )
        for _, row in rows.iterrows()
    ]
    what = f"accuracy, {mean}" if average else f"accuracy on {name}"
    label = f"ImageNet accuracy against {what}" + (f", {found.method}" if found.method else "")
    axes = ("ImageNet top-1, %", f"{what}, %") if frame is not SMALL else ("", "")
    return scatter(points, found.lines[name], label=label, axes=axes, frame=frame)


def _text(row: pd.Series, name: str, grid: pd.DataFrame) -> str:
    """The name, and both accuracies, a line each."""
    average = pd.isna(row["score"])
    score = float(grid.loc[row["backbone"]].mean()) if average else row["score"]
    spread = ""
    if not math.isnan(row["standard_error"]):
        spread = f"\nmean log odds {decimal(row['log_odds'])} ± {row['standard_error']:.2f}"
    imagenet = percent(row["imagenet_top1"])
    return f"{row['backbone']}\nImageNet {imagenet} %\n{name} {percent(score)} %{spread}"


def _kind(level: bool | None) -> str:
    return UNKNOWN if pd.isna(level) else LEVEL if level else BEHIND


def _numbers(name: str, row: pd.Series) -> Numbers:
    def three(measure: str) -> tuple[str, str, str]:
        low, high = row[f"{measure}_low"], row[f"{measure}_high"]
        undefined = pd.isna(row[measure])
        return (
            decimal(row[measure]),
            UNDEFINED if math.isnan(low + high) else f"{decimal(low)} to {decimal(high)}",
            UNDEFINED if undefined else p_value(float(row[f"{measure}_p"])),
        )

    values = {key: None if pd.isna(row[key]) else float(row[key]) for key in VALUES}
    return Numbers(name, int(row["networks"]), three("r"), three("rho"), values)


VALUES = ("r", "r_p", "rho", "rho_p")


def decimal(value: float) -> str:
    """``0.96`` or ``−0.12``, a dash where it is undefined."""  # noqa: RUF002
    return UNDEFINED if math.isnan(value) else f"{value:.2f}".replace("-", MINUS)


def _sentence(method: str, row: pd.Series) -> str:
    """Whether the better network on ImageNet is the better one here, and how sure that is."""
    start = f"With {method}, " if method else ""
    networks = int(row["networks"])
    if math.isnan(row["r"]):
        text = "r is undefined, since all networks are equal on one side."
        return f"{start}{text}" if start else _capital(text)
    sure = row["r_p"] <= SIGNIFICANCE and not row["r_low"] <= 0 <= row["r_high"]
    if not sure:
        claim = "accuracy on ImageNet is not shown to tell which network transfers better"
    elif row["r"] > 0:
        claim = "the better a network is on ImageNet, the better it transfers"
    else:
        claim = "the better a network is on ImageNet, the worse it transfers"
    r, interval, p = _numbers("", row).r
    caution = " So few networks say little." if networks < FEW else ""
    text = f"{start}{claim}: r = {r} (95 % interval {interval}, {p}) over {networks} networks."
    return f"{text if start else _capital(text)}{caution}"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
