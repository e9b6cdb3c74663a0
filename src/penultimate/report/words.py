"""Numbers and names as people read them; the same in the terminal and on the page."""

from __future__ import annotations

import math
from collections.abc import Sequence

from penultimate.stats.answers import SIGNIFICANCE

RANDOM = "@random"  # how a backbone's name says that its weights are random
UNDEFINED = "—"
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def percent(fraction: float) -> str:
    """``0.981`` as ``98.1``; a dash where it is undefined."""
    return UNDEFINED if math.isnan(fraction) else f"{100 * fraction:.1f}"


def interval(low: float, high: float) -> str:
    """Two fractions as ``96.2 to 99.0``; a dash where either is undefined."""
    undefined = math.isnan(low) or math.isnan(high)
    return UNDEFINED if undefined else f"{percent(low)} to {percent(high)}"


def p_value(p: float) -> str:
    """``p = 0.31``, ``p = 0.012``, ``p < 0.001``; never rounded onto the line of decision."""
    if math.isnan(p):
        return "no test"
    if p < 0.001:
        return "p < 0.001"
    rounded = f"{p:.2f}" if p >= 0.1 else f"{p:.3f}"
    return f"p = {p:.5f}" if float(rounded) == SIGNIFICANCE else f"p = {rounded}"


def probability(p: float) -> str:
    """``62 %``, ``under 1 %``, ``over 99 %``; a dash where it is undefined."""
    if math.isnan(p):
        return UNDEFINED
    return "under 1 %" if p < 0.01 else "over 99 %" if p > 0.99 else f"{100 * p:.0f} %"


def mean_of(repeats: int, seeds: int) -> str:
    """``mean of 20 splits``, ``mean of 2 seeds``, ``mean of 20 splits of each of 2 seeds``."""
    if repeats > 1:
        return f"mean of {repeats} splits" + (f" of each of {seeds} seeds" if seeds > 1 else "")
    return f"mean of {seeds} seeds" if seeds > 1 else ""


def rate(per_second: float) -> str:
    """Images a second with as many digits as mean something."""
    if math.isnan(per_second):
        return UNDEFINED
    return f"{per_second:.1f}" if per_second < 10 else f"{per_second:,.0f}"


def seconds(duration: float) -> str:
    """``0.4 s``, ``38 s``, ``12 min``, ``3.5 h``."""
    if math.isnan(duration):
        return UNDEFINED
    if duration < 90:
        return f"{duration:.1f} s" if duration < 10 else f"{duration:.0f} s"
    return f"{duration / 60:.0f} min" if duration < 5400 else f"{duration / 3600:.1f} h"


def strength(l2: float) -> str:
    """A regularisation parameter: ``0``, ``0.0032``, ``100``, ``1.8 × 10⁻⁶``."""  # noqa: RUF002
    if math.isnan(l2):
        return UNDEFINED
    if l2 == 0:
        return "0"
    if 1e-3 <= l2 < 1e4:
        return f"{l2:.2g}" if l2 < 100 else f"{l2:.0f}"
    mantissa, exponent = f"{l2:.1e}".split("e")
    power = str(int(exponent)).translate(SUPERSCRIPT)
    return f"{mantissa} × 10{power}"  # noqa: RUF001


def count(number: int, noun: str, plural: str = "") -> str:
    """``1 image``, ``1,200 images``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listing(names: Sequence[str], most: int = 4) -> str:
    """``a``, ``a and b``, ``a, b and c``; beyond ``most`` the rest is counted."""
    shown = list(names)
    if len(shown) > most:
        shown = [*shown[: most - 1], f"{len(shown) - most + 1} others"]
    return " and ".join(part for part in (", ".join(shown[:-1]), *shown[-1:]) if part)


def is_random(backbone: str) -> bool:
    """Whether a backbone's name says that it is randomly initialised."""
    return backbone.endswith(RANDOM)
