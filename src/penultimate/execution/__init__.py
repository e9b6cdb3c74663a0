"""A study's runs, in the order of their needs, each committed as it finishes."""

from penultimate.execution.job import Failure
from penultimate.execution.plan import Planned, plan
from penultimate.execution.run import StudyFailedError, StudyResults, run

__all__ = ["Failure", "Planned", "StudyFailedError", "StudyResults", "plan", "run"]
