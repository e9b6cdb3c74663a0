"""A linear probe's run: select on validation, fit anew on train and validation, score on test."""

from __future__ import annotations

import time

from penultimate.errors import SpecError
from penultimate.execution.feature_sample import sample_frame, sampled
from penultimate.execution.finished import Finished, commit
from penultimate.execution.plan import Planned
from penultimate.features import Features
from penultimate.io import write_atomic
from penultimate.methods import Labelled, Selection, fit, save_probe, select
from penultimate.progress import Step
from penultimate.solvers import Path as SolverPath
from penultimate.spec import LinearProbe
from penultimate.store import FEATURE_SAMPLE, Attempt, Candidate, Result, ResultStore


def compute(
    planned: Planned,
    features: Features,
    store: ResultStore,
    *,
    command: str,
    step: Step,
) -> Result:
    """Compute a run from its features and commit it.

    Parameters
    ----------
    step : is advanced by each fit, see ``fits``.

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
    attempt = store.begin(planned.run)
    save_probe(final.probe, attempt.path("probe.safetensors"))
    found = Finished(
        scores=final.probe.scores(test.features),
        chosen={"l2": selection.l2},
        selection=_candidates(selection),
        final=_candidate(final.path, 0),
        features=train.features.shape[1],
        durations={
            "features": features.seconds,
            "selection": selected - started,
            "final_fit": fitted - selected,
        },
        images_per_second=features.images_per_second,
        engine=features.engine,
        artefacts={
            "probe": store.relative(attempt.path("probe.safetensors")),
            **_kept_sample(planned, features, store, attempt),
        },
    )
    return commit(planned, found, store, attempt, command=command)


def _kept_sample(
    planned: Planned, features: Features, store: ResultStore, attempt: Attempt
) -> dict[str, str]:
    """Keep a sample of the test features, of the first split.

    None of a task whose images have several labels.
    """
    if planned.dataset.multi_label or planned.spec.repeat:
        return {}
    chosen = sampled(planned.dataset)
    frame = sample_frame(planned.dataset, chosen, features.take(chosen))
    path = attempt.path("feature-sample.parquet")
    # Numbers that never repeat only grow by a dictionary of them.
    write_atomic(path, frame.to_parquet(index=False, use_dictionary=["label"]))
    return {FEATURE_SAMPLE: store.relative(path)}


def fits(settings: LinearProbe) -> int:
    """How many a run makes: the path's, and the final one."""
    return settings.l2_points + 1


def _part(planned: Planned, features: Features, part: str) -> Labelled:
    indices = planned.dataset.indices(part)
    return Labelled(features.take(indices), planned.dataset.labels[indices])


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
