"""A figure as SVG inside the page, in the colours and the type of the page."""

from __future__ import annotations

import io
import re
import warnings
import xml.etree.ElementTree as ET

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.figure import Figure

from penultimate.figures import PRINT, Palette
from penultimate.figures.style import SeriesStyle

COLOURED = ("fill", "stroke")
XLINK_HREF = "{http://www.w3.org/1999/xlink}href"

# Placeholders, one for each colour of the style sheet: no figure has them for another reason.
VARIABLES = ["ink", "muted", "rule", "paper", "accent"]
SERIES = [f"series-{i}" for i in range(len(PRINT.series))]
PLACEHOLDERS = {name: f"#0a0b{i:02x}" for i, name in enumerate([*VARIABLES, *SERIES], start=16)}
PAGE = Palette(
    **{name: PLACEHOLDERS[name] for name in VARIABLES},
    series=tuple(PLACEHOLDERS[name] for name in SERIES),
)


def inline_svg(figure: Figure, key: str, label: str) -> Markup:
    """A figure drawn with ``PAGE`` as one ``<svg>`` element.

    Text stays text, in the page's own fonts; names in it are escaped by the serialiser.

    Parameters
    ----------
    key : unique in the page, letters and digits; goes before the ids that the figure needs.
    label : what the figure shows, for those who do not see it.
    """
    file = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": key}), warnings.catch_warnings():
        # The browser has fonts for the scripts that matplotlib's own font lacks.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")
        figure.savefig(file, format="svg", metadata={"Date": None})
    root = ET.fromstring(file.getvalue())
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.endswith(("metadata", "}style")):
                parent.remove(child)
    for element in root.iter():
        _restyle(element, key)
    root.attrib.pop("width", None)
    root.attrib.pop("height", None)
    root.set("role", "img")
    root.set("aria-label", label)
    # What ElementTree writes has every name and text escaped.
    return Markup(ET.tostring(root, encoding="unicode"))


def swatch(style: SeriesStyle) -> Markup:
    """The line and mark of a series, for a legend outside the figure."""
    dash = ""
    if not isinstance(style.dash, str):
        dash = ' stroke-dasharray="' + " ".join(f"{1.6 * d:.1f}" for d in style.dash[1]) + '"'
    shape = {
        "o": '<circle cx="16" cy="6" r="4"/>',
        "s": '<rect x="12.4" y="2.4" width="7.2" height="7.2"/>',
        "^": '<path d="M16 1.6 20.4 9.6H11.6Z"/>',
        "D": '<path d="M16 1.2 20.8 6 16 10.8 11.2 6Z"/>',
        "v": '<path d="M16 10.4 20.4 2.4H11.6Z"/>',
    }[style.marker]
    return Markup(
        f'<svg class="swatch s{style.colour}" viewBox="0 0 32 12" aria-hidden="true">'
        f'<path class="line" d="M0 6H32"{dash}/>{shape}</svg>'
    )


def _restyle(element: ET.Element, key: str) -> None:
    """Colours of the page for placeholders, no font of its own, ids that are the page's only.

    Within HTML an element needs no namespace.
    """
    element.tag = element.tag.rpartition("}")[2]
    # The ground of a hatching has its colour as an attribute, which knows no variables.
    given = "; ".join(f"{a}: {element.attrib.pop(a)}" for a in COLOURED if a in element.attrib)
    style = "; ".join(part for part in (given, element.get("style")) if part)
    if style:
        style = re.sub(r"font-family:[^;]*;?\s*", "", style)
        for name, placeholder in PLACEHOLDERS.items():
            style = style.replace(placeholder, f"var(--{name})")
        element.set("style", style.replace("url(#", f"url(#{key}-"))  # a hatching
    name = element.attrib.pop("id", "")
    if name and element.tag in ("clipPath", "path", "pattern", "use"):
        element.set("id", f"{key}-{name}")
    clip = element.get("clip-path")
    if clip is not None:
        element.set("clip-path", clip.replace("#", f"#{key}-"))
    target = element.attrib.pop(XLINK_HREF, "")
    if target:
        element.set("href", target.replace("#", f"#{key}-"))
