"""One training loop: what it learns from, how it steps, what it leaves."""

from penultimate.training.batch_norm import has_batch_norm, smaller_micro_batch
from penultimate.training.loop import Trained, train
from penultimate.training.run import Figures, Images
from penultimate.training.team import Team

TRAINING_VERSION = 1  # goes up when the loop's numbers change

__all__ = [
    "TRAINING_VERSION",
    "Figures",
    "Images",
    "Team",
    "Trained",
    "has_batch_norm",
    "smaller_micro_batch",
    "train",
]
