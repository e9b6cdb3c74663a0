"""What scores mean: intervals, paired tests, ranking. Arrays and frames in, the same out."""

from penultimate.stats.adjusted import adjusted_log_odds
from penultimate.stats.decisions import LABEL, LOG_ODDS
from penultimate.stats.grid import accuracy_grid, complete
from penultimate.stats.intervals import precision_interval, score_interval
from penultimate.stats.log_odds import logit
from penultimate.stats.measures import MEASURE_NAMES
from penultimate.stats.paired import exact_mcnemar, image_exchange_test, permutation_test
from penultimate.stats.ranking import latest, rank
from penultimate.stats.standing import standing

__all__ = [
    "LABEL",
    "LOG_ODDS",
    "MEASURE_NAMES",
    "accuracy_grid",
    "adjusted_log_odds",
    "complete",
    "exact_mcnemar",
    "image_exchange_test",
    "latest",
    "logit",
    "permutation_test",
    "precision_interval",
    "rank",
    "score_interval",
    "standing",
]
