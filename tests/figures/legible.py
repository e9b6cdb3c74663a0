"""What a figure for print must hold, read from the drawn figure: text, ticks, grey."""

from __future__ import annotations

import io
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from PIL import Image

ROOT = Path(__file__).parent.parent.parent
sys.path.append(str(ROOT / "docs"))

import synthetic  # noqa: E402, F401 - tests import it from here

SLACK = 0.5  # pixels at 100 dpi that boxes of text may share: they are looser than the ink


def texts(figure: Figure) -> list[tuple[Text, object]]:
    """Every text that is seen, with its box in pixels."""
    figure.draw_without_rendering()
    hidden = unseen(figure)
    found = []
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        if text.get_visible() and text.get_text().strip() and text not in hidden:
            found.append((text, text.get_window_extent()))
    return found


def unseen(figure: Figure) -> set[Text]:
    """Texts of hidden panels, and labels of ticks that are kept in store or off the axis."""
    hidden = set()
    for axes in figure.get_axes():
        if not axes.get_visible():
            hidden |= set(axes.findobj(Text))
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            slack = 1e-9 * (high - low)
            used = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
            for tick in [*axis.majorTicks, *axis.minorTicks]:
                if tick not in used or not low - slack <= tick.get_loc() <= high + slack:
                    hidden |= {tick.label1, tick.label2}
    return hidden


def overlapping(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of texts that stand on one another."""
    return [
        (one.get_text(), other.get_text())
        for (one, a), (other, b) in combinations(texts(figure), 2)
        if min(a.x1, b.x1) - max(a.x0, b.x0) > SLACK and min(a.y1, b.y1) - max(a.y0, b.y0) > SLACK
    ]


def cut_off(figure: Figure) -> list[str]:
    """Texts that reach outside the figure."""
    page = figure.bbox
    return [
        text.get_text()
        for text, box in texts(figure)
        if box.x0 < page.x0 - SLACK
        or box.y0 < page.y0 - SLACK
        or box.x1 > page.x1 + SLACK
        or box.y1 > page.y1 + SLACK
    ]


def smallest(figure: Figure) -> float:
    """The size of the smallest text, in points."""
    return min(text.get_fontsize() for text, _ in texts(figure))


def assert_legible(figure: Figure) -> None:
    """No text below 6 points, none on another, none outside."""
    assert smallest(figure) >= 6.0
    assert overlapping(figure) == []
    assert cut_off(figure) == []


def assert_logit_ticks(axis) -> None:
    """Each tick stands at the log odds of the percentage it says, and there are two at least.

    The figure must have been drawn.
    """
    low, high = axis.get_view_interval()
    ticks = [t for t in axis.get_major_ticks() if low <= t.get_loc() <= high]
    assert len(ticks) >= 2
    for tick in ticks:
        p = float(tick.label1.get_text()) / 100
        assert abs(tick.get_loc() - np.log(p / (1 - p))) < 1e-9


def in_grey(look: dict) -> np.ndarray:
    """A mark or line as a copy in grey shows it: (40, 80) from 0, black, to 1."""
    figure = Figure(figsize=(0.8, 0.4), dpi=100)
    figure.add_artist(Line2D([0.2, 0.5, 0.8], [0.5] * 3, **(look | {"markersize": 12})))
    return grey(figure, 100)


def grey(figure: Figure, dpi: int) -> np.ndarray:
    """A figure in grey, (h, w)."""
    return np.asarray(picture(figure, dpi).convert("L"), dtype=float) / 255


def picture(figure: Figure, dpi: int) -> Image.Image:
    """A figure as pixels."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dpi)
    file.seek(0)
    return Image.open(file).convert("RGB")


def told_apart(looks: list[dict]) -> float:
    """The least difference of two looks in grey: root mean square over the ink of both."""
    drawn = [in_grey(look) for look in looks]
    least = np.inf
    for a, b in combinations(drawn, 2):
        ink = (a < 0.95) | (b < 0.95)
        least = min(least, float(np.sqrt(np.mean((a - b)[ink] ** 2))))
    return least
