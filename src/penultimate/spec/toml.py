"""A study as a TOML file, and where in the file a mistake is.

::

    name = "birds"
    seeds = [0]
    backbones = ["resnet50", "resnet50@random"]
    tasks = ["folder:photos"]
    methods = ["linear-probe"]

Settings of one backbone, task or method are written as a table of its own::

    [[backbones]]
    name = "resnet50"
    image_size = 256
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from penultimate.errors import SpecError, nearest
from penultimate.spec.backbone import Backbone
from penultimate.spec.base import Frozen
from penultimate.spec.method import METHODS
from penultimate.spec.study import Study
from penultimate.spec.task import Task

TYPES = set(METHODS)


def load_study(path: Path) -> Study:
    """Read and validate a study file.

    Relative paths in it (``folder:photos``) are relative to the file's folder.

    Raises
    ------
    SpecError : the file is missing, is not TOML, or has a key or value that is not right; the
        message names the line and the nearest right names.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SpecError(
            f"there is no study file {path}: 'penultimate init {path}' writes one to start from"
        ) from None
    except UnicodeDecodeError:
        raise SpecError(f"{path} is not UTF-8 text: save the study file as UTF-8") from None
    except OSError as error:
        raise SpecError(
            f"{path} cannot be read ({error.strerror}): a study is a TOML file, and 'penultimate "
            "init' writes one to start from"
        ) from None
    try:
        record = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SpecError(f"{path} is not valid TOML: {error}") from None
    try:
        study = Study.model_validate(record)
    except ValidationError as error:
        raise SpecError(_explain(error, path, text)) from None
    return rooted(study, path.parent)


def rooted(study: Study, folder: Path) -> Study:
    """The study with its relative paths made absolute, seen from ``folder``."""
    folder = folder.absolute()
    return study.model_copy(
        update={
            "tasks": tuple(_rooted_task(task, folder) for task in study.tasks),
            "backbones": tuple(_rooted_backbone(b, folder) for b in study.backbones),
        }
    )


def dump_study(study: Study) -> str | None:
    """The study as a file that ``load_study`` reads, with only what was set; root its paths first.

    None where a TOML file cannot hold it: a network of the user's own, or a path that is no text.
    """
    if any(backbone.is_module for backbone in study.backbones):
        return None
    record = study.model_dump(mode="json", exclude_unset=True)
    record["methods"] = [
        {"name": method.name, **method.model_dump(mode="json", exclude_unset=True)}
        for method in study.methods
    ]
    text = tomli_w.dumps(_without_none(record))
    try:
        text.encode()
    except UnicodeEncodeError:  # a path whose bytes are not UTF-8
        return None
    return text


def _without_none(value: Any) -> Any:
    """TOML has no null: what is None is left out, and so stands at its default."""
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_none(item) for item in value]
    return value


