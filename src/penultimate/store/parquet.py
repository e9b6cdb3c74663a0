"""Tables that a store keeps beside its records."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from penultimate.errors import StoreError

if TYPE_CHECKING:
    import pandas as pd


def read_table(path: Path, owner: str) -> pd.DataFrame:
    """The table at ``path``; ``owner`` is what it belongs to, ``run`` or ``training``.

    Raises
    ------
    StoreError : it is missing or damaged.
    """
    import pandas as pd

    try:
        return pd.read_parquet(path)
    except Exception as error:  # pyarrow's own exceptions are many
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise StoreError(
            f"{path} cannot be read because it is missing or is damaged ({reason}): delete the "
            f"{owner}'s folder and run again"
        ) from error
