"""The linear probe: L2-regularised logistic regression on penultimate features (section 4.1).

Multinomial where an image has one label; where it can have several, an independent logistic
regression a class, all of one l2.

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
from penultimate.methods.scoring import mean_loss
from penultimate.metrics import score
from penultimate.solvers import Decomposed, Path, decompose, logistic_path, softmax_path
from penultimate.spec import LinearProbe


@dataclass(frozen=True, eq=False)
class Selection:
    """The whole path as validation saw it: arrays (P,) in the order of the grid.

    ``decomposed`` are the features of train and then of validation, for the final fit.
    """

    decomposed: Decomposed
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
    measure : ``top-1`` or ``mean-per-class``; ``mean-average-precision`` for several labels.
    progress : called with 1 as each point of the path is solved.

    Raises
    ------
    DataError : there is no validation example.
    SolverError : train has fewer than two classes, or features are NaN or infinite.
    """
    if len(validation) == 0:
        raise DataError("there is no validation example to choose l2 on: give the task more images")
    # One decomposition for this and the final fit: the rows to come have no part in the solution.
    together = np.concatenate([train.features, validation.features])
    decomposed = decompose(together, tolerance=settings.tolerance)
    features = decomposed.rows(slice(0, len(train)))
    path = _solve(settings, train, features, len(classes), settings.grid(), progress=progress)
    scores = np.empty(len(path.l2))
    losses = np.empty(len(path.l2))
    for point in range(len(path.l2)):
        probe = _probe(path, point, classes, train.multi_label)
        found = probe.scores(validation.features)
        scores[point] = score(measure, validation.labels, found)
        losses[point] = mean_loss(validation.labels, found)
    order = np.lexsort((-path.l2, losses, -scores))
    return Selection(decomposed, path, scores, losses, chosen=int(order[0]))


def fit(
    settings: LinearProbe,
    examples: Labelled,
    classes: tuple[str, ...],
    l2: float,
    *,
    after: Selection | None = None,
) -> LinearProbeFit:
    """Fit once, on train and validation together, at the chosen ``l2``.

    Parameters
    ----------
    after : the selection from the same examples, train before validation, whose decomposition
        is used again. The solution is the same without it.

    Raises
    ------
    SolverError : see ``select``.
    """
    features: Decomposed | NDArray[np.float32] = examples.features
    if after is not None:
        if len(after.decomposed) != len(examples):
            raise ValueError("the selection is of other examples than train and validation")
        features = after.decomposed
    path = _solve(settings, examples, features, len(classes), (l2,))
    return LinearProbeFit(probe=_probe(path, 0, classes, examples.multi_label), path=path)


def _solve(
    settings: LinearProbe,
    examples: Labelled,
    features: Decomposed | NDArray[np.float32],
    n_classes: int,
    grid: tuple[float, ...],
    *,
    progress: Callable[[int], None] | None = None,
) -> Path:
    if examples.multi_label:
        return logistic_path(
            features,
            examples.labels == 1,
            np.array(grid),
            mask=examples.labels >= 0,
            tolerance=settings.tolerance,
            progress=progress,
        )
    return softmax_path(
        features,
        examples.labels,
        n_classes,
        np.array(grid),
        tolerance=settings.tolerance,
        progress=progress,
    )


def _probe(path: Path, point: int, classes: tuple[str, ...], multi_label: bool) -> Probe:
    intercept = path.intercept[point].astype(np.float64)
    return Probe(
        coef=path.coef[point].astype(np.float64),
        # Of a class whose pairs are all masked nothing is known: it is as if never seen.
        intercept=np.where(np.isnan(intercept), -np.inf, intercept),
        classes=classes,
        multi_label=multi_label,
    )
