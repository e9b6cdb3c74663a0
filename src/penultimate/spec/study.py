"""A study: every backbone on every task with every method, for each seed and each repeat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from penultimate.io import digest_json
from penultimate.spec.backbone import Backbone
from penultimate.spec.base import Frozen
from penultimate.spec.linear_probe import LinearProbe
from penultimate.spec.method import Method
from penultimate.spec.task import Task

Seed = Annotated[int, Field(ge=0, lt=2**63)]  # what both numpy and torch take


class RunSpec(Frozen):
    """One cell of a study, as the user wrote it; ``repeat`` counts its splits from 0."""

    backbone: Backbone
    task: Task
    method: Method
    seed: Seed
    repeat: int = Field(default=0, ge=0)


class Study(Frozen):
    """Backbones x tasks x methods x seeds.

    Strings stand for a backbone's name, a task's source and a method's name::

        Study(backbones=["resnet50", "resnet50@random"], tasks=["digits", "folder:photos"])

    ``seeds`` decide how a task without an official split is divided and how a randomly
    initialised network begins. ``repeats`` says over how many such divisions, drawn by each seed,
    a linear probe is selected and scored; the features are taken once. What is trained, and what
    comes with a test part of its own, is run on the first only.
    """

    backbones: tuple[Backbone, ...] = Field(min_length=1)
    tasks: tuple[Task, ...] = Field(min_length=1)
    methods: tuple[Method, ...] = Field(default=(LinearProbe(),), min_length=1)
    seeds: tuple[Seed, ...] = Field(default=(0,), min_length=1)
    repeats: int = Field(default=1, ge=1)
    name: str = "study"

    @field_validator("backbones", mode="before")
    @classmethod
    def _backbones_by_name(cls, value: Any) -> Any:
        return _named(value, "name")

    @field_validator("tasks", mode="before")
    @classmethod
    def _tasks_by_source(cls, value: Any) -> Any:
        return _named(value, "source")

    @field_validator("methods", mode="before")
    @classmethod
    def _methods_by_name(cls, value: Any) -> Any:
        return _named(value, "name")

    @model_validator(mode="after")
    def _names_tell_apart(self) -> Self:
        for kind, names in (
            ("backbones", [b.display for b in self.backbones]),
            ("tasks", [t.display for t in self.tasks]),
            ("methods", [m.name for m in self.methods]),
            ("seeds", [str(s) for s in self.seeds]),
        ):
            twice = [name for name, count in Counter(names).items() if count > 1]
            if twice:
                raise ValueError(
                    f"{kind} has {twice[0]!r} more than once; leave one out, or give it a "
                    "label or name of its own"
                )
        return self

    def identity(self) -> dict[str, Any]:
        """As for every record; which method a record of settings is of stands with it."""
        record = super().identity()
        for settings, method in zip(record.get("methods", ()), self.methods, strict=False):
            if not isinstance(method, LinearProbe):
                settings["name"] = method.name
        return record

    def digest(self) -> str:
        """SHA-256 of what was asked for, not of the data or the weights."""
        return digest_json(self.identity())

    def runs(self) -> Iterator[RunSpec]:
        """Every cell, task by task, backbone by backbone; a probe's repeats one after the other.

        A task may turn out to come with a test part of its own: it is then not repeated.
        """
        for task in self.tasks:
            for backbone in self.backbones:
                for method in self.methods:
                    repeats = self.repeats if isinstance(method, LinearProbe) else 1
                    for seed in self.seeds:
                        for repeat in range(repeats):
                            yield RunSpec(
                                backbone=backbone,
                                task=task,
                                method=method,
                                seed=seed,
                                repeat=repeat,
                            )


def _named(value: Any, key: str) -> Any:
    """A string stands for the record with that name; a lone one for a list of one."""
    if isinstance(value, str | dict) or not isinstance(value, list | tuple):
        value = [value]
    return tuple({key: item} if isinstance(item, str) else item for item in value)
