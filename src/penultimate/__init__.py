"""Which pretrained network should I start from, and how sure am I?

The public names, imported when they are first used::

    import penultimate as pn

    study = pn.Study(backbones=["resnet50", "resnet50@random"], tasks=["folder:photos"])
    results = pn.run(study, store="penultimate-store")
    results.frame()
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from penultimate.data import load_dataset
    from penultimate.errors import PenultimateError
    from penultimate.execution import StudyFailedError, StudyResults, run
    from penultimate.report import write_report
    from penultimate.solvers import softmax_path
    from penultimate.solvers.estimators import LogisticRegression, LogisticRegressionPath
    from penultimate.spec import (
        Backbone,
        FineTune,
        FromScratch,
        LinearProbe,
        Study,
        Task,
        load_study,
    )
    from penultimate.store import ResultStore

_HOMES = {
    "Backbone": "spec",
    "FineTune": "spec",
    "FromScratch": "spec",
    "LinearProbe": "spec",
    "LogisticRegression": "solvers.estimators",
    "LogisticRegressionPath": "solvers.estimators",
    "PenultimateError": "errors",
    "ResultStore": "store",
    "Study": "spec",
    "StudyFailedError": "execution",
    "StudyResults": "execution",
    "Task": "spec",
    "load_dataset": "data",
    "load_study": "spec",
    "run": "execution",
    "softmax_path": "solvers",
    "write_report": "report",
}

__all__ = [
    "Backbone",
    "FineTune",
    "FromScratch",
    "LinearProbe",
    "LogisticRegression",
    "LogisticRegressionPath",
    "PenultimateError",
    "ResultStore",
    "Study",
    "StudyFailedError",
    "StudyResults",
    "Task",
    "__version__",
    "load_dataset",
    "load_study",
    "run",
    "softmax_path",
    "write_report",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its home the first time it is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'penultimate' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"penultimate.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
