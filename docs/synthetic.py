"""Frames in the shape of the paper's, drawn at random: for the gallery, and for tests.

No number here was measured. Networks have an ability that goes with their ImageNet accuracy, data
sets a difficulty, settings a gain; what a figure shows of them is known beforehand.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd

NETWORKS = {
    "MobileNet v1": 0.716,
    "MobileNet v2": 0.722,
    "NASNet-A Mobile": 0.735,
    "Inception v1": 0.738,
    "MobileNet v2 (1.4)": 0.747,
    "BN-Inception": 0.751,
    "DenseNet-121": 0.756,
    "ResNet-50": 0.761,
    "DenseNet-169": 0.766,
    "DenseNet-201": 0.772,
    "ResNet-101": 0.776,
    "ResNet-152": 0.780,
    "Inception v3": 0.784,
    "Inception v4": 0.800,
    "Inception-ResNet v2": 0.804,
    "NASNet-A Large": 0.808,
}
# Mean log odds, training images, classes and test images.
DATA_SETS = {
    "Food-101": (1.2, 75_750, 101, 25_250),
    "CIFAR-10": (2.8, 50_000, 10, 10_000),
    "CIFAR-100": (1.2, 50_000, 100, 10_000),
    "Birdsnap": (0.3, 47_386, 500, 2_443),
    "SUN397": (0.5, 19_850, 397, 19_850),
    "Stanford Cars": (0.7, 8_144, 196, 8_041),
    "FGVC Aircraft": (0.5, 6_667, 100, 3_333),
    "VOC 2007": (1.6, 5_011, 20, 4_952),
    "DTD": (1.1, 3_760, 47, 1_880),
    "Oxford Pets": (2.4, 3_680, 37, 3_669),
    "Caltech-101": (2.3, 3_060, 102, 6_084),
    "Flowers": (2.6, 2_040, 102, 6_149),
}
GAINS = {"linear-probe": (0.0, 3.0, 0.04), "fine-tune": (0.7, 2.6, 0.10)}
LUCK = {"linear-probe": 0.10, "fine-tune": 0.18, "from-scratch": 0.20}  # of a network
SWITCHES = ["batch_norm_scale", "label_smoothing", "dropout", "auxiliary_head"]
SETTINGS = [
    (False, True, True, True),
    (True, True, True, True),
    (True, False, True, True),
    (True, False, False, True),
    (True, False, False, False),
]


def ranking(
    methods: tuple[str, ...] = ("linear-probe", "fine-tune", "from-scratch"), seed: int = 0
) -> pd.DataFrame:
    """16 networks on 12 data sets by each method, in the form of ``penultimate.stats.rank``."""
    rng = np.random.default_rng(seed)
    rows = []
    luck = {(m, name): rng.normal(0, LUCK[m]) for m in methods for name in NETWORKS}
    tilt = {(m, task): rng.normal(1, 0.15) for m in methods for task in DATA_SETS}
    for method, (task, (base, images, _, n_test)) in product(methods, DATA_SETS.items()):
        # From scratch, large data sets profit by better networks, and all are behind.
        weak = -2.2 + 0.45 * np.log10(images / 2_000)
        gain, slope, noise = GAINS.get(method, (weak, 1.2 * np.log10(images / 2_000), 0.12))
        for name, top1 in NETWORKS.items():
            ability = logit(top1) - logit(0.763)
            trend = slope * tilt[method, task] * ability + luck[method, name]
            odds = base + gain + trend + rng.normal(0, noise)
            rows.append((method, task, name, top1, expit(odds), n_test, images))
    columns = ["method", "task", "backbone", "imagenet_top1", "score", "n_test", "n_train"]
    frame = pd.DataFrame(rows, columns=columns)
    best = frame.groupby(["method", "task"])["score"].transform("max")
    error = np.sqrt(best * (1 - best) / frame["n_test"])
    level = (best - frame["score"]) < 1.5 * error
    return frame.assign(seed=0, tied_with_best=level.astype("boolean"))


def logit(p: float) -> float:
    """Log odds."""
    return float(np.log(p / (1 - p)))


def expit(x: float) -> float:
    """The fraction of a log odds."""
    return float(1 / (1 + np.exp(-x)))


def training_settings(method: str = "linear-probe", seed: int = 1) -> pd.DataFrame:
    """Four Inceptions, each trained with five settings, on 12 data sets."""
    rng = np.random.default_rng(seed)
    steps = {"linear-probe": [0.0, 0.35, 0.75, 1.25, 1.4], "fine-tune": [0.0, 0.1, 0.2, 0.17, 0.15]}
    names = ["Inception v1", "BN-Inception", "Inception v3", "Inception v4", "Inception-ResNet v2"]
    rows = []
    for (place, network), (step, switches) in product(enumerate(names), enumerate(SETTINGS)):
        top1 = NETWORKS[network] + 0.002 * (2 - step) + rng.normal(0, 0.0015)
        luck = 0.12 * place + steps[method][step] + rng.normal(0, 0.03)
        for task, (base, _, _, n_test) in DATA_SETS.items():
            score = expit(base + luck + rng.normal(0, 0.05))
            rows.append((network, *switches, task, score, n_test, top1, method))
    columns = ["network", *SWITCHES, "task", "score", "n_test", "imagenet_top1", "method"]
    return pd.DataFrame(rows, columns=columns)


def features(seed: int = 2) -> tuple[dict[str, np.ndarray], list[str]]:
    """Features of 300 images of 10 classes by two networks, one of which parts them less."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(10), 30)
    middles = rng.normal(0, 1, (10, 32))
    made = {
        "default settings": middles[labels] + rng.normal(0, 1.5, (300, 32)),
        "better settings": middles[labels] + rng.normal(0, 0.95, (300, 32)),
    }
    return made, [f"class {label}" for label in labels]


