"""The linear probe: L2-regularised logistic regression on penultimate features (section 4.1).

``select`` sees train and validation and nothing else; the test part is no argument of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penultimate.errors import DataError
from penultimate.methods.labelled import Labelled
from penultimate.methods.probe import Probe
from penultimate.metrics import MEASURES
from penultimate.solvers import Path, softmax_path
from penultimate.spec import LinearProbe


@dataclass(frozen=True, eq=False)
class Selection:
    """The whole path as validation saw it: arrays (P,) in the order of the grid."""

    path: Path
    scores: NDArray[np.float64]
    losses: NDArray[np.float64]
    chosen: int

    @property
    def l2(self) -> float:
        """The value that was chosen."""
        return float(self.path.l2[self.chosen])


@dataclass(frozen=True, eq=False)
class LinearProbeFit:
    """The probe fitted on train and validation, and how well its solver ended."""

    probe: Probe
    path: Path  # of one point


def select(
    settings: LinearProbe,
    train: Labelled,
    validation: Labelled,
    classes: tuple[str, ...],
    *,
    measure: str,
    progress: Callable[[int], None] | None = None,
) -> Selection:
    """Fit every value of the grid on ``train`` and score each on ``validation``.

    The best score wins. Where several values share it, as they often do on small validation sets,
    the one with the lower validation loss does, and then the stronger regularisation.

    Parameters
    ----------
    measure : ``top-1`` or ``mean-per-class``.
    progress : called with 1 as each point of the path is solved.

    Raises
    ------
    DataError : there is no validation example.
    SolverError : train has fewer than two classes, or features are NaN or infinite.
    """
    if len(validation) == 0:
        raise DataError("there is no validation example to choose l2 on: give the task more images")
    path = softmax_path(
        train.features,
        train.labels,
        len(classes),
        np.array(settings.grid()),
        tolerance=settings.tolerance,
        progress=progress,
    )
    scores = np.empty(len(path.l2))
    losses = np.empty(len(path.l2))
    for point in range(len(path.l2)):
        log_p = _probe(path, point, classes).log_probabilities(validation.features)
        scores[point] = MEASURES[measure](validation.labels, log_p.argmax(axis=1))
        losses[point] = -log_p[np.arange(len(validation)), validation.labels].mean()
    order = np.lexsort((-path.l2, losses, -scores))
    return Selection(path=path, scores=scores, losses=losses, chosen=int(order[0]))


def fit(
    settings: LinearProbe, examples: Labelled, classes: tuple[str, ...], l2: float
) -> LinearProbeFit:
    """Fit once, on train and validation together, at the chosen ``l2``.

    Raises
    ------
    SolverError : see ``select``.
    """
    path = softmax_path(
        examples.features,
        examples.labels,
        len(classes),
        np.array([l2]),
        tolerance=settings.tolerance,
    )
    return LinearProbeFit(probe=_probe(path, 0, classes), path=path)


def _probe(path: Path, point: int, classes: tuple[str, ...]) -> Probe:
    return Probe(
        coef=path.coef[point].astype(np.float64),
        intercept=path.intercept[point].astype(np.float64),
        classes=classes,
    )
