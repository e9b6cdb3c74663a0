"""From ``--method``, ``--preset`` and ``--set`` to the methods of a study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args, get_origin

from penultimate.errors import SpecError, UnknownNameError, nearest

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from penultimate.spec import Method

UNSET = "none"  # how a person writes that a setting that may be left open is


def methods_of(
    names: tuple[str, ...], preset: str | None, settings: tuple[str, ...]
) -> tuple[Method, ...] | None:
    """The methods that the command line asks for; None where it leaves that to the study.

    Parameters
    ----------
    settings : ``NAME=VALUE`` for every method that has NAME, ``METHOD.NAME=VALUE`` for one.

    Raises
    ------
    SpecError : a name is none, a value is not right, or no method that is asked for has it.
    """
    from pydantic import ValidationError

    from penultimate.spec.method import METHODS

    for name in names:
        if name not in METHODS:
            raise UnknownNameError("method", name, METHODS, "the methods are " + ", ".join(METHODS))
    if not names and preset is None and not settings:
        return None
    asked = tuple(dict.fromkeys(names)) or ("linear-probe",)
    given: dict[str, dict[str, Any]] = {name: {} for name in asked}
    if preset is not None:
        trained = [name for name in asked if hasattr(METHODS[name], "preset")]
        if not trained:
            raise SpecError(
                f"--preset {preset} is for methods that train the network: add --method fine-tune "
                "or --method from-scratch"
            )
        for name in trained:
            given[name]["preset"] = preset
    written: dict[tuple[str, str], str] = {}
    for setting in settings:
        for name, key, value in _placed(setting, asked):
            if (name, key) in written:
                raise SpecError(f"--set gives {key} of {name} twice: leave one out")
            written[name, key] = setting
            given[name][key] = value
    made = []
    for name in asked:
        try:
            made.append(METHODS[name].model_validate(given[name]))
        except ValidationError as error:
            raise SpecError(_sentence(name, error, written)) from None
    return tuple(made)


def _placed(setting: str, asked: tuple[str, ...]) -> list[tuple[str, str, Any]]:
    """Of which methods a setting is, its key, and its value as the field takes it."""
    from penultimate.spec.method import METHODS

    where, equals, text = setting.partition("=")
    method, dot, key = where.strip().rpartition(".")
    if not equals or not key:
        raise SpecError(f"--set {setting} is not NAME=VALUE, as in --set steps=500")
    if dot and method not in asked:
        raise SpecError(
            f"--set {setting} is for {method!r}, and the methods asked for are {', '.join(asked)}: "
            f"add --method {method}"
            if method in METHODS
            else f"--set {setting} names no method: they are {', '.join(METHODS)}"
        )
    found = [
        (name, key, _value(METHODS[name].model_fields[key].annotation, text.strip()))
        for name in ((method,) if dot else asked)
        if key in _keys(name)
    ]
    if not found:
        looked = (method,) if dot else asked
        raise SpecError(f"--set {setting}: {_right_keys(key, looked)}")
    return found


def _keys(method: str) -> list[str]:
    from penultimate.spec.method import METHODS

    return [key for key in METHODS[method].model_fields if key != "name"]


def _right_keys(key: str, methods: tuple[str, ...]) -> str:
    """That no method has a key, and which there are; the nearest where some are near."""
    keys = list(dict.fromkeys(k for name in methods for k in _keys(name)))
    near = nearest(key, keys)
    which = " and ".join(methods)
    if near:
        return f"{which} has no {key!r}; did you mean {' or '.join(map(repr, near))}?"
    return f"{which} has no {key!r}: the settings are {', '.join(keys)}"


def _value(annotation: Any, text: str) -> Any:
    """The text as pydantic takes it for a field: a list where it holds several values."""
    kinds = get_args(annotation) if type(None) in get_args(annotation) else (annotation,)
    if type(None) in kinds and text.lower() == UNSET:
        return None
    if any(get_origin(kind) is tuple for kind in kinds):
        return [part.strip() for part in text.strip("[]()").split(",") if part.strip()]
    return text


def _sentence(method: str, error: ValidationError, written: dict[tuple[str, str], str]) -> str:
    """The first mistake in a method's settings, under the words that it was written with."""
    first: ErrorDetails = error.errors()[0]
    message = first["msg"].removeprefix("Value error, ")
    place = [str(part) for part in first["loc"][:1]]
    if not place or (method, place[0]) not in written:
        return f"{method}: {message}"
    if message.startswith("Input should"):
        shown = f"{first['input']!r} "
        message = shown + message.removeprefix("Input ").partition(", ")[0]
    return f"--set {written[method, place[0]]}: {message}"
