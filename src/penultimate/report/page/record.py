"""What a reader needs to trust and to repeat the numbers: skips, notices, cost, provenance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

from penultimate.report.findings import Findings
from penultimate.report.imagenet import accuracy_of
from penultimate.report.words import rate, seconds
from penultimate.store import Result

MOST_NAMES = 300  # of skipped images listed a task: the store has them all


@dataclass(frozen=True)
class Reading:
    """What reading one task's images met."""

    task: str
    skipped: int
    reasons: list[tuple[str, int]]
    names: list[tuple[str, str]]
    unlisted: int
    notices: list[str]


@dataclass(frozen=True)
class Cost:
    """What one backbone costs, under one method."""

    backbone: str
    method: str
    architecture: str
    parameters: str
    parameters_value: int | None
    features: int
    image_size: str
    speed: str
    speed_value: float | None
    stages: list[tuple[str, float | None]]


@dataclass(frozen=True)
class Split:
    """How one task's images were divided."""

    task: str
    seed: int
    repeat: int
    source: str
    sizes: str
    file: str
    fingerprint: str


@dataclass(frozen=True)
class Weights:
    """Which weights a backbone had, and how it saw the images."""

    backbone: str
    source: str
    digest: str
    preprocessing: str
    imagenet: str


def readings(findings: Findings) -> list[Reading]:
    """Task by task, those with something to tell."""
    by_task: dict[str, list[Result]] = {}
    for result in findings.results.values():
        by_task.setdefault(result.spec.task.display, []).append(result)
    found = []
    for task, results in sorted(by_task.items()):
        skipped = {s.id: s.reason for result in results for s in result.skipped}
        # What repeats say of classes differs from split to split: the first stands for all.
        first = [result for result in results if result.spec.repeat == 0] or results
        notices = list(dict.fromkeys(n for result in first for n in result.notices))
        if skipped or notices:
            found.append(
                Reading(
                    task=task,
                    skipped=len(skipped),
                    reasons=Counter(skipped.values()).most_common(),
                    names=list(skipped.items())[:MOST_NAMES],
                    unlisted=max(0, len(skipped) - MOST_NAMES),
                    notices=notices,
                )
            )
    return found


def costs(findings: Findings) -> tuple[list[str], list[Cost]]:
    """The names of the stages that were timed, and a row a backbone and method with means."""
    stages = list(
        dict.fromkeys(s for result in findings.results.values() for s in result.durations)
    )
    rows = []
    methods = list(dict.fromkeys(r.run.method.name for r in findings.results.values()))
    for name, method in product(findings.backbones, sorted(methods)):
        results = [
            r
            for r in findings.results.values()
            if (r.spec.backbone.display, r.run.method.name) == (name, method)
        ]
        if not results:
            continue
        network = results[0].network
        speed = _mean(r.images_per_second for r in results)
        size = network.image_size
        rows.append(
            Cost(
                backbone=name,
                method=method,
                architecture=network.architecture,
                parameters="—" if network.parameters is None else f"{network.parameters / 1e6:.1f}",
                parameters_value=network.parameters,
                features=network.features,
                image_size="—" if size is None else str(size),
                speed="—" if speed is None else rate(speed),
                speed_value=speed,
                stages=[_stage(results, stage) for stage in stages],
            )
        )
    return [stage.replace("_", " ") for stage in stages], rows


def splits(findings: Findings) -> list[Split]:
    """Every division of the data, once."""
    found = {}
    for result in findings.results.values():
        sizes = f"{result.n_train:,} / {result.n_val:,} / {result.n_test:,}"
        spec = result.spec
        key = (spec.task.display, spec.seed, spec.repeat, result.run.data)
        file = result.artefacts.get("split", "—")
        found[key] = Split(*key[:3], result.split_source, sizes, file, result.run.data)
    return [found[key] for key in sorted(found)]


def weights(findings: Findings) -> list[Weights]:
    """Every set of weights with its preprocessing, once, in the page's order."""
    found = {}
    for result in findings.results.values():
        name = result.spec.backbone.display
        seen = _preprocessing(result)
        if (name, result.run.weights, seen) not in found:
            found[name, result.run.weights, seen] = Weights(
                name,
                result.network.source,
                result.run.weights,
                seen,
                accuracy_of(findings.frame, result.run.weights),
            )
    return sorted(found.values(), key=lambda w: (findings.backbones.index(w.backbone), w.digest))


def commands(findings: Findings) -> list[str]:
    """The commands that made the results, each once."""
    return sorted({r.provenance.command for r in findings.results.values() if r.provenance.command})


def environment(findings: Findings) -> list[tuple[str, list[str]]]:
    """Versions, machines and settings; more than one value where runs differ."""
    rows: dict[str, dict[str, None]] = {}
    for result in findings.results.values():
        made = result.provenance
        engine = ", ".join(f"{key} {value}" for key, value in made.engine.items())
        settings = result.run.method.model_dump(exclude={"name"})
        values = {
            result.run.method.name: ", ".join(f"{key} {_plain(v)}" for key, v in settings.items()),
            "seed": str(result.spec.seed),
            "device": f"{made.device}, {made.processor}, {made.threads} threads",
            "engine": engine,
            "system": made.platform,
            "Python": made.python,
            **made.packages,
        }
        for key, value in values.items():
            rows.setdefault(key, {})[value] = None
    return [(key, sorted(values)) for key, values in rows.items() if any(values)]


def _stage(results: list[Result], stage: str) -> tuple[str, float | None]:
    mean = _mean(r.durations.get(stage) for r in results)
    return ("—" if mean is None else seconds(mean), mean)


def _plain(value: object) -> str:
    if isinstance(value, tuple):
        return " to ".join(map(_plain, value)) if len(value) == 2 else ", ".join(map(_plain, value))
    return f"{value:g}" if type(value) in (int, float) else str(value)


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _preprocessing(result: Result) -> str:
    seen = result.run.preprocessing
    if isinstance(seen, str):
        return "none" if seen == "none" else f"your own ({seen[:12]})"
    return f"{seen.size} px, {seen.geometry}, {seen.interpolation}, {result.run.precision}"
