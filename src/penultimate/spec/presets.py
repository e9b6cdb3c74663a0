"""The key ``preset`` of a method's settings: it stands for others, and is not kept itself."""

from __future__ import annotations

from typing import Any


def preset_in(given: Any, presets: tuple[str, ...]) -> tuple[str | None, Any]:
    """Which preset was asked for, if one was, and the settings without that key.

    Raises
    ------
    ValueError : there is no such preset.
    """
    if not isinstance(given, dict) or "preset" not in given:
        return None, given
    settings = dict(given)
    preset = settings.pop("preset")
    if preset not in presets:
        raise ValueError(f"preset {preset!r} is none: there are {' and '.join(presets)}")
    return str(preset), settings