def previous() -> pd.DataFrame:
    """A previous result for eight of the data sets."""
    tasks = list(DATA_SETS)[:8]
    scores = [expit(DATA_SETS[task][0] + 1.1) for task in tasks]
    return pd.DataFrame({"task": tasks, "score": scores})


def training_time(seed: int = 3) -> pd.DataFrame:
    """One network trained for eleven numbers of steps, fine-tuned and from scratch."""
    rng = np.random.default_rng(seed)
    rows = []
    for task, method in product(["Food-101", "Stanford Cars", "FGVC Aircraft", "Flowers"], METHODS):
        base, images, _, n_test = DATA_SETS[task]
        late = {"fine-tune": 400, "from-scratch": 6_000}[method]
        for steps in 39 * 2 ** np.arange(11):
            odds = base + 1 - 4.5 * np.exp(-((steps / late) ** 0.6)) + rng.normal(0, 0.06)
            rows.append((task, method, int(steps), steps * 256 / images, expit(odds), n_test))
    columns = ["task", "method", "steps", "epochs", "score", "n_test"]
    return pd.DataFrame(rows, columns=columns)


def examples_per_class(seed: int = 4) -> pd.DataFrame:
    """Three subsets each of eight data sets at seven numbers of examples a class."""
    rng = np.random.default_rng(seed)
    start = {"linear-probe": (-1.2, 0.55), "fine-tune": (-1.5, 0.75), "from-scratch": (-4.5, 1.15)}
    rows = []
    for task, (method, (low, slope)) in product(list(DATA_SETS)[:8], start.items()):
        base, _, _, n_test = DATA_SETS[task]
        for count, subset in product(2 ** np.arange(7), range(3)):
            odds = base - 0.5 + low + slope * np.log(count) + rng.normal(0, 0.45 / np.sqrt(count))
            rows.append((task, method, int(count), subset, expit(odds), n_test))
    columns = ["task", "method", "examples_per_class", "subset", "score", "n_test"]
    return pd.DataFrame(rows, columns=columns)


METHODS = ["fine-tune", "from-scratch"]
