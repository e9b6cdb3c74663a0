"""Every figure and table of the paper by name: what draws it, and what it plots."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from penultimate.figures.average_correlation import (
    average_correlation_figure,
    average_correlation_table,
)
from penultimate.figures.correlation import correlation_figure, correlation_table
from penultimate.figures.embedding import embedding_figure
from penultimate.figures.examples_per_class import (
    examples_per_class_figure,
    examples_per_class_table,
)
from penultimate.figures.from_scratch import from_scratch_figure, pairs_table
from penultimate.figures.settings_bars import settings_figure, settings_table
from penultimate.figures.training_settings import (
    training_settings_figure,
    training_settings_table,
)
from penultimate.figures.training_time import training_time_figure, training_time_table


@dataclass(frozen=True)
class Drawing:
    """One figure.

    Parameters
    ----------
    number : the paper's.
    shows : one line for a list.
    draw : frame to figure; ``width`` and more settings by keyword.
    numbers : frame to the numbers that are plotted.
    methods : the methods it needs; all that there are where empty.
    """

    number: str
    shows: str
    draw: Callable[..., Figure]
    numbers: Callable[..., pd.DataFrame]
    methods: tuple[str, ...] = ()


def _as_it_is(frame: pd.DataFrame, **_: Any) -> pd.DataFrame:
    return frame


FIGURES = {
    "average-correlation": Drawing(
        "1",
        "ImageNet accuracy against the average over data sets, a panel a method",
        average_correlation_figure,
        average_correlation_table,
    ),
    "correlation": Drawing(
        "2",
        "ImageNet accuracy against each data set's and the average, method by method",
        correlation_figure,
        correlation_table,
    ),
    "training-settings": Drawing(
        "3",
        "scale in batch norm, label smoothing, dropout, auxiliary head: linear probes",
        training_settings_figure,
        training_settings_table,
        ("linear-probe",),
    ),
    "embedding": Drawing("4", "t-SNE of features by class", embedding_figure, _as_it_is),
    "fine-tuned-training-settings": Drawing(
        "5",
        "the same as training-settings, fine-tuned",
        training_settings_figure,
        training_settings_table,
        ("fine-tune",),
    ),
    "settings": Drawing(
        "6",
        "the methods side by side on each data set, beside previous results",
        settings_figure,
        settings_table,
    ),
    "from-scratch": Drawing(
        "7",
        "from scratch against fine-tuned, a point a network and data set",
        from_scratch_figure,
        pairs_table,
        ("from-scratch", "fine-tune"),
    ),
    "training-time": Drawing(
        "8",
        "accuracy against steps and epochs of training",
        training_time_figure,
        training_time_table,
    ),
    "examples-per-class": Drawing(
        "9",
        "accuracy against training examples a class, with standard errors",
        examples_per_class_figure,
        examples_per_class_table,
    ),
}
"""By name; ``figure-N`` is another name of the paper's Nth."""

TABLES = {
    "data-sets": "Table 1: the paper's data sets (needs no store)",
    "accuracies": "accuracy of every network on every data set, in percent",
    "ranking": "networks on each data set, best first, with intervals and tests",
    "significance": "p-values against the best, on each data set and over them",
    "correlations": "r and rho between ImageNet and transfer accuracy, with intervals",
}


def figure_named(name: str) -> str | None:
    """The name under which ``FIGURES`` has it; None where there is none."""
    numbers = {f"figure-{drawing.number}": known for known, drawing in FIGURES.items()}
    return name if name in FIGURES else numbers.get(name)
