"""The methods: what is trained, and how its hyper-parameters are chosen."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Tag

from penultimate.spec.linear_probe import LinearProbe
from penultimate.spec.trained import FineTune, FromScratch

METHODS: dict[str, type[LinearProbe | FineTune | FromScratch]] = {
    "linear-probe": LinearProbe,
    "fine-tune": FineTune,
    "from-scratch": FromScratch,
}


def _name(value: Any) -> str:
    """Which method a record or an object is of; what says nothing is taken for a linear probe."""
    if isinstance(value, dict):
        return str(value.get("name", "linear-probe"))
    return str(getattr(value, "name", "linear-probe"))


Method = Annotated[
    Annotated[LinearProbe, Tag("linear-probe")]
    | Annotated[FineTune, Tag("fine-tune")]
    | Annotated[FromScratch, Tag("from-scratch")],
    Discriminator(_name),
]
