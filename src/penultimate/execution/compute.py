"""One run: select on validation, fit anew on train and validation, score once on test."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from penultimate.data import Dataset
from penultimate.errors import SpecError
from penultimate.execution.plan import Planned
from penultimate.execution.predictions import predictions_frame
from penultimate.execution.provenance import provenance
from penultimate.features import Features
from penultimate.io import write_atomic
from penultimate.methods import Labelled, Selection, fit, save_probe, select
from penultimate.metrics import score
from penultimate.progress import Progress
from penultimate.solvers import Path as SolverPath
from penultimate.spec import LinearProbe
from penultimate.stats import precision_interval, score_interval
from penultimate.store import (
    Candidate,
    Interval,
    Network,
    Result,
    ResultStore,
    SkippedExample,
)


def compute(
    planned: Planned,
    features: Features,
    store: ResultStore,
    *,
    command: str,
    progress: Progress,
) -> Result:
    """Compute a run from its features and commit it.

    Raises
    ------
    DataError, SolverError : the problem is not well posed.
    StoreError : the store cannot be written.
    """
    dataset, settings = planned.dataset, planned.spec.method
    if not isinstance(settings, LinearProbe):
        raise SpecError(f"{settings.name} cannot be computed from features alone")
    started = time.perf_counter()
    train, validation = _part(planned, features, "train"), _part(planned, features, "val")
    with progress.step(
        f"probe of {planned.spec.backbone.display} on {dataset.name}",
        settings.l2_points + 1,
        "fits",
    ) as step:
        selection = select(
            settings,
            train,
            validation,
            dataset.classes,
            measure=dataset.measure,
            progress=step.advance,
        )
        selected = time.perf_counter()
        final = fit(settings, train + validation, dataset.classes, selection.l2, after=selection)
        step.advance()
    fitted = time.perf_counter()
    test = _part(planned, features, "test")
    scores = final.probe.scores(test.features)
    low, high, interval_method = _interval(dataset, test, scores, planned.run.seed)
    attempt = store.begin(planned.run)
    write_atomic(
        attempt.path("predictions.parquet"),
        predictions_frame(dataset, test.labels, scores).to_parquet(index=False),
    )
    save_probe(final.probe, attempt.path("probe.safetensors"))
    split = store.write_split(dataset.fingerprint, dataset.split_csv())
    result = Result(
        digest=planned.run.digest,
        run=planned.run,
        spec=planned.spec,
        classes=dataset.classes,
        measure=dataset.measure,
        score=score(dataset.measure, test.labels, scores),
        interval=Interval(low=low, high=high, method=interval_method),
        n_train=len(train),
        n_val=len(validation),
        n_test=len(test),
        chosen={"l2": selection.l2},
        selection=_candidates(selection),
        final=_candidate(final.path, 0),
        network=Network(
            architecture=planned.backbone.architecture,
            source=planned.backbone.source,
            parameters=planned.backbone.parameters,
            features=train.features.shape[1],
            image_size=planned.backbone.image_size,
        ),
        split_source=dataset.split_source,
        skipped=tuple(SkippedExample(id=s.id, reason=s.reason) for s in dataset.skipped),
        notices=dataset.notices,
        durations={
            "features": features.seconds,
            "selection": selected - started,
            "final_fit": fitted - selected,
        },
        images_per_second=features.images_per_second,
        provenance=provenance(features.engine, command),
        artefacts={
            "predictions": store.relative(attempt.path("predictions.parquet")),
            "probe": store.relative(attempt.path("probe.safetensors")),
            "split": store.relative(split),
        },
    )
    return store.commit(attempt, result)


def _part(planned: Planned, features: Features, part: str) -> Labelled:
    indices = planned.dataset.indices(part)
    return Labelled(features.take(indices), planned.dataset.labels[indices])


def _interval(
    dataset: Dataset, test: Labelled, scores: NDArray[np.float64], seed: int
) -> tuple[float, float, str]:
    if dataset.multi_label:
        return precision_interval(test.labels, scores, seed=seed)
    return score_interval(dataset.measure, test.labels, scores.argmax(axis=1), seed=seed)


def _candidates(selection: Selection) -> tuple[Candidate, ...]:
    return tuple(
        _candidate(selection.path, i, float(reached), float(loss))
        for i, (reached, loss) in enumerate(zip(selection.scores, selection.losses, strict=True))
    )


def _candidate(
    path: SolverPath, point: int, score: float | None = None, loss: float | None = None
) -> Candidate:
    """One point of a path; distances from the minimum are relative to the objective."""
    objective = float(path.objective[point])
    return Candidate(
        settings={"l2": float(path.l2[point])},
        score=score,
        loss=loss,
        objective=objective,
        gap_bound=float(path.suboptimality_bound[point]) / objective if objective else None,
        gap_estimate=float(path.suboptimality_estimate[point]) / objective if objective else None,
        converged=bool(path.converged[point]),
        status=path.status[point],
    )
