"""Labels as numbers: a class an image, or a row of all classes where an image can have several."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penultimate.data.dataset import MASKED, Labels
from penultimate.data.examples import Examples
from penultimate.data.notices import listed
from penultimate.data.walk import count
from penultimate.errors import DataError
from penultimate.spec import Task

SEVERAL = "mean-average-precision"  # the measure of tasks with several labels an image
UNCERTAIN = {"masked": MASKED, "negative": 0, "positive": 1}
TREATED = {
    "masked": "counted neither in learning nor in scoring",
    "negative": "taken as absent",
    "positive": "taken as present",
}


@dataclass(frozen=True, eq=False)
class Encoded:
    """What the names of classes come to.

    Parameters
    ----------
    classes, labels : as in ``Dataset``.
    names : (n,) each image's labels as people read them.
    notices : what should be said of them.
    """

    classes: tuple[str, ...]
    labels: Labels
    names: tuple[str, ...]
    notices: tuple[str, ...] = ()


def encode(task: Task, examples: Examples, order: NDArray[np.int64]) -> Encoded:
    """Classes and labels of the examples, in the order given.

    Raises
    ------
    DataError : there are too few classes, a label is none of the source's own classes, an image
        has one both for certain and uncertain, or a setting does not fit the kind of labels.
    """
    several = examples.label_sets is not None
    _check_settings(task, several)
    named = set(examples.labels).union(*(examples.label_sets or ()), *(examples.uncertain or ()))
    classes = examples.classes or tuple(sorted(named))
    if examples.classes and not named <= set(classes):
        raise DataError(
            f"the task {task.display!r} has labels that are none of its {len(classes)} classes: "
            f"{listed(sorted(named - set(classes)))}; check the source's own list of classes"
        )
    if several:
        return _several(task, examples, order, classes)
    if len(named) < 2:
        raise DataError(
            f"the task {task.display!r} has only one class, {next(iter(named))!r}: put the images "
            "of at least two classes into folders of their own, or name their labels with csv:FILE"
        )
    names = tuple(examples.labels[i] for i in order)
    number = {name: i for i, name in enumerate(classes)}
    return Encoded(classes, np.array([number[name] for name in names], dtype=np.int64), names)


def _check_settings(task: Task, several: bool) -> None:
    if several and task.measure not in (None, SEVERAL):
        raise DataError(
            f"the task {task.display!r} has several labels an image, of which {task.measure} "
            f"cannot be scored: leave the measure out to have {SEVERAL}"
        )
    if not several and task.measure == SEVERAL:
        raise DataError(
            f"the task {task.display!r} has one label an image and {SEVERAL} is for several: "
            "choose top-1 or mean-per-class, or leave the measure out"
        )
    if not several and task.difficult != "masked":
        raise DataError(
            f"the task {task.display!r} has one label an image and no difficult ones: leave "
            f"difficult = {task.difficult!r} out"
        )


def _several(
    task: Task, examples: Examples, order: NDArray[np.int64], classes: tuple[str, ...]
) -> Encoded:
    if not classes:
        raise DataError(
            f"the task {task.display!r} has no image with a label: name the classes in each"
        )
    number = {name: i for i, name in enumerate(classes)}
    labels = np.zeros((len(order), len(classes)), dtype=np.int8)
    names = []
    n_uncertain = 0
    for row, i in enumerate(order.tolist()):
        present = examples.label_sets[i] if examples.label_sets else ()
        uncertain = examples.uncertain[i] if examples.uncertain else ()
        both = sorted(set(present) & set(uncertain))
        if both:
            raise DataError(
                f"{examples.ids[i]!r} of the task {task.display!r} has the label {both[0]!r} both "
                "for certain and uncertain: keep one"
            )
        labels[row, [number[name] for name in uncertain]] = UNCERTAIN[task.difficult]
        labels[row, [number[name] for name in present]] = 1
        said = [*sorted(set(present)), *(f"{name}?" for name in sorted(set(uncertain)))]
        names.append(", ".join(said) or "none of the classes")
        n_uncertain += len(set(uncertain))
    notices = []
    if n_uncertain:
        pairs = count(n_uncertain, "uncertain (difficult) pair")
        notices.append(f"{pairs} of image and class {TREATED[task.difficult]}")
    bare = int((labels != 1).all(axis=1).sum())
    if bare:
        notices.append(f"{count(bare, 'image')} with none of the classes")
    if not n_uncertain and ((labels == 1).sum(axis=1) == 1).all():
        notices.append(
            "every image has exactly one label: for top-1 accuracy name the column 'label' "
            "instead of 'labels'"
        )
    return Encoded(classes, labels, tuple(names), tuple(notices))
