"""One figure a file: frame in, matplotlib ``Figure`` out."""

from penultimate.figures.average_correlation import average_correlation_figure
from penultimate.figures.correlation import correlation_figure
from penultimate.figures.paper import save_figure
from penultimate.figures.ranking import ranking_figure
from penultimate.figures.selection_curve import selection_curve
from penultimate.figures.style import PRINT, Palette
from penultimate.figures.training_curves import training_curves

__all__ = [
    "PRINT",
    "Palette",
    "average_correlation_figure",
    "correlation_figure",
    "ranking_figure",
    "save_figure",
    "selection_curve",
    "training_curves",
]
