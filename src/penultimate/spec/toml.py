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

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import ValidationError

from penultimate.errors import SpecError, nearest
from penultimate.spec.backbone import Backbone
from penultimate.spec.base import Frozen
from penultimate.spec.method import METHODS
from penultimate.spec.study import Study
from penultimate.spec.task import Task


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
    except tomllib.TOMLDecodeError as error:
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

    None where a backbone is a network of the user's own, which no file can hold.
    """
    if any(backbone.is_module for backbone in study.backbones):
        return None
    record = study.model_dump(mode="json", exclude_unset=True)
    record["methods"] = [
        {"name": method.name, **method.model_dump(mode="json", exclude_unset=True)}
        for method in study.methods
    ]
    return tomli_w.dumps(_without_none(record))


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
    # Members of a union are told by their type's name in the location: no key of the file.
    loc = [part for part in first["loc"] if not (isinstance(part, str) and part[:1].isupper())]
    key = str(loc[-1]) if loc else ""
    line = _line_of(loc, text)
    where = f"{path}, line {line}" if line else str(path)
    if first["type"] == "extra_forbidden":
        near = nearest(key, _right_keys(loc))
        hint = " or ".join(repr(n) for n in near) or "one of " + ", ".join(_right_keys(loc))
        return f"{where}: there is no key {key!r}; did you mean {hint}?"
    if first["type"] == "literal_error":
        near = nearest(str(first["input"]), re.findall(r"'([^']*)'", str(first["ctx"]["expected"])))
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"{where}: {key} is {first['input']!r}, not {first['ctx']['expected']}{hint}"
    if first["type"] == "missing":
        return f"{where}: {key} is missing"
    message = first["msg"].removeprefix("Value error, ")
    return f"{where}: {'.'.join(str(part) for part in loc) or 'the study'}: {message}"


def _right_keys(loc: list[Any]) -> list[str]:
    """The keys that are right where the wrong one stands."""
    if len(loc) == 1:
        return list(Study.model_fields)
    records: dict[str, list[type[Frozen]]] = {
        "backbones": [Backbone],
        "tasks": [Task],
        "methods": list(METHODS.values()),
    }
    return [key for record in records[str(loc[0])] for key in record.model_fields]


def _line_of(loc: list[Any], text: str) -> int | None:
    """The line of a value, from its path in the document, for example ``backbones, 1, size``.

    TOML's readers keep no positions, so this looks for the table, then for the key in it; a value
    of an array on one line is on the line of its key.
    """
    lines = text.splitlines()
    keys = [part for part in loc if isinstance(part, str)]
    index = next((part for part in loc if isinstance(part, int)), 0)
    headers = [
        number
        for number, line in enumerate(lines, start=1)
        if keys and re.match(rf"\s*\[\[?\s*{re.escape(keys[0])}\s*\]", line)
    ]
    if headers:
        start = headers[min(index, len(headers) - 1)]
        return _find_key(lines, start, keys[-1:]) or start
    return _find_key(lines, 0, keys[::-1])


def _find_key(lines: list[str], start: int, keys: Iterable[str]) -> int | None:
    """The line, from 1, on which one of ``keys`` is assigned, after ``start`` lines."""
    for key in keys:
        for number, line in enumerate(lines[start:], start=start + 1):
            if start and re.match(r"\s*\[", line):
                break
            if re.search(rf"(^|[{{,\s])[\"']?{re.escape(key)}[\"']?\s*=", line):
                return number
    return None


def _rooted_task(task: Task, folder: Path) -> Task:
    kind, colon, place = task.source.partition(":")
    if not colon or kind not in ("folder", "csv", "features"):
        return task
    return task.model_copy(update={"source": f"{kind}:{folder / Path(place).expanduser()}"})


def _rooted_backbone(backbone: Backbone, folder: Path) -> Backbone:
    """Checkpoints and given features are found from the study's folder, under the name written."""
    name = backbone.name
    if name.startswith("features:"):
        rooted = f"features:{folder / Path(name.removeprefix('features:')).expanduser()}"
    elif "@" in name and (folder / name.partition("@")[2]).expanduser().is_file():
        architecture, _, place = name.partition("@")
        rooted = f"{architecture}@{folder / Path(place).expanduser()}"
    else:
        return backbone
    return backbone.model_copy(update={"name": rooted, "label": backbone.label or name})
