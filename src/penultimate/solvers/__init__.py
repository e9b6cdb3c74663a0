"""Convex solvers: arrays in, arrays out, no images.

`softmax_path` solves L2-regularised multinomial logistic regression at a whole grid of l2.
"""

from penultimate.solvers.path import softmax_path
from penultimate.solvers.result import Path

__all__ = ["Path", "softmax_path"]
