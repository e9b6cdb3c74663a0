"""What scores mean: intervals, paired tests, ranking. Arrays and frames in, the same out."""

from penultimate.stats.decisions import LABEL, LOG_ODDS
from penultimate.stats.intervals import precision_interval, score_interval
from penultimate.stats.measures import MEASURE_NAMES
from penultimate.stats.paired import exact_mcnemar, image_exchange_test, permutation_test
from penultimate.stats.ranking import latest, rank
from penultimate.stats.standing import log_odds, standing

__all__ = [
    "LABEL",
    "LOG_ODDS",
    "MEASURE_NAMES",
    "exact_mcnemar",
    "image_exchange_test",
    "latest",
    "log_odds",
    "permutation_test",
    "precision_interval",
    "rank",
    "score_interval",
    "standing",
]
