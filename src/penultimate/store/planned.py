"""What the studies that a store was given name, so that it can be counted what is still to come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from penultimate.errors import SpecError
from penultimate.spec import load_study

if TYPE_CHECKING:
    from penultimate.store.store import ResultStore

CELL = ["backbone", "task", "method", "seed"]


@dataclass(frozen=True)
class Planned:
    """The cells that a store's studies name, and how many of them have a finished run.

    A cell is a backbone, task, method and seed under the names of the study. Runs that no study
    of the store names, such as those of a network of the user's own, are not in ``finished``.
    """

    studies: int
    cells: int
    finished: int


def count_planned(store: ResultStore) -> Planned:
    """Count the cells of all studies in ``STORE/studies``; those that cannot be read are none."""
    studies, cells = 0, set()
    for path in sorted((store.root / "studies").glob("*.toml")):
        try:
            study = load_study(path)
        except SpecError:  # written by hand, or by a version with other settings
            continue
        studies += 1
        for spec in study.runs():
            cells.add((spec.backbone.display, spec.task.display, spec.method.name, spec.seed))
    frame = store.frame()
    done = set(frame[CELL].itertuples(index=False, name=None))
    return Planned(studies, len(cells), len(cells & done))
