"""The base of every setting: frozen, and a key that nothing reads is an error."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict


def _not_empty(text: str) -> str:
    if not text:
        raise ValueError("a name or a path must not be empty")
    return text


# Not Field(min_length=1): with it pydantic refuses what is not UTF-8, and a path need not be.
Name = Annotated[str, AfterValidator(_not_empty)]


class Frozen(BaseModel):
    """An immutable, validated record. Unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def identity(self) -> dict[str, Any]:
        """What tells this record from others: every setting that is not at its default.

        Leaving defaults out means that a setting added later does not change the identity of
        what was computed before it. A changed default must therefore raise the method's version.
        """
        return self.model_dump(mode="json", exclude_defaults=True)
