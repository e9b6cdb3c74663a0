"""What is trained on features, and how its hyper-parameters are chosen."""

from penultimate.methods.labelled import Labelled
from penultimate.methods.linear_probe import LinearProbeFit, Selection, fit, select
from penultimate.methods.probe import Probe, load_probe, save_probe

__all__ = [
    "Labelled",
    "LinearProbeFit",
    "Probe",
    "Selection",
    "fit",
    "load_probe",
    "save_probe",
    "select",
]
