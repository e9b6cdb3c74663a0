"""The base of every setting: frozen, and a key that nothing reads is an error."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """An immutable, validated record. Unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")

    def identity(self) -> dict[str, Any]:
        """What tells this record from others: every setting that is not at its default.

        Leaving defaults out means that a setting added later does not change the identity of
        what was computed before it. A changed default must therefore raise the method's version.
        """
        return self.model_dump(mode="json", exclude_defaults=True)
