"""How often the intervals and tests of repeated splits are right, where all is known.

    python benchmarks/repeats.py

Two hundred handwritten digits are drawn from 1,797 again and again, and scored as ``penultimate
run`` scores photographs: over 20 stratified splits, a linear classifier on fixed features. What
another such sample would score is known from all the samples together. Two "networks" see the
pixels through noise of their own and are equally good, so that a test should tell them apart in
5 % of the samples.
"""

from __future__ import annotations

import argparse
import math

import numpy as np
import pandas as pd
from scipy.stats import t
from sklearn.datasets import load_digits
from sklearn.linear_model import RidgeClassifier

from penultimate.data.splits import divide, seed_of_repeat
from penultimate.stats import (
    corrected_interval,
    corrected_t_test,
    probability_best,
    score_interval,
)
from penultimate.stats.wilson import wilson_interval

FRACTIONS = {"train": 0.6, "val": 0.2, "test": 0.2}
NOISE = 3.5  # of 16 grey levels: about 80 % right


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--samples", type=int, default=400)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=20)
    arguments = parser.parse_args()
    rows = [sample(seed, arguments.images, arguments.repeats) for seed in range(arguments.samples)]
    table = pd.DataFrame(rows)
    truth = float(table["elsewhere"].mean())

    def covered(name: str) -> float:
        return float(((table[f"{name}_low"] <= truth) & (truth <= table[f"{name}_high"])).mean())

    print(f"{len(table)} samples of {arguments.images} images, {arguments.repeats} splits of each")
    print(f"score of a network fitted on such a sample: {truth:.3f}")
    for name in ("one", "naive", "corrected", "floored"):
        width = float((table[f"{name}_high"] - table[f"{name}_low"]).mean())
        print(f"{name:>10}: covers {covered(name):.1%}, mean width {100 * width:.1f} points")
    for name in ("naive_p", "corrected_p"):
        print(f"{name:>12}: tells equals apart in {(table[name] <= 0.05).mean():.1%}")
    sure = table["probability"] >= 0.95
    print(f"probability of being best at least 95 % for one of two equals: {sure.mean():.1%}")


def sample(seed: int, images: int, repeats: int) -> dict[str, float]:
    """What one sample's splits say, and what its network scores on the images outside it."""
    digits = load_digits()
    random = np.random.default_rng(seed)
    seen = random.permutation(len(digits.target))
    rows, others = seen[:images], seen[images:]
    # What a network makes of an image is fixed; each sample has two networks of its own.
    networks = [digits.data + random.normal(0, NOISE, digits.data.shape) for _ in range(2)]
    labels = digits.target[rows].astype(np.int64)
    ids, groups = [f"{i:04}" for i in range(images)], np.arange(images)
    scores = np.zeros((repeats, 2))
    elsewhere, right = [], np.array([])
    for repeat in range(repeats):
        split = seed_of_repeat(seed, repeat)
        test = divide(ids, labels, groups, FRACTIONS, split, by_chance=repeat > 0) == "test"
        for k, features in enumerate(networks):
            model = RidgeClassifier(alpha=3e3).fit(features[rows][~test], labels[~test])
            answers = model.predict(features[rows][test])
            scores[repeat, k] = (answers == labels[test]).mean()
            if repeat == 0 and k == 0:
                right = answers
                truth = labels[test]
            if k == 0:
                found = model.predict(features[others]) == digits.target[others]
                elsewhere.append(found.mean())
    sizes = {"n_train": float((~test).sum()), "n_test": float(test.sum())}
    first, gap = scores[:, 0], scores[:, 0] - scores[:, 1]
    half = t.ppf(0.975, repeats - 1) * first.std(ddof=1) / math.sqrt(repeats)
    one = score_interval("top-1", truth, right)
    corrected = corrected_interval(first, **sizes)
    floor = wilson_interval(first.mean(), images)
    naive = gap.mean() / (gap.std(ddof=1) / math.sqrt(repeats))
    return {
        "elsewhere": float(np.mean(elsewhere)),
        "one_low": one[0],
        "one_high": one[1],
        "naive_low": first.mean() - half,
        "naive_high": first.mean() + half,
        "corrected_low": corrected[0],
        "corrected_high": corrected[1],
        "floored_low": min(corrected[0], float(floor[0])),
        "floored_high": max(corrected[1], float(floor[1])),
        "naive_p": float(2 * t.sf(abs(naive), repeats - 1)),
        "corrected_p": corrected_t_test(scores[:, 0], scores[:, 1], **sizes),
        "probability": float(probability_best(pd.DataFrame(scores), draws=4_000, **sizes).max()),
    }


if __name__ == "__main__":
    main()
