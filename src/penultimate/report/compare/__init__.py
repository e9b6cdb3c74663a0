"""Two networks of a store, or two settings of one, set against each other."""

from penultimate.report.compare.comparison import PairComparison, compare_in_store

__all__ = ["PairComparison", "compare_in_store"]
