"""From a study to runs with an identity: data scanned and divided, networks resolved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from penultimate.backbones import ResolvedBackbone, random_form, resolve
from penultimate.backbones.random_form import check_trainable
from penultimate.data import Dataset, load_dataset
from penultimate.errors import DataError
from penultimate.features import FEATURES_VERSION
from penultimate.methods.cell import budget
from penultimate.progress import SILENT, Progress
from penultimate.spec import Backbone, FromScratch, LinearProbe, Method, RunSpec, Study, Task
from penultimate.store import Run
from penultimate.training import TRAINING_VERSION, has_batch_norm


@dataclass(frozen=True, eq=False)
class Planned:
    """A run with what it will be computed from; its backbone has let go of the network.

    From scratch, the backbone is the random form of the one in ``spec``. ``run.method`` has no
    setting that changes nothing here.
    """

    spec: RunSpec
    run: Run
    dataset: Dataset
    backbone: ResolvedBackbone
    batch_norm: bool = False


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
        resolved = _Resolved(backbone)
        planned += [
            _planned(spec, datasets[spec.task, spec.seed], *resolved.of(spec.method, spec.seed))
            for spec in study.runs()
            if spec.backbone is backbone
        ]
    return planned


class _Resolved:
    """The forms of a backbone that its runs need, each built once.

    None keeps its network, which need not stay in memory until it is used.
    """

    def __init__(self, backbone: Backbone) -> None:
        self._backbone = backbone
        self._known: dict[tuple[Backbone, int], tuple[ResolvedBackbone, bool]] = {}

    def of(self, method: Method, seed: int) -> tuple[ResolvedBackbone, bool]:
        """The form that a method begins with, and whether it has batch norm."""
        form = self._backbone
        if not isinstance(method, LinearProbe):
            check_trainable(form)
        if isinstance(method, FromScratch):
            form = random_form(form)
        # Only a random network depends on the seed.
        key = form, seed if form.name.endswith("@random") else 0
        if key not in self._known:
            built = resolve(form, seed=seed)
            batch_norm = built.module is not None and has_batch_norm(built.module)
            self._known[key] = replace(built, module=None), batch_norm
        return self._known[key]


def _planned(
    spec: RunSpec, dataset: Dataset, backbone: ResolvedBackbone, batch_norm: bool
) -> Planned:
    version = f"{spec.method.name}/{spec.method.VERSION}"
    trained = not isinstance(spec.method, LinearProbe)
    run = Run(
        data=dataset.fingerprint,
        weights=backbone.weights,
        preprocessing=backbone.preprocessing,
        precision=backbone.spec.precision,
        features_version=None if trained else FEATURES_VERSION,
        measure=dataset.measure,
        method=_telling(spec.method, dataset, batch_norm),
        method_version=f"{version}, training/{TRAINING_VERSION}" if trained else version,
        seed=spec.seed,
    )
    return Planned(spec=spec, run=run, dataset=dataset, backbone=backbone, batch_norm=batch_norm)


def _telling(method: Method, dataset: Dataset, batch_norm: bool) -> Method:
    """The settings without those that change nothing.

    Raises
    ------
    DataError, SpecError : the data cannot be learned from with them.
    """
    if isinstance(method, LinearProbe):
        return method
    if not dataset.has_images:
        raise DataError(
            f"{dataset.name} has features and no images, so there is nothing for {method.name} to "
            "train on: use the method linear-probe"
        )
    batch = budget(method, len(dataset.indices("train"))).batch_size
    if method.micro_batch is not None and (not batch_norm or method.micro_batch >= batch):
        return method.model_copy(update={"micro_batch": None})
    return method
