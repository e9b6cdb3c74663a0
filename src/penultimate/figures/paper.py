"""What the figures for print have in common: a paper's widths, small type, marks, files.

No text is below 6 points at the width that a figure is drawn for. What a colour tells, a mark tells
too, so that a copy in grey can be read.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from penultimate.errors import SpecError
from penultimate.figures.style import Palette, dress, new_figure, plain_text, series_style, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure

COLUMN, TEXT = 3.25, 6.875  # inches: a column of a paper, and the whole of its text
NARROWEST, WIDEST = 2.5, 20.0
HEAD, LABEL, TICK = 7.0, 6.5, 6.0  # points
FORMATS = ("pdf", "svg", "png")
GREEN = 2  # index into Palette.series: the colour of what cannot be told apart from the best

METHOD_NAMES = {
    "linear-probe": "Linear probe",
    "fine-tune": "Fine-tuned",
    "from-scratch": "From scratch",
}
METHOD_ORDER = list(METHOD_NAMES)

MINUS = "\N{MINUS SIGN}"
HANDLE, PAD, GAP = 1.4, 0.5, 1.2  # of a legend, in letters: mark, space after it, between columns
SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")

FORMS = ("o", "s", "^", "D", "v", "P", "X", "*")


def method_name(method: str) -> str:
    """What a method is called in a figure."""
    return METHOD_NAMES.get(method, method)


def in_order(methods: Iterable[str]) -> list[str]:
    """Each method once, in the paper's order; others after these."""
    found = list(dict.fromkeys(methods))
    return sorted(found, key=lambda m: METHOD_ORDER.index(m) if m in METHOD_ORDER else 99)


def mark(index: int, palette: Palette, size: float = 3.2) -> dict[str, Any]:
    """The mark of the ``index``-th of several: sixteen differ without colour, filled and open."""
    colour = palette.series[index % len(palette.series)]
    is_open = index // len(FORMS) % 2 == 1
    return {
        "marker": FORMS[index % len(FORMS)],
        "color": colour,
        "markerfacecolor": palette.paper if is_open else colour,
        "markersize": size,
        "markeredgewidth": 0.7,
        "linestyle": "none",
    }


def method_look(methods: Sequence[str], method: str, palette: Palette) -> dict[str, Any]:
    """The line and mark of a method, the same in every figure; dash and form tell it in grey."""
    known = METHOD_ORDER + [m for m in methods if m not in METHOD_ORDER]
    style = series_style(known.index(method))
    return {
        "color": palette.series[style.colour],
        "linestyle": style.dash,
        "marker": style.marker,
        "markersize": 3.2,
        "markeredgewidth": 0.7,
        "linewidth": 1.0,
    }


def need_columns(frame: pd.DataFrame, columns: Iterable[str], figure: str) -> None:
    """Refuse a frame that lacks what a figure plots.

    Raises
    ------
    SpecError : a column is not there; or there is no row.
    """
    missing = [name for name in columns if name not in frame]
    if missing:
        raise SpecError(f"{figure} needs the column {missing[0]}, and the frame has none")
    if frame.empty:
        raise SpecError(f"{figure} has nothing to draw: the frame has no row with a score")


def decade(value: float, _position: int = 0) -> str:
    """``100`` and ``10⁴`` in characters, which need no formula."""
    if value < 1000:
        return f"{value:g}"
    power = len(f"{round(value)}") - 1
    head = f"{value / 10**power:g}"
    return ("" if head == "1" else f"{head}·") + "10" + str(power).translate(SUPERSCRIPT)


def print_figure(width: float, height: float) -> Figure:
    """An empty figure for print, in inches: white, its panels close together.

    Raises
    ------
    SpecError : the width has no room for six-point type.
    """
    if not NARROWEST <= width <= WIDEST:
        raise SpecError(
            f"a figure is drawn {NARROWEST:g} to {WIDEST:g} inches wide, and {width:g} is not: "
            f"a column has {COLUMN:g}, a page's text {TEXT:g}"
        )
    figure = new_figure(width, height)
    figure.patch.set(alpha=1.0, facecolor="white")
    engine = figure.get_layout_engine()
    assert isinstance(engine, ConstrainedLayoutEngine)
    engine.set(w_pad=0.025, h_pad=0.025, wspace=0.03, hspace=0.02)
    return figure


