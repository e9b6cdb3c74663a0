"""From a study to runs with an identity: data scanned and divided, networks resolved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from penultimate.backbones import ResolvedBackbone, resolve
from penultimate.data import Dataset, load_dataset
from penultimate.features import FEATURES_VERSION
from penultimate.progress import SILENT, Progress
from penultimate.spec import Backbone, RunSpec, Study, Task
from penultimate.store import Run


@dataclass(frozen=True, eq=False)
class Planned:
    """A run with what it will be computed from; its backbone has let go of the network."""

    spec: RunSpec
    run: Run
    dataset: Dataset
    backbone: ResolvedBackbone


def plan(
    study: Study, *, cache: Path, strict: bool = False, progress: Progress = SILENT
) -> list[Planned]:
    """Every run of a study, those of one backbone together.

    All that can be wrong with names, paths, checkpoints and images shows here, before anything
    is computed.

    Parameters
    ----------
    cache : a folder for what scanning files found.
    strict : stop at the first image that cannot be read, rather than skip and count it.

    Raises
    ------
    PenultimateError : a task or a backbone cannot be used.
    """
    datasets: dict[tuple[Task, int], Dataset] = {}
    for task in study.tasks:
        for seed in study.seeds:
            dataset = load_dataset(task, seed=seed, cache=cache, strict=strict, progress=progress)
            datasets[task, seed] = dataset
    planned = []
    for backbone in study.backbones:
        resolved: dict[int, ResolvedBackbone] = {}
        for seed in study.seeds:
            resolved[seed] = _resolve(backbone, seed, resolved)
        planned += [
            _planned(spec, datasets[spec.task, spec.seed], resolved[spec.seed])
            for spec in study.runs()
            if spec.backbone is backbone
        ]
    return planned


def _resolve(backbone: Backbone, seed: int, known: dict[int, ResolvedBackbone]) -> ResolvedBackbone:
    """The backbone without its network, which need not stay in memory until it is used."""
    if known and not backbone.name.endswith("@random"):
        return next(iter(known.values()))  # only a random network depends on the seed
    return replace(resolve(backbone, seed=seed), module=None)


def _planned(spec: RunSpec, dataset: Dataset, backbone: ResolvedBackbone) -> Planned:
    run = Run(
        data=dataset.fingerprint,
        weights=backbone.weights,
        preprocessing=backbone.preprocessing,
        precision=backbone.spec.precision,
        features_version=FEATURES_VERSION,
        measure=dataset.measure,
        method=spec.method,
        method_version=f"{spec.method.name}/{spec.method.VERSION}",
        seed=spec.seed,
    )
    return Planned(spec=spec, run=run, dataset=dataset, backbone=backbone)
