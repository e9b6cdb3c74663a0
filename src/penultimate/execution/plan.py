"""From a study to runs with an identity: data scanned and divided, networks resolved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from penultimate.backbones import ResolvedBackbone, random_form, resolve
from penultimate.backbones.random_form import check_trainable
from penultimate.data import Dataset, divided_anew, load_dataset
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
    setting that changes nothing here. ``repeat_of`` is the digest of the run on the first split,
    empty for that run itself.
    """

    spec: RunSpec
    run: Run
    dataset: Dataset
    backbone: ResolvedBackbone
    batch_norm: bool = False
    repeat_of: str = ""


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
    datasets: dict[tuple[Task, int, int], Dataset] = {}
    for task in study.tasks:
        for (seed, repeat), divided in _divided(task, study, cache, strict, progress).items():
            datasets[task, seed, repeat] = divided
    _note_what_is_not_repeated(
        study, [datasets[t, study.seeds[0], 0] for t in study.tasks], progress
    )
    planned: list[Planned] = []
    for backbone in study.backbones:
        resolved = _Resolved(backbone)
        first = ""
        for spec in study.runs():
            dataset = datasets.get((spec.task, spec.seed, spec.repeat))
            if spec.backbone is not backbone or dataset is None:
                continue
            item = _planned(spec, dataset, *resolved.of(spec.method, spec.seed))
            if spec.repeat == 0:
                first = item.run.digest
            planned.append(replace(item, repeat_of=first if spec.repeat else ""))
    return planned


def _divided(
    task: Task, study: Study, cache: Path, strict: bool, progress: Progress
) -> dict[tuple[int, int], Dataset]:
    """A task under each seed and repeat; read and searched for duplicates once, if it is ours.

    Repeats that give a split once more are left out: they would look like evidence.
    """
    first: Dataset | None = None
    found = {}
    for seed in study.seeds:
        if first is not None and first.drawn:
            found[seed, 0] = divided_anew(task, first, seed, 0)
        else:
            first = load_dataset(task, seed=seed, cache=cache, strict=strict, progress=progress)
            found[seed, 0] = first
        splits = {found[seed, 0].fingerprint}
        for repeat in range(1, study.repeats if first.drawn else 1):
            anew = divided_anew(task, first, seed, repeat)
            if anew.fingerprint not in splits:
                found[seed, repeat] = anew
                splits.add(anew.fingerprint)
        if first.drawn and len(splits) < study.repeats:
            progress.note(
                f"{first.name}: only {len(splits)} of {study.repeats} splits differ, since images "
                "that belong together leave no other: the rest is not computed"
            )
    return found


def _note_what_is_not_repeated(
    study: Study, datasets: Sequence[Dataset], progress: Progress
) -> None:
    """What ``repeats`` does not hold for, each in a sentence."""
    if study.repeats == 1:
        return
    for dataset in datasets:
        if not dataset.drawn:
            progress.note(
                f"{dataset.name} comes with a test part of its own ({dataset.split_source}): it "
                f"is scored once, and not over {study.repeats} splits"
            )
    trained = [method.name for method in study.methods if not isinstance(method, LinearProbe)]
    if trained and any(dataset.drawn for dataset in datasets):
        progress.note(
            f"{' and '.join(trained)} would train anew for each of {study.repeats} splits: run "
            "on the first split only, and compared with the linear probe there"
        )


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