def locate(name: str, path: Path) -> str:
    """``PATH, line N`` of the first line that has ``name`` in quotes; the path where none has."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if f'"{name}"' in line or f"'{name}'" in line:
            return f"{path}, line {number}"
    return str(path)


def _explain(error: ValidationError, path: Path, text: str) -> str:
    """The first mistake in one sentence: where it is, what is wrong, what would be right."""
    # A key that nothing reads is often why another is missing, so it comes first.
    first = min(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
    loc = list(first["loc"])
    if len(loc) > 2:  # members of a union are told by their name: no key of the file
        loc = [part for part in loc[:-1] if part not in TYPES] + loc[-1:]
    message = first["msg"].removeprefix("Value error, ")
    if not loc and (field := message.partition(" ")[0]) in Study.model_fields:
        line = _line_of([field], text)  # what the whole study must hold names the field first
    else:
        line = _line_of(loc, text, _given(first))
    where = f"{path}, line {line}" if line else str(path)
    return f"{where}: {_fault(first, loc)}"


def _given(first: ErrorDetails) -> Any:
    """The value that is at fault; of a record whose name is, the name."""
    return first["ctx"]["tag"] if first["type"] == "union_tag_invalid" else first["input"]


def _fault(first: ErrorDetails, loc: list[Any]) -> str:
    """What is wrong at a place, and what would be right."""
    kind, called, given = first["type"], _called(loc), _short(first["input"])
    message = first["msg"].removeprefix("Value error, ")
    if kind == "extra_forbidden":
        key = str(loc[-1])
        close = " or ".join(repr(name) for name in nearest(key, _right_keys(loc)))
        hint = f"; did you mean {close}?" if close else f": there are {', '.join(_right_keys(loc))}"
        message = f"there is no key {key!r}{hint}"
    elif kind == "missing":
        message = f"{called} is missing: add it, as the file does that 'penultimate init' writes"
    elif kind == "literal_error":
        right = str(first["ctx"]["expected"])
        near = nearest(str(first["input"]), re.findall(r"'([^']*)'", right))
        hint = f"; did you mean {near[0]!r}?" if near else ""
        message = f"{called} is {given} and not {right}{hint}"
    elif kind == "union_tag_invalid":
        wrong = str(first["ctx"]["tag"])
        near = nearest(wrong, METHODS)
        hint = f"; did you mean {near[0]!r}?" if near else f": there are {', '.join(METHODS)}"
        message = f"there is no method {wrong!r}{hint}"
    elif kind == "model_type":
        message = f"{called} is {given} and should be a name or a table of settings"
    elif kind == "too_short":
        message = f"{called} is empty and should have at least one item"
    elif message.startswith("Input should"):
        message = f"{called} is {given} and {message.removeprefix('Input ').partition(', ')[0]}"
    return message


def _called(loc: list[Any]) -> str:
    """A place in the document as a person would call it: ``image_size of backbones, item 2``."""
    if not loc:
        return "the study"
    *outer, last = loc
    if isinstance(last, int):
        return f"item {last + 1} of {_called(outer)}"
    items = [part + 1 for part in outer if isinstance(part, int)]
    return f"{last} of {outer[0]}, item {items[0]}," if items else str(last)


def _short(value: Any) -> str:
    """A value as it may stand in a sentence."""
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def _right_keys(loc: list[Any]) -> list[str]:
    """The keys that are right where the wrong one stands."""
    if len(loc) == 1:
        return list(Study.model_fields)
    records: dict[str, list[type[Frozen]]] = {
        "backbones": [Backbone],
        "tasks": [Task],
        "methods": list(METHODS.values()),
    }
    keys = [key for record in records[str(loc[0])] for key in record.model_fields]
    return [*keys, "preset"] if loc[0] == "methods" else keys


def _line_of(loc: list[Any], text: str, value: Any = None) -> int | None:
    """The line of a value, from its path in the document, for example ``backbones, 1, size``.

    TOML's readers keep no positions, so this looks for the table, then in it for the key, or for
    the value itself where it is a string of a list.
    """
    lines = text.splitlines()
    keys = [part for part in loc if isinstance(part, str)]
    if not keys:
        return None
    index = next((part for part in loc if isinstance(part, int)), 0)
    table = re.compile(rf"\s*\[\[?\s*{re.escape(keys[0])}\s*\]")
    headers = [number for number, line in enumerate(lines, 1) if table.match(line)]
    if headers:
        start = headers[min(index, len(headers) - 1)]
    else:
        start = _find(lines, 1, len(lines), _assigned(keys[0])) or 0
        if not start:
            return None
    next_key = re.compile(r"^\s*\[" if headers else r"^\s*(\[\[?\s*\w|[\w\"'-]+\s*=)")
    end = (_find(lines, start + 1, len(lines), next_key) or len(lines) + 1) - 1
    quoted = re.compile(rf"[\"']{re.escape(str(value))}[\"']")
    return (
        (len(keys) > 1 and _find(lines, start, end, _assigned(keys[-1])))
        or (isinstance(value, str) and _find(lines, start, end, quoted))
        or start
    )


def _assigned(key: str) -> re.Pattern[str]:
    return re.compile(rf"(^|.*[{{,\s])[\"']?{re.escape(key)}[\"']?\s*=")


def _find(lines: list[str], first: int, last: int, pattern: re.Pattern[str]) -> int | None:
    """The first line, from 1, between two that has what is looked for."""
    for number in range(first, last + 1):
        if pattern.search(lines[number - 1]):
            return number
    return None


def _rooted_task(task: Task, folder: Path) -> Task:
    """The places of a source and of its split; a name on a hub stays as it is."""
    changed = {"source": _rooted_source(task.source, folder)}
    if task.splits is not None:
        changed["splits"] = str(_place(folder, task.splits))
    changed = {key: value for key, value in changed.items() if value != getattr(task, key)}
    return task.model_copy(update=changed) if changed else task


def _rooted_source(source: str, folder: Path) -> str:
    kind, _, place = source.partition(":")
    name, colon, root = place.partition(":")
    if kind == "torchvision":
        return f"{kind}:{name}:{_place(folder, root)}" if colon and root else source
    if not place:
        return source
    if kind == "hf":  # a folder if there is one; else a name on a hub
        place, mark, columns = place.partition("?")
        there = os.path.lexists(_place(folder, place))
        return f"{kind}:{_place(folder, place)}{mark}{columns}" if there else source
    return f"{kind}:{_place(folder, place)}"


def _rooted_backbone(backbone: Backbone, folder: Path) -> Backbone:
    """Checkpoints and given features are found from the study's folder, under the name written."""
    kind, colon, place = backbone.name.partition(":")
    architecture, at, weights = backbone.name.partition("@")
    if colon and kind == "features" and place:
        rooted = f"features:{_place(folder, place)}"
    elif at and os.path.isfile(_place(folder, weights)):  # noqa: PTH113 - False for any text
        rooted = f"{architecture}@{_place(folder, weights)}"
    else:
        return backbone
    return backbone.model_copy(update={"name": rooted, "label": backbone.display})


def _place(folder: Path, place: str) -> Path:
    """A path as written, seen from ``folder``; ``~`` is the home folder where there is one."""
    try:
        return folder / Path(place).expanduser()
    except RuntimeError:  # ~somebody whom nobody knows
        return folder / place
