"""What every page of ours is made of: one file, its sections, its style, its script, its policy."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from penultimate.report.words import count

ROOM = "penultimate.report.page"


@dataclass(frozen=True)
class Section:
    """A part of the page: its template is ``templates/KEY.html.j2``, and so is its id."""

    key: str
    heading: str = ""


@dataclass(frozen=True)
class Written:
    """When a page was written and of what, and after how many seconds it comes again by itself.

    ``made`` is ISO 8601 in UTC. Without ``renew`` the page stays as it is.
    """

    made: str
    status: str
    renew: float | None = None


def shell(
    title: str,
    sections: Sequence[Section],
    *,
    eyebrow: str,
    footer: str,
    written: Written | None = None,
    **values: Any,
) -> str:
    """A page of ``sections``, the first of which stands above the contents.

    The page asks the network for nothing (its content security policy would not let it), follows
    the reader's light or dark scheme, and shows every value as text unless it is ``Markup``.

    Parameters
    ----------
    eyebrow, footer : lines above the title and under everything.
    written : of a page that is written again and again.
    values : what the templates of the sections use, by name.
    """
    environment = Environment(
        loader=PackageLoader(ROOM),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"breakable": breakable, "joined": joined}
    script = _together("scripts", ".js")
    return environment.get_template("page.html.j2").render(
        title=title,
        sections=sections,
        eyebrow=eyebrow,
        footer=footer,
        written=written,
        style=Markup(_together("styles", ".css")),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        count=count,
        **values,
    )


def breakable(name: str) -> Markup:
    """A name, escaped, that a line may break where its parts end."""
    return Markup("<wbr>").join(re.split(r"(?<=[@/])(?=.)|(?<=[^_@/]{5}_)(?=.)", name))


def joined(text: str) -> Markup:
    """Text, escaped, whose numbers stay on one line with their signs."""
    return escape(
        re.sub(r"(?<=\d) (?=%)|(?<=[pr]) (?=[=<])|(?<=[=<]) (?=\d)", "\N{NO-BREAK SPACE}", text)
    )


def _together(folder: str, ending: str) -> str:
    """The files of a folder, one after the other in the order of their names."""
    files = sorted(resources.files(ROOM).joinpath(folder).iterdir(), key=lambda file: file.name)
    return "\n".join(f.read_text(encoding="utf-8") for f in files if f.name.endswith(ending))
