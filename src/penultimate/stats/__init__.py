"""What scores mean: intervals, paired tests, ranking. Arrays and frames in, the same out."""

from penultimate.stats.intervals import score_interval

__all__ = ["score_interval"]
