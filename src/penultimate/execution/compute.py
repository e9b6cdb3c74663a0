"""One run: select on validation, fit anew on train and validation, score once on test."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from penultimate.data.dataset import Dataset, Labels
from penultimate.execution.plan import Planned
from penultimate.execution.provenance import provenance
from penultimate.features import Features
from penultimate.io import write_atomic
from penultimate.methods import Labelled, Selection, fit, save_probe, select
from penultimate.metrics import MEASURES
from penultimate.progress import Progress
from penultimate.solvers import Path as SolverPath
from penultimate.stats import score_interval
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
        final = fit(settings, train + validation, dataset.classes, selection.l2)
        step.advance()
    fitted = time.perf_counter()
    test = _part(planned, features, "test")
    p = np.exp(final.probe.log_probabilities(test.features))
    predicted = p.argmax(axis=1)
    low, high, interval_method = score_interval(
        dataset.measure, test.labels, predicted, seed=planned.run.seed
    )
    attempt = store.begin(planned.run)
    write_atomic(
        attempt.path("predictions.parquet"),
        _predictions(dataset, p, test.labels).to_parquet(index=False),
    )
    save_probe(final.probe, attempt.path("probe.safetensors"))
    split = store.write_split(dataset.fingerprint, dataset.split_csv())
    result = Result(
        digest=planned.run.digest,
        run=planned.run,
        spec=planned.spec,
        classes=dataset.classes,
        measure=dataset.measure,
        score=MEASURES[dataset.measure](test.labels, predicted),
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


def _predictions(dataset: Dataset, p: NDArray[np.float64], labels: Labels) -> pd.DataFrame:
    """What the paired tests need of each test example; it cannot be recovered later."""
    predicted = p.argmax(axis=1)
    each = np.arange(len(labels))
    return pd.DataFrame(
        {
            "example_id": [dataset.ids[i] for i in dataset.indices("test")],
            "label": _names(dataset.classes, labels),
            "predicted": _names(dataset.classes, predicted),
            "p_predicted": p[each, predicted],
            "p_label": p[each, labels],
        }
    )


def _names(classes: tuple[str, ...], codes: Labels) -> pd.Series:
    """Class names as a categorical column: each name is stored once."""
    names = np.array(classes, dtype=object)[codes]
    return pd.Series(names, dtype=pd.CategoricalDtype(list(classes)))


def _candidates(selection: Selection) -> tuple[Candidate, ...]:
    return tuple(
        _candidate(selection.path, i, float(score), float(loss))
        for i, (score, loss) in enumerate(zip(selection.scores, selection.losses, strict=True))
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
