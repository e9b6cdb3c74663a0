"""What scores mean: intervals, paired tests, ranking. Arrays and frames in, the same out."""

from penultimate.stats.intervals import score_interval
from penultimate.stats.paired import exact_mcnemar, permutation_test
from penultimate.stats.ranking import latest, rank
from penultimate.stats.standing import log_odds, standing

__all__ = [
    "exact_mcnemar",
    "latest",
    "log_odds",
    "permutation_test",
    "rank",
    "score_interval",
    "standing",
]
