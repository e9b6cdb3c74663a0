"""What every method's run ends with: the test part scored, the result committed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penultimate.data import Dataset
from penultimate.data.dataset import Labels
from penultimate.execution.plan import Planned
from penultimate.execution.predictions import predictions_frame
from penultimate.execution.provenance import provenance
from penultimate.io import write_atomic
from penultimate.metrics import score
from penultimate.stats import precision_interval, score_interval
from penultimate.store import (
    Attempt,
    Candidate,
    Interval,
    Network,
    Result,
    ResultStore,
    SkippedExample,
)


@dataclass(frozen=True, eq=False)
class Finished:
    """What a method found and what it cost.

    Parameters
    ----------
    scores : (n_test, K) of the test examples, as ``Probe.scores`` gives them.
    chosen, selection, final : as in ``Result``.
    features : what the classification layer is given.
    engine : what computed it.
    artefacts : kinds and places in the store, beside the predictions and the split.
    """

    scores: NDArray[np.float64]
    chosen: dict[str, float]
    selection: tuple[Candidate, ...]
    final: Candidate
    features: int
    durations: dict[str, float]
    images_per_second: float | None
    engine: dict[str, Any]
    artefacts: dict[str, str]
    notices: Sequence[str] = ()


def commit(
    planned: Planned, found: Finished, store: ResultStore, attempt: Attempt, *, command: str
) -> Result:
    """Write the predictions and the split, and commit the result.

    Raises
    ------
    StoreError : the store cannot be written.
    """
    dataset = planned.dataset
    labels = dataset.labels[dataset.indices("test")]
    low, high, interval_method = _interval(dataset, labels, found.scores, planned.run.seed)
    write_atomic(
        attempt.path("predictions.parquet"),
        predictions_frame(dataset, labels, found.scores).to_parquet(index=False),
    )
    split = store.write_split(dataset.fingerprint, dataset.split_csv())
    result = Result(
        digest=planned.run.digest,
        run=planned.run,
        spec=planned.spec,
        classes=dataset.classes,
        measure=dataset.measure,
        score=score(dataset.measure, labels, found.scores),
        interval=Interval(low=low, high=high, method=interval_method),
        n_train=len(dataset.indices("train")),
        n_val=len(dataset.indices("val")),
        n_test=len(labels),
        chosen=found.chosen,
        selection=found.selection,
        final=found.final,
        network=Network(
            architecture=planned.backbone.architecture,
            source=planned.backbone.source,
            parameters=planned.backbone.parameters,
            features=found.features,
            image_size=planned.backbone.image_size,
            switches=planned.backbone.switches,
        ),
        split_source=dataset.split_source,
        test_drawn=dataset.drawn,
        repeat_of=planned.repeat_of,
        skipped=tuple(SkippedExample(id=s.id, reason=s.reason) for s in dataset.skipped),
        notices=(*dataset.notices, *found.notices),
        durations=found.durations,
        images_per_second=found.images_per_second,
        provenance=provenance(found.engine, command),
        artefacts={
            "predictions": store.relative(attempt.path("predictions.parquet")),
            **found.artefacts,
            "split": store.relative(split),
        },
    )
    return store.commit(attempt, result)


def _interval(
    dataset: Dataset, labels: Labels, scores: NDArray[np.float64], seed: int
) -> tuple[float, float, str]:
    if dataset.multi_label:
        return precision_interval(labels, scores, seed=seed)
    return score_interval(dataset.measure, labels, scores.argmax(axis=1), seed=seed)
