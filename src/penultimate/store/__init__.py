"""Where results live: one folder a run, committed by its ``result.json``.

Reading a store needs pandas and never torch.
"""

from penultimate.store.imagenet import Accuracy, CheckpointName, ImageNetAccuracies
from penultimate.store.imagenet_table import ImageNetTable
from penultimate.store.pair_tests import PairTests
from penultimate.store.planned import Planned, count_planned
from penultimate.store.result import (
    FEATURE_SAMPLE,
    SCHEMA_VERSION,
    Candidate,
    Interval,
    Network,
    Provenance,
    Result,
    SkippedExample,
    without_floor,
)
from penultimate.store.run import Run
from penultimate.store.store import Attempt, ResultStore
from penultimate.store.thumbnails import Thumbnail, Thumbnails
from penultimate.store.training import Part, Training, TrainingRecord
from penultimate.store.trainings import Trainings

__all__ = [
    "FEATURE_SAMPLE",
    "SCHEMA_VERSION",
    "Accuracy",
    "Attempt",
    "Candidate",
    "CheckpointName",
    "ImageNetAccuracies",
    "ImageNetTable",
    "Interval",
    "Network",
    "PairTests",
    "Part",
    "Planned",
    "Provenance",
    "Result",
    "ResultStore",
    "Run",
    "SkippedExample",
    "Thumbnail",
    "Thumbnails",
    "Training",
    "TrainingRecord",
    "Trainings",
    "count_planned",
    "without_floor",
]
