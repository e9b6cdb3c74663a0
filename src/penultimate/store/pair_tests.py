"""What tests between pairs of runs gave, kept beside the runs: exchanges take time.

Derived, like the index: an outcome counts only while both results are the files that it was made
from and the tests are of the version asked for; the file can be deleted at any time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Self

from penultimate.errors import StoreError
from penultimate.io import write_atomic

if TYPE_CHECKING:
    import pandas as pd

    from penultimate.store.store import ResultStore

COLUMNS = {
    "run": "str",
    "other": "str",
    "run_stamp": "int64",
    "other_stamp": "int64",
    "version": "int64",
    "p_value": "float64",
    "test": "str",
}

Pair = tuple[str, str]
Outcome = tuple[float, str]


class PairTests(MutableMapping[Pair, Outcome]):
    """Outcomes by the digests of two runs: a p-value, and the test that gave it.

    As a context it writes what was added when it ends; a store that cannot be written is read all
    the same.

    Parameters
    ----------
    version : of the tests; goes up when their numbers change.
    """

    def __init__(self, store: ResultStore, version: int) -> None:
        self._path = store.root / "pair-tests.parquet"
        self._version = version
        self._stamps = store.stamps()
        self._known = self._read()
        self._kept = len(self._known)

    def __getitem__(self, pair: Pair) -> Outcome:
        return self._known[pair]

    def __setitem__(self, pair: Pair, outcome: Outcome) -> None:
        self._known[pair] = outcome

    def __delitem__(self, pair: Pair) -> None:
        del self._known[pair]

    def __iter__(self) -> Iterator[Pair]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if len(self._known) != self._kept:
            with contextlib.suppress(StoreError):  # a read-only store can still be read
                write_atomic(self._path, self._frame().to_parquet(index=False))

    def _frame(self) -> pd.DataFrame:
        """The outcomes of runs that are there, as they are kept."""
        import pandas as pd

        stamps = self._stamps
        rows = [
            (one, other, stamps[one], stamps[other], self._version, *outcome)
            for (one, other), outcome in self._known.items()
            if one in stamps and other in stamps
        ]
        return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)

    def _read(self) -> dict[Pair, Outcome]:
        import pandas as pd

        try:
            frame = pd.read_parquet(self._path)[list(COLUMNS)].astype(COLUMNS)
        except Exception:  # absent, of another form, or damaged, which pyarrow says in many ways
            return {}
        fresh = (
            (frame["version"] == self._version)
            & (frame["run_stamp"] == frame["run"].map(self._stamps))
            & (frame["other_stamp"] == frame["other"].map(self._stamps))
        )
        kept = frame[fresh]
        return {
            (run, other): (p, test)
            for run, other, p, test in zip(
                kept["run"], kept["other"], kept["p_value"], kept["test"], strict=True
            )
        }
