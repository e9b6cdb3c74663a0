"""Convex solvers: arrays in, arrays out, no images.

Each solves a whole grid of l2 at once and says of every point how far from the minimum it is:
`softmax_path` (multinomial logistic regression), `logistic_path` (several labels at once, pairs
that do not count masked) and `svm_path` (linear support vector machines, each class against the
rest). `decompose` shares the costly step among several sets of rows.
"""

from penultimate.solvers.decomposition import Decomposed, decompose
from penultimate.solvers.path import logistic_path, softmax_path, svm_path
from penultimate.solvers.result import Path

__all__ = ["Decomposed", "Path", "decompose", "logistic_path", "softmax_path", "svm_path"]
