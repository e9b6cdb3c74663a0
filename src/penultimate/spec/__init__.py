"""What a user asks for: backbones, tasks, methods, and a study of them all.

Everything here is frozen and validated; nothing here reads an image or builds a network.
"""

from penultimate.spec.backbone import Backbone, Preprocessing
from penultimate.spec.method import LinearProbe, Method
from penultimate.spec.study import RunSpec, Study
from penultimate.spec.task import Task
from penultimate.spec.toml import dump_study, load_study, locate, rooted

__all__ = [
    "Backbone",
    "LinearProbe",
    "Method",
    "Preprocessing",
    "RunSpec",
    "Study",
    "Task",
    "dump_study",
    "load_study",
    "locate",
    "rooted",
]
