"""What scores mean: intervals, paired tests, ranking. Arrays and frames in, the same out."""

from penultimate.stats.adjusted import adjusted_log_odds
from penultimate.stats.correlation import correlation
from penultimate.stats.decisions import LABEL, LOG_ODDS
from penultimate.stats.grid import accuracy_grid, complete
from penultimate.stats.holm import holm
from penultimate.stats.intervals import precision_interval, score_interval
from penultimate.stats.log_odds import logit
from penultimate.stats.measures import MEASURE_NAMES
from penultimate.stats.over_data_sets import compare_with_best, paired_t_test
from penultimate.stats.paired import exact_mcnemar, image_exchange_test, permutation_test
from penultimate.stats.ranking import latest, rank
from penultimate.stats.regression import regression_band
from penultimate.stats.repeats import (
    compare_repeats,
    corrected_interval,
    corrected_t_test,
    probability_best,
)
from penultimate.stats.settings import PairCount, compare_settings, count_pairs
from penultimate.stats.standing import standing
from penultimate.stats.training_time import (
    odds_threshold,
    odds_thresholds,
    speed_up,
    summarise_thresholds,
)

__all__ = [
    "LABEL",
    "LOG_ODDS",
    "MEASURE_NAMES",
    "PairCount",
    "accuracy_grid",
    "adjusted_log_odds",
    "compare_repeats",
    "compare_settings",
    "compare_with_best",
    "complete",
    "corrected_interval",
    "corrected_t_test",
    "correlation",
    "count_pairs",
    "exact_mcnemar",
    "holm",
    "image_exchange_test",
    "latest",
    "logit",
    "odds_threshold",
    "odds_thresholds",
    "paired_t_test",
    "permutation_test",
    "precision_interval",
    "probability_best",
    "rank",
    "regression_band",
    "score_interval",
    "speed_up",
    "standing",
    "summarise_thresholds",
]
