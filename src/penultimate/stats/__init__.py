"""What scores mean: intervals, paired tests, ranking. Arrays and frames in, the same out."""

from penultimate.stats.adjusted import adjusted_log_odds
from penultimate.stats.by_class import (
    class_accuracy,
    class_precision,
    confusion_pairs,
    mean_class_accuracy,
)
from penultimate.stats.calibration import (
    Calibration,
    calibration,
    confidence_of,
    expected_calibration_error,
    reliability,
)
from penultimate.stats.correlation import correlation
from penultimate.stats.decisions import LABEL, LOG_ODDS
from penultimate.stats.differences import difference_interval, precision_difference_interval
from penultimate.stats.grid import accuracy_grid, complete
from penultimate.stats.holm import holm
from penultimate.stats.intervals import precision_interval, score_interval
from penultimate.stats.log_odds import logit
from penultimate.stats.measures import MEASURE_NAMES
from penultimate.stats.mistakes import most_often_wrong
from penultimate.stats.over_data_sets import compare_with_best, paired_t_test
from penultimate.stats.pair import compare_pair
from penultimate.stats.paired import exact_mcnemar, image_exchange_test, permutation_test
from penultimate.stats.ranking import latest, rank
from penultimate.stats.regression import regression_band
from penultimate.stats.repeats import (
    compare_repeats,
    corrected_difference,
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
from penultimate.stats.wilson import wilson_interval

__all__ = [
    "LABEL",
    "LOG_ODDS",
    "MEASURE_NAMES",
    "Calibration",
    "PairCount",
    "accuracy_grid",
    "adjusted_log_odds",
    "calibration",
    "class_accuracy",
    "class_precision",
    "compare_pair",
    "compare_repeats",
    "compare_settings",
    "compare_with_best",
    "complete",
    "confidence_of",
    "confusion_pairs",
    "corrected_difference",
    "corrected_interval",
    "corrected_t_test",
    "correlation",
    "count_pairs",
    "difference_interval",
    "exact_mcnemar",
    "expected_calibration_error",
    "holm",
    "image_exchange_test",
    "latest",
    "logit",
    "mean_class_accuracy",
    "most_often_wrong",
    "odds_threshold",
    "odds_thresholds",
    "paired_t_test",
    "permutation_test",
    "precision_difference_interval",
    "precision_interval",
    "probability_best",
    "rank",
    "regression_band",
    "reliability",
    "score_interval",
    "speed_up",
    "standing",
    "summarise_thresholds",
    "wilson_interval",
]
