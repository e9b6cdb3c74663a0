"""What the studies that a store was given name, so that it can be counted what is still to come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from penultimate.errors import SpecError
from penultimate.spec import load_study

if TYPE_CHECKING:
    from penultimate.store.store import ResultStore

CELL = ["backbone", "task", "method", "seed", "repeat"]


@dataclass(frozen=True)
class Planned:
    """The cells that a store's studies name, and how many of them have a finished run.

    A cell is a backbone, task, method, seed and repeat under the names of the study. Runs that no
    study of the store names, such as those of a network of the user's own, are not in
    ``finished``. Whether a task is repeated, the first run on it tells: until then it is not.
    """

    studies: int
    cells: int
    finished: int


def count_planned(store: ResultStore) -> Planned:
    """Count the cells of all studies in ``STORE/studies``; those that cannot be read are none."""
    frame = store.frame()
    drawn = set(frame.loc[frame["test_drawn"] | (frame["repeat"] > 0), "task"])
    studies, cells = 0, set()
    for path in sorted((store.root / "studies").glob("*.toml")):
        try:
            study = load_study(path)
        except SpecError:  # written by hand, or by a version with other settings
            continue
        studies += 1
        for spec in study.runs():
            task = spec.task.display
            if spec.repeat == 0 or task in drawn:
                cell = (spec.backbone.display, task, spec.method.name, spec.seed, spec.repeat)
                cells.add(cell)
    done = set(frame[CELL].itertuples(index=False, name=None))
    return Planned(studies, len(cells), len(cells & done))