def body(figure: Figure) -> SubFigure:
    """A part of the figure for the panels, so that a legend outside it overlaps no label."""
    part = figure.add_subfigure(figure.add_gridspec(1, 1)[0])
    part.patch.set_alpha(0.0)
    return part


def small(axes: Axes, palette: Palette, *, grid: str = "both") -> None:
    """Quiet axes in the type of a small panel."""
    dress(axes, palette, grid=grid, size=TICK)
    axes.grid(linewidth=0.4)
    for spine in axes.spines.values():
        spine.set_linewidth(0.5)


def title(axes: Axes, text: str, palette: Palette, *, inches: float) -> None:
    """A panel's heading, cut in its middle where ``inches`` are too few for it."""
    font = {"fontsize": LABEL, "fontweight": "bold", "color": palette.ink}
    axes.set_title(short(text, letters(inches, LABEL)), loc="left", pad=3, fontdict=font)


def letters(inches: float, size: float) -> int:
    """How many bold letters of ``size`` points fit, most texts taken."""
    return max(4, int(72 * inches / (0.66 * size)))


def width_for(panels: int) -> float:
    """Inches that so many panels of data sets take where no width is asked for."""
    return COLUMN if panels <= 2 else TEXT


def grid_of(panels: int, most: int) -> tuple[int, int]:
    """Rows and columns for so many panels, at most ``most`` in a row, rows filled evenly."""
    rows = max(1, math.ceil(panels / most))
    return rows, max(1, math.ceil(panels / rows))


def legend(
    figure: Figure,
    handles: Sequence[Any],
    palette: Palette,
    *,
    length: float = HANDLE,
) -> None:
    """One legend for all panels, below them, in as many columns as have room."""
    figure.legend(
        handles=list(handles),
        loc="outside lower center",
        ncols=_columns(handles, figure.get_figwidth(), length),
        frameon=False,
        fontsize=TICK,
        labelcolor=palette.ink,
        handlelength=length,
        columnspacing=GAP,
        handletextpad=PAD,
    )


def legend_height(handles: Sequence[Any], width: float, length: float = HANDLE) -> float:
    """Inches that ``legend`` takes from the height of a figure."""
    return 0.14 * math.ceil(len(handles) / _columns(handles, width, length)) + 0.1


def _columns(handles: Sequence[Any], width: float, length: float) -> int:
    """How many of the longest entry stand side by side, most texts taken."""
    longest = max((len(handle.get_label()) for handle in handles), default=1)
    entry_width = TICK / 72 * (length + PAD + GAP + 0.6 * longest)
    return max(1, min(len(handles), int((width - 0.05) / entry_width)))


def entry(label: str, **look: Any) -> Line2D:
    """A mark or a line of a legend."""
    return Line2D([], [], label=label, **look)


def finish(figure: Figure) -> Figure:
    """The last step of each figure: no name begins a formula."""
    plain_text(figure)
    return figure


def save_figure(figure: Figure, path: Path | str, *, dpi: int = 300) -> None:
    """Write a figure as its file's ending says: ``.pdf``, ``.svg`` or ``.png``.

    PDF carries its fonts as TrueType (type 42), as journals ask; SVG has letters as outlines and
    so needs none. No date is written: the same numbers give the same file.

    Raises
    ------
    SpecError : the ending is none of these, or the file cannot be written.
    """
    path = Path(path)
    kind = path.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise SpecError(
            f"{path} says not what kind of file it is to be: end it in "
            f"{', '.join('.' + f for f in FORMATS[:-1])} or .{FORMATS[-1]}"
        )
    dates: dict[str, dict[str, Any]] = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}
    try:
        with mpl.rc_context({"pdf.fonttype": 42, "svg.hashsalt": "penultimate"}):
            figure.savefig(path, format=kind, dpi=dpi, metadata=dates.get(kind))
    except OSError as error:
        reason = error.strerror or str(error)
        raise SpecError(f"{path} cannot be written ({reason}): choose another place") from None
