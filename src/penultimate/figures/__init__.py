"""One figure a file: frame in, matplotlib ``Figure`` out."""

from penultimate.figures.ranking import ranking_figure
from penultimate.figures.selection_curve import selection_curve
from penultimate.figures.style import PRINT, Palette

__all__ = ["PRINT", "Palette", "ranking_figure", "selection_curve"]
