"""Whether a network is as often right as it says: reliability and the calibration error.

With one label an image, the confidence is the probability of the class that the network chose
(Guo and others, 2017). With several, each decision p > 0.5 or p <= 0.5 counts by itself, and its
confidence is the probability of the side that it takes, 0.5 to 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from penultimate.stats.by_class import decided, texts_of
from penultimate.stats.wilson import wilson_interval

BINS = 15  # of equal width, as in the literature
DRAWS = 500
ROUNDING = 1e-6  # probabilities are kept as exponentials of logarithms


@dataclass(frozen=True)
class Calibration:
    """How far confidence and accuracy are apart.

    Parameters
    ----------
    n : examples, or decisions.
    accuracy, confidence : the share that is right, and the mean confidence.
    ece : expected calibration error: the mean over bins, each weighing as many examples as it
        has, of the distance between the bin's accuracy and its mean confidence.
    by_chance : the mean ``ece`` of networks that are right exactly as often as they say, with
        these confidences on as many examples. It is above 0, and the smaller the test set the
        more.
    p_value : the share of such networks whose ``ece`` is at least this one, which counts itself.
    """

    n: int
    accuracy: float
    confidence: float
    ece: float
    by_chance: float
    p_value: float

    @property
    def gap(self) -> float:
        """Confidence less accuracy: above 0 is overconfident."""
        return self.confidence - self.accuracy

    @property
    def gap_interval(self) -> tuple[float, float]:
        """Where 95 % of such intervals hold the gap that endless data would show, or more.

        The confidence less the ends of Wilson's interval of the accuracy. It is never of no width,
        also where every answer is right. It sees what ``ece`` may miss: many bins that are each a
        little off, and all to one side.
        """
        low, high = wilson_interval(self.accuracy, self.n)
        return float(self.confidence - high), float(self.confidence - low)


def confidence_of(predictions: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The confidence of each answer, and whether it is right.

    Parameters
    ----------
    predictions : ``label, predicted, p_predicted``, a row a test example; or ``label:CLASS`` and
        ``log_odds:CLASS``, whose unmasked decisions follow one another.

    Returns
    -------
    confidence, right : (n,) probabilities, and (n,) booleans.
    """
    if "label" in predictions:
        names, true = texts_of(predictions["label"])
        others, said = texts_of(predictions["predicted"])
        if names != others:
            place = {name: i for i, name in enumerate(names)}
            said = np.array([place.get(name, -2) for name in others], dtype=np.int64)[said]
        return predictions["p_predicted"].to_numpy(dtype=np.float64), true == said
    _, labels, log_odds = decided(predictions)
    asked = labels >= 0
    right = (log_odds > 0) == (labels == 1)
    confidence = np.exp(-np.logaddexp(0.0, -np.abs(log_odds)))
    return confidence[asked], right[asked]


def calibration(
    confidence: NDArray[np.float64],
    right: NDArray[np.bool_],
    *,
    bins: int = BINS,
    draws: int = DRAWS,
    seed: int = 0,
) -> Calibration:
    """The expected calibration error, and what chance alone would make of it.

    What is right is drawn anew, ``draws`` times, with the bin's mean confidence as its
    probability: so would a perfectly calibrated network do. The answers must be independent of
    each other; those on one image are not, where it has several labels, and ``by_chance`` and
    ``p_value`` of these mean little.

    Parameters
    ----------
    confidence, right : (n,) as ``confidence_of`` gives them.
    bins : of equal width over 0..1; a bin has its upper end and not its lower one.
    draws, seed : of the perfectly calibrated networks; 0 draws leave their columns NaN.

    Returns
    -------
    calibration : all NaN where there is no example, or where a confidence is NaN.

    Raises
    ------
    ValueError : the shapes differ, a confidence is not within 0..1, or there is no bin.
    """
    place, confidence = _binned(confidence, right, bins)
    n = len(confidence)
    if n == 0 or np.isnan(confidence).any():
        return Calibration(n, *[math.nan] * 5)
    count = np.bincount(place, minlength=bins)
    expected = np.bincount(place, weights=confidence, minlength=bins)
    hits = np.bincount(place, weights=right, minlength=bins)
    ece = float(np.abs(hits - expected).sum()) / n
    by_chance = p_value = math.nan
    if draws:
        full = count > 0
        size, mean = count[full, None], expected[full, None]
        probability = np.clip(mean / size, 0.0, 1.0)
        drawn = np.random.default_rng(seed).binomial(size, probability, (int(full.sum()), draws))
        errors = np.abs(drawn - mean).sum(axis=0) / n
        by_chance = float(errors.mean())
        p_value = (1 + int((errors >= ece - 1e-12).sum())) / (draws + 1)
    return Calibration(n, float(hits.sum()) / n, float(expected.sum()) / n, ece, by_chance, p_value)


def expected_calibration_error(
    confidence: NDArray[np.float64], right: NDArray[np.bool_], bins: int = BINS
) -> float:
    """As ``Calibration.ece``, by itself."""
    return calibration(confidence, right, bins=bins, draws=0).ece


def reliability(
    confidence: NDArray[np.float64],
    right: NDArray[np.bool_],
    *,
    bins: int = BINS,
    level: float = 0.95,
) -> pd.DataFrame:
    """The table behind a reliability diagram.

    Parameters
    ----------
    confidence, right, bins : as for ``calibration``.
    level : of Wilson's interval of each bin's accuracy.

    Returns
    -------
    frame : a row a bin, from the least confident: ``low, high``, its ends; ``n``; ``confidence``,
        the mean; ``accuracy, ci_low, ci_high``. NaN where a bin is empty.

    Raises
    ------
    ValueError : as for ``calibration``.
    """
    place, confidence = _binned(confidence, right, bins)
    known = ~np.isnan(confidence)
    place, confidence, right = place[known], confidence[known], np.asarray(right)[known]
    n = np.bincount(place, minlength=bins)
    filled = np.where(n > 0, n, np.nan)
    accuracy = np.bincount(place, weights=right, minlength=bins) / filled
    low, high = wilson_interval(accuracy, n, level)
    edges = np.linspace(0.0, 1.0, bins + 1)
    return pd.DataFrame(
        {
            "low": edges[:-1],
            "high": edges[1:],
            "n": n,
            "confidence": np.bincount(place, weights=confidence, minlength=bins) / filled,
            "accuracy": accuracy,
            "ci_low": low,
            "ci_high": high,
        }
    )


def _binned(
    confidence: NDArray[np.float64], right: NDArray[np.bool_], bins: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(n,) each answer's bin, and (n,) the confidences, within 0..1."""
    if bins < 1:
        raise ValueError(f"{bins} bins are none: at least 1")
    confidence = np.asarray(confidence, dtype=np.float64)
    if confidence.ndim != 1 or confidence.shape != np.shape(right):
        raise ValueError(
            f"confidence {confidence.shape} and right {np.shape(right)} should be (n,) alike"
        )
    if ((confidence < -ROUNDING) | (confidence > 1 + ROUNDING)).any():
        raise ValueError("a confidence is not within 0..1")
    edges = np.linspace(0.0, 1.0, bins + 1)
    return np.searchsorted(edges[1:-1], confidence), np.clip(confidence, 0.0, 1.0)
