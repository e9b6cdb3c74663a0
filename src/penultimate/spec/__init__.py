"""What a user asks for: backbones, tasks, methods, and a study of them all.

Everything here is frozen and validated; nothing here reads an image or builds a network.
"""

from penultimate.spec.backbone import Backbone, Preprocessing
from penultimate.spec.linear_probe import LinearProbe
from penultimate.spec.method import Method
from penultimate.spec.pretrain import Pretrain
from penultimate.spec.pretrained import Pretrained, SourceScore
from penultimate.spec.recipe import Augmentation, Recipe
from penultimate.spec.study import RunSpec, Study
from penultimate.spec.task import Task
from penultimate.spec.toml import dump_study, load_study, locate, rooted
from penultimate.spec.trained import FineTune, FromScratch

__all__ = [
    "Augmentation",
    "Backbone",
    "FineTune",
    "FromScratch",
    "LinearProbe",
    "Method",
    "Preprocessing",
    "Pretrain",
    "Pretrained",
    "Recipe",
    "RunSpec",
    "SourceScore",
    "Study",
    "Task",
    "dump_study",
    "load_study",
    "locate",
    "rooted",
]
