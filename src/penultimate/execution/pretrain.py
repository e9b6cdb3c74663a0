"""Pretraining: one of the paper's networks, from random weights to a backbone file."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from torch import Tensor

from penultimate.backbones.paper import PAPER, PaperNetwork, build_paper, save_paper
from penultimate.backbones.paper.cards import PREFIX
from penultimate.backbones.paper.checkpoint import origin
from penultimate.backbones.paper.named import digest_paper, preprocessing_of
from penultimate.backbones.paper.switches import PaperName
from penultimate.data import Dataset, load_dataset
from penultimate.errors import BackboneError, CheckpointError, SpecError, UnknownNameError
from penultimate.execution.pretrain_folder import claim
from penultimate.execution.provenance import PACKAGES, provenance
from penultimate.io import write_atomic
from penultimate.methods.source_task import SourceTask, check_size
from penultimate.progress import SILENT, Progress
from penultimate.spec import Preprocessing, Pretrain, Pretrained, Recipe, SourceScore, Task
from penultimate.store import SkippedExample, Training
from penultimate.store.pretraining import PretrainingFolder, PretrainingRecord, Saved
from penultimate.training import TRAINING_VERSION, Team, Trained

PIXELS = 2**36  # bytes of decoded pictures on disk


@dataclass(frozen=True, eq=False)
class Planned:
    """A pretraining with nothing left to choose."""

    name: PaperName
    task: Task
    dataset: Dataset
    settings: Pretrain
    recipe: Recipe
    preprocessing: Preprocessing
    seed: int
    training: Training

    @property
    def backbone(self) -> str:
        """``paper:NAME,SWITCH=VALUE``, switches at their defaults left out."""
        switches = self.name.switches.identity()
        said = [f"{key}={_said(value)}" for key, value in sorted(switches.items())]
        return ",".join([PREFIX + self.name.network, *said])

    def network(self) -> PaperNetwork:
        """As the training begins with it."""
        return build_paper(
            self.name.network,
            seed=self.seed,
            num_classes=len(self.dataset.classes),
            **self.name.switches.model_dump(),
        )


@dataclass(frozen=True, eq=False)
class PretrainingDone:
    """A finished pretraining; ``computed`` is False where it had been finished before."""

    folder: PretrainingFolder
    record: PretrainingRecord
    computed: bool

    @property
    def backbone(self) -> str:
        """The name under which ``penultimate run`` takes it."""
        return f"{self.record.backbone.partition(',')[0]}@{self.folder.final}"


def pretrain(
    name: str,
    task: Task,
    settings: Pretrain,
    output: Path,
    *,
    image_size: int | None = None,
    seed: int = 0,
    checkpoint_every: int | None = None,
    cache: Path | None = None,
    pixel_limit: int = PIXELS,
    strict: bool = False,
    device: str | None = None,
    workers: int | None = None,
    command: str = "",
    progress: Progress = SILENT,
) -> PretrainingDone:
    """Train a network of the paper's on a source task, and measure it there.

    Interrupted at any moment and called again it goes on, and ends as if it had not been
    interrupted; bit for bit so on the CPU. Under torchrun all processes train one network, and the
    first one writes.

    Parameters
    ----------
    name : ``paper:NAME`` with its switches.
    output : a folder for what comes of it, of this pretraining alone.
    image_size : pixels a side; the network's own where None.
    seed : of the first weights, the order of images, crops and dropout, and of the split where the
        task does not come with one.
    checkpoint_every : steps between backbone files along the way.
    cache : a folder for decoded pictures, which several pretrainings may share; within ``output``
        where None.
    pixel_limit : bytes that decoded pictures may take there.
    strict : stop at the first image that cannot be read, rather than skip and count it.

    Raises
    ------
    SpecError : there is no such network, or a setting does not fit the task.
    BackboneError : the network cannot take images of this size, or the training diverged.
    DataError : the task's images cannot be used.
    StoreError : the folder holds another pretraining, or cannot be written.
    """
    paper, folder = read_name(name), PretrainingFolder(output)
    folder.read()  # refused before anything is written into it
    cache = cache or folder.cache
    team = Team.join(device)
    dataset = load_dataset(task, seed=seed, cache=cache / "scans", strict=strict, progress=progress)
    planned = _plan(paper, task, dataset, settings, image_size, seed, team.world)
    with ExitStack() as held:
        found = None
        if team.rank == 0:
            found = claim(folder, _record(planned), held, progress)
        found = team.from_first(found)
        if found is None or found.status == "running":
            source = SourceTask.open(
                dataset,
                planned.preprocessing,
                settings,
                cache,
                limit=pixel_limit,
                team=team,
                workers=workers,
                progress=progress,
            )
            record, computed = (
                _Job(planned, folder, source, checkpoint_every, command).run(),
                True,
            )
        else:
            record, computed = found, False
    if record.status == "diverged":
        raise BackboneError(
            f"the training of {record.backbone} on {record.task} diverged after {record.steps:,} "
            f"steps ({record.reason}): lower the learning rate and choose a new folder"
        )
    return PretrainingDone(folder, record, computed)


def read_name(name: str) -> PaperName:
    """The network to pretrain.

    Raises
    ------
    UnknownNameError : it is none of the paper's.
    SpecError : it asks for weights, or a switch is not right.
    """
    if not name.startswith(PREFIX):
        raise UnknownNameError(
            "network to pretrain",
            name,
            [PREFIX + known for known in PAPER],
            f"'penultimate list backbones \"{PREFIX}*\"' shows all sixteen",
        )
    read = PaperName.read(name)
    if read.weights not in ("", "random"):
        raise SpecError(
            f"{name} names weights, and pretraining begins with random ones: leave "
            f"@{read.weights} out"
        )
    return read


def _plan(
    name: PaperName,
    task: Task,
    dataset: Dataset,
    settings: Pretrain,
    image_size: int | None,
    seed: int,
    processes: int,
) -> Planned:
    """Everything that can be wrong with settings, names and images shows here."""
    parts = settings.parts.split("+")
    images = sum(len(dataset.indices(part)) for part in parts)
    try:
        recipe = settings.recipe(images, label_smoothing=name.switches.label_smoothing)
    except ValueError as error:
        raise SpecError(f"{dataset.name}: {error}") from None
    preprocessing = preprocessing_of(name.network, image_size)
    micro = recipe.micro_batch
    # Batch norm sees the micro-batches of all processes at once.
    seen = recipe if micro is None else recipe.model_copy(update={"micro_batch": micro * processes})
    network = build_paper(
        name.network, seed=seed, num_classes=len(dataset.classes), **name.switches.model_dump()
    )
    check_size(network, preprocessing, PAPER[name.network].image_size)
    training = Training(
        data=dataset.fingerprint,
        measure=dataset.measure,
        parts=tuple(parts),
        weights=digest_paper(network),
        preprocessing=preprocessing,
        head="random",
        recipe=seen,
        seed=seed,
        version=TRAINING_VERSION,
    )
    return Planned(name, task, dataset, settings, recipe, preprocessing, seed, training)


def _record(planned: Planned) -> PretrainingRecord:
    """What stands in the folder while the training runs."""
    dataset = planned.dataset
    return PretrainingRecord(
        digest=planned.training.digest,
        backbone=planned.backbone,
        task=dataset.name,
        source=planned.task.source,
        classes=len(dataset.classes),
        n_train=sum(len(dataset.indices(part)) for part in planned.training.parts),
        training=planned.training,
        split_source=dataset.split_source,
        skipped=tuple(SkippedExample(id=s.id, reason=s.reason) for s in dataset.skipped),
        notices=dataset.notices,
    )


@dataclass(frozen=True, eq=False)
class _Job:
    """One call's work, in each process of the team."""

    planned: Planned
    folder: PretrainingFolder
    source: SourceTask
    every: int | None
    command: str

    def run(self) -> PretrainingRecord:
        """Train, measure, keep."""
        planned, folder = self.planned, self.folder
        steps = planned.recipe.steps
        network = planned.network()
        trained = self.source.train(
            network,
            planned.recipe,
            seed=planned.seed,
            identity=planned.training.digest,
            checkpoint=folder.state,
            snapshots=range(self.every, steps, self.every) if self.every else (),
            on_snapshot=self._snapshot,
            description=f"{planned.backbone} on {planned.dataset.name}",
        )
        if trained.status == "finished":
            self._save(network, steps, folder.final)
        record = self._ended(trained)
        if self.source.team.rank == 0:
            frame = pd.DataFrame(trained.curve)
            write_atomic(folder.curve, frame.to_parquet(index=False))
            folder.write(record)
            folder.state.unlink(missing_ok=True)
        return self.source.team.from_first(record)

    def _snapshot(self, step: int, state: Mapping[str, Tensor]) -> None:
        """Keep a backbone along the way."""
        network = self.planned.network()
        network.load_state_dict(state)
        self._save(network, step, self.folder.step(step, self.planned.recipe.steps))

    def _save(self, network: PaperNetwork, step: int, path: Path) -> None:
        """Measure a network and write it with what was measured; every process must call it."""
        scores = self.source.measure(network)
        if self.source.team.rank == 0:
            save_paper(network.cpu(), path, self._origin(network, step, scores))

    def _origin(
        self, network: PaperNetwork, step: int, scores: tuple[SourceScore, ...]
    ) -> Pretrained:
        planned = self.planned
        return Pretrained(
            task=planned.dataset.name,
            source=planned.task.source,
            data=planned.dataset.fingerprint,
            classes=planned.dataset.classes,
            learned_from=planned.training.parts,
            image_size=planned.preprocessing.size,
            step=step,
            steps=planned.recipe.steps,
            recipe=planned.recipe.identity(),
            seed=planned.seed,
            evaluation=planned.settings.evaluation,
            scores=scores,
            weights=digest_paper(network, features_only=True),
            training=planned.training.digest,
            versions={package: importlib.metadata.version(package) for package in PACKAGES},
        )

    def _ended(self, trained: Trained) -> PretrainingRecord:
        # Validated anew: what is undefined, such as the loss of a diverged training, becomes null.
        return PretrainingRecord.model_validate(
            {
                **dict(_record(self.planned)),
                "status": trained.status,
                "reason": trained.reason,
                "steps": trained.steps,
                "saved": tuple(saved(self.folder)),
                "final_loss": trained.final_loss,
                "seconds": trained.seconds,
                "images_per_second": trained.images_per_second,
                "peak_memory": trained.peak_memory,
                "provenance": provenance(trained.engine.record(), self.command),
            }
        )


def saved(folder: PretrainingFolder) -> list[Saved]:
    """The backbone files of a folder in the order of their steps."""
    found = []
    for path in folder.files():
        said = origin(path)
        if said is None:
            raise CheckpointError(f"{path} does not say how it was trained: move it elsewhere")
        found.append(Saved(file=path.name, step=said.step, scores=said.scores))
    return sorted(found, key=lambda one: one.step)


def _said(value: Any) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else str(value)
