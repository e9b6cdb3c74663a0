"""Results without a network: real models, a real store, drawn predictions.

Each test image has a difficulty and each backbone an ability; a backbone is right where the sum of
its ability and noise exceeds the difficulty. Backbones therefore fail on the same images, as real
ones do, and every score, interval and curve follows from the numbers given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from penultimate.io import digest_bytes
from penultimate.metrics import MEASURES, SEVERAL, mean_average_precision
from penultimate.spec import (
    Backbone,
    FineTune,
    FromScratch,
    LinearProbe,
    Method,
    Preprocessing,
    RunSpec,
    Task,
)
from penultimate.stats import LABEL, LOG_ODDS, precision_interval, score_interval
from penultimate.store import (
    FEATURE_SAMPLE,
    Candidate,
    Interval,
    Network,
    Provenance,
    Result,
    ResultStore,
    Run,
    SkippedExample,
)

TOO_FEW = "1,000 steps were not enough: scale features"
METHODS: dict[str, Method] = {
    "linear-probe": LinearProbe(),
    "fine-tune": FineTune(),
    "from-scratch": FromScratch(),
}


@dataclass
class FakeTask:
    """A task's test set and what reading it met.

    ``n_train`` is of train and validation together, four times ``n_test`` where None; ``draw``
    tells apart subsets of one size.
    """

    classes: Sequence[str] = tuple("abcdefghij")
    n_test: int = 360
    hardness: float = 0.0
    measure: str = "top-1"
    skipped: Sequence[SkippedExample] = ()
    notices: Sequence[str] = ()
    unconverged: int = 0
    source: str = ""
    n_train: int | None = None
    draw: int = 0


@dataclass
class FakeStudy:
    """Backbones by ability (0 is about half right), tasks, seeds.

    ``gains`` is what a method adds to every ability; ``imagenet`` has accuracies by backbone;
    ``sampled`` keeps a sample of features with each linear probe, as runs do; ``settings`` are of
    methods that train; ``repeats`` are the splits that linear probes are scored over, under each
    seed.
    """

    backbones: Mapping[str, float]
    tasks: Mapping[str, FakeTask] = field(default_factory=lambda: {"digits": FakeTask()})
    seeds: Sequence[int] = (0,)
    created: str = "2026-05-04T12:00:00+00:00"
    methods: Sequence[str] = ("linear-probe",)
    gains: Mapping[str, float] = field(default_factory=dict)
    imagenet: Mapping[str, float] = field(default_factory=dict)
    sampled: bool = False
    settings: Mapping[str, object] = field(default_factory=dict)
    image_size: int = 224
    repeats: int = 1

    def commit(self, store: ResultStore) -> ResultStore:
        """Every cell of the study as a finished run of ``store``."""
        for name, task in self.tasks.items():
            for backbone in self.backbones:
                for method in self.methods:
                    for seed in self.seeds:
                        first = ""
                        for repeat in range(self.repeats if method == "linear-probe" else 1):
                            spec = RunSpec(
                                backbone=Backbone(
                                    name=backbone, imagenet_top1=self.imagenet.get(backbone)
                                ),
                                task=Task(source=task.source or name, name=name),
                                method=METHODS[method],
                                seed=seed,
                                repeat=repeat,
                            )
                            digest = self._commit_run(store, task, spec, first)
                            first = first or digest
        return store

    def _commit_run(self, store: ResultStore, task: FakeTask, spec: RunSpec, repeat_of: str) -> str:
        name, backbone, method = spec.task.display, spec.backbone.name, spec.method
        probed = isinstance(method, LinearProbe)
        if not probed:
            method = type(method).model_validate(dict(self.settings))
            spec = spec.model_copy(update={"method": method})
        drawn = f" {task.n_train} {task.draw}" if task.n_train else ""
        split = f"{spec.seed} {spec.repeat}" if spec.repeat else f"{spec.seed}"
        fingerprint = digest_bytes(f"{name} {split} {task.n_test}{drawn}".encode())
        weights = digest_bytes(backbone.encode())
        run = Run(
            data=fingerprint,
            weights=weights,
            preprocessing=Preprocessing(
                size=self.image_size,
                mean=(0.5, 0.5, 0.5),
                std=(0.5, 0.5, 0.5),
                interpolation="bicubic",
            ),
            features_version=1 if probed else None,
            measure=task.measure,
            method=method,
            method_version=f"{method.name}/{self.created}",
            seed=spec.seed,
        )
        attempt = store.begin(run)
        ability = self.backbones[backbone] + self.gains.get(method.name, 0.0)
        key = backbone if probed else f"{backbone} {method.name}"
        predictions = _predictions(task, ability, (name, key, split))
        predictions.to_parquet(attempt.path("predictions.parquet"), index=False)
        split = store.write_split(fingerprint, "example_id,part\n")
        kept = {}
        if self.sampled and probed:
            path = attempt.path("feature-sample.parquet")
            _feature_sample(task, ability, predictions).to_parquet(path, index=False)
            kept = {FEATURE_SAMPLE: store.relative(path)}
        store.commit(
            attempt,
            _result(
                run,
                spec,
                task,
                predictions,
                repeat_of=repeat_of,
                created=self.created,
                artefacts={
                    "predictions": store.relative(attempt.path("predictions.parquet")),
                    "split": store.relative(split),
                    **kept,
                },
            ),
        )
        return run.digest


def _predictions(task: FakeTask, ability: float, key: tuple[str, str, str]) -> pd.DataFrame:
    task_name, backbone, split = key
    rng = np.random.default_rng(list(f"{task_name} {split}".encode()))
    labels = rng.integers(0, len(task.classes), task.n_test)
    difficulty = rng.normal(task.hardness, 1.0, task.n_test)
    own = np.random.default_rng(list(f"{task_name} {backbone} {split}".encode()))
    if task.measure == SEVERAL:
        return _several_labels(task, ability, difficulty, (rng, own), task_name)
    right = ability + own.normal(0, 0.4, task.n_test) > difficulty
    predicted = np.where(right, labels, (labels + 1) % len(task.classes))
    return pd.DataFrame(
        {
            "example_id": [f"{task_name}/{i:05}.png" for i in range(task.n_test)],
            "label": pd.Categorical.from_codes(labels, list(task.classes)),
            "predicted": pd.Categorical.from_codes(predicted, list(task.classes)),
            "p_predicted": np.where(right, 0.9, 0.6),
            "p_label": np.where(right, 0.9, 0.3),
        }
    )


def _several_labels(
    task: FakeTask,
    ability: float,
    difficulty: NDArray[np.float64],
    draws: tuple[np.random.Generator, np.random.Generator],
    name: str,
) -> pd.DataFrame:
    """Each class is in a quarter of the images, and a twentieth of the pairs are masked."""
    size = (task.n_test, len(task.classes))
    labels = (draws[0].random(size) < 0.25).astype(np.int8)
    certainty = 1.5 + ability - difficulty[:, None] + draws[1].normal(0, 1, size)
    log_odds = np.where(labels == 1, certainty, -certainty)
    labels[draws[0].random(size) < 0.05] = -1
    columns = {f"{LABEL}{c}": labels[:, k] for k, c in enumerate(task.classes)}
    columns |= {f"{LOG_ODDS}{c}": log_odds[:, k] for k, c in enumerate(task.classes)}
    ids = [f"{name}/{i:05}.png" for i in range(task.n_test)]
    return pd.DataFrame({"example_id": ids, **columns})


def _feature_sample(task: FakeTask, ability: float, predictions: pd.DataFrame) -> pd.DataFrame:
    """Classes around middles of their own, which the able part from one another."""
    rng = np.random.default_rng(0)
    shown = predictions.head(150)
    middles = rng.normal(0, 2 + ability, (len(task.classes), 8))
    places = (middles[shown["label"].cat.codes] + rng.normal(0, 1, (len(shown), 8))).astype(
        np.float32
    )
    return pd.DataFrame(
        {
            "example_id": shown["example_id"],
            "label": shown["label"].astype(str),
            **{f"component:{k}": places[:, k] for k in range(8)},
        }
    )


def _selection(spec: RunSpec, task: FakeTask, score: float) -> tuple[Candidate, ...]:
    """What selection saw: best at one place of the path or of the grid, worse around it."""
    method, place = spec.method, len(spec.backbone.name) % 3
    if isinstance(method, LinearProbe):
        peak = -1.0 + 1.5 * place  # log10 of the best l2
        return tuple(
            Candidate(
                settings={"l2": l2},
                score=max(0.0, score - 0.02 * abs(np.log10(l2) - peak) ** 1.5),
                converged=i >= task.unconverged,
                status=""
                if i >= task.unconverged
                else "1,000 steps were not enough: scale features",
            )
            for i, l2 in enumerate(method.grid())
        )
    return tuple(
        Candidate(
            settings={
                "learning_rate": rate,
                "weight_decay": decay,
                "steps": float(method.steps or 200),
            },
            score=max(
                0.0, score - 0.03 * abs(i // len(method.weight_decays) - place) - 0.01 * decay
            ),
            loss=1.0,
            training=digest_bytes(f"{spec} {rate} {decay}".encode()),
            view="whole",
        )
        for i, (rate, decay) in enumerate(method.cells())
    )


def _result(
    run: Run,
    spec: RunSpec,
    task: FakeTask,
    predictions: pd.DataFrame,
    *,
    repeat_of: str,
    created: str,
    artefacts: dict[str, str],
) -> Result:
    if task.measure == SEVERAL:
        labels, log_odds = (
            predictions[[f"{kind}{name}" for name in task.classes]].to_numpy()
            for kind in (LABEL, LOG_ODDS)
        )
        score = mean_average_precision(labels, log_odds)
        low, high, how = precision_interval(labels, log_odds, resamples=40)
    else:
        labels, predicted = (
            predictions[name].cat.codes.to_numpy(dtype=np.int64) for name in ("label", "predicted")
        )
        score = MEASURES[task.measure](labels, predicted)
        low, high, how = score_interval(task.measure, labels, predicted)
    curve = _selection(spec, task, score)
    chosen = max(curve, key=lambda candidate: candidate.score or 0.0)
    return Result(
        digest=run.digest,
        run=run,
        spec=spec,
        classes=tuple(task.classes),
        measure=task.measure,
        score=score,
        interval=Interval(low=low, high=high, method=how),
        n_train=task.n_train - task.n_train // 4 if task.n_train else 3 * task.n_test,
        n_val=task.n_train // 4 if task.n_train else task.n_test,
        n_test=task.n_test,
        chosen=chosen.settings,
        selection=curve,
        final=chosen,
        network=Network(
            architecture=spec.backbone.name.partition("@")[0],
            source="the package 'somewhere'",
            parameters=3_400_000 + 1_000_000 * (len(spec.backbone.name) % 4),
            features=1280,
            image_size=224,
        ),
        split_source="stratified, seed 0, 60/20/20",
        repeat_of=repeat_of,
        skipped=tuple(task.skipped),
        notices=tuple(task.notices),
        durations={"features": 41.2, "path": 7.5, "total": 49.9}
        if isinstance(spec.method, LinearProbe)
        else {"selection": 900.0, "final_fit": 100.0},
        images_per_second=38.0 + len(spec.backbone.name) % 7,
        provenance=Provenance(
            created=created,
            python="3.11.7",
            packages={"penultimate": "0.1.0", "torch": "2.11.0", "timm": "1.0.12"},
            platform="Linux",
            processor="a processor",
            threads=2,
            device="cpu",
            engine={"compiled": True, "batch": 32},
            command="penultimate run study.toml --store results",
        ),
        artefacts=artefacts,
    )
