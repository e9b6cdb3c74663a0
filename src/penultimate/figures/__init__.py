"""One figure a file: frame in, matplotlib ``Figure`` out.

``FIGURES`` has those of the paper by the names of ``penultimate figure``; ``save_figure`` writes.
"""

from penultimate.figures.average_correlation import average_correlation_figure
from penultimate.figures.catalogue import FIGURES, Drawing
from penultimate.figures.correlation import correlation_figure
from penultimate.figures.embedding import embed, embedding_figure
from penultimate.figures.examples_per_class import examples_per_class_figure
from penultimate.figures.from_scratch import from_scratch_figure
from penultimate.figures.paper import save_figure
from penultimate.figures.ranking import ranking_figure
from penultimate.figures.selection_curve import selection_curve
from penultimate.figures.settings_bars import settings_figure
from penultimate.figures.store_tables import (
    accuracy_table,
    correlations_table,
    ranking_table,
    significance_table,
)
from penultimate.figures.style import PRINT, Palette
from penultimate.figures.tables import data_sets_table, format_table
from penultimate.figures.training_curves import training_curves
from penultimate.figures.training_settings import training_settings_figure
from penultimate.figures.training_time import training_time_figure

__all__ = [
    "FIGURES",
    "PRINT",
    "Drawing",
    "Palette",
    "accuracy_table",
    "average_correlation_figure",
    "correlation_figure",
    "correlations_table",
    "data_sets_table",
    "embed",
    "embedding_figure",
    "examples_per_class_figure",
    "format_table",
    "from_scratch_figure",
    "ranking_figure",
    "ranking_table",
    "save_figure",
    "selection_curve",
    "settings_figure",
    "significance_table",
    "training_curves",
    "training_settings_figure",
    "training_time_figure",
]
