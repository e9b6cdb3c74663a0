"""Features that already exist: ``features:DIR`` enters where a network would."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from penultimate.errors import BackboneError
from penultimate.io import digest_bytes, digest_json


@dataclass(frozen=True, eq=False)
class GivenFeatures:
    """Rows of features by example id."""

    folder: Path
    matrix: NDArray[np.float32]
    row: dict[str, int]
    digest: str

    @classmethod
    def load(cls, folder: Path) -> GivenFeatures:
        """Read ``features.npy`` (n, d) and ``ids.txt`` (one a line; row numbers where absent).

        Raises
        ------
        BackboneError : a file is missing or the shapes do not agree.
        """
        path = folder / "features.npy"
        try:
            matrix = np.load(path, mmap_mode="r", allow_pickle=False)
        except FileNotFoundError:
            raise BackboneError(
                f"there is no {path}: 'features:DIR' needs DIR/features.npy, an array (n, d)"
            ) from None
        except (ValueError, OSError) as error:
            raise BackboneError(f"{path} is not a plain array: {error}") from None
        if matrix.ndim != 2 or matrix.dtype.kind not in "fiub" or 0 in matrix.shape:
            raise BackboneError(
                f"{path} must be numbers (n, d), and is {matrix.dtype} {matrix.shape}"
            )
        names = folder / "ids.txt"
        ids = _ids(names, len(matrix))
        if len(ids) != len(matrix) or len(set(ids)) != len(ids):
            raise BackboneError(
                f"{names} must name each of the {len(matrix)} rows of features.npy once, and has "
                f"{len(ids)} lines, {len(set(ids))} different"
            )
        content = np.ascontiguousarray(matrix)
        return cls(
            folder=folder,
            matrix=matrix,
            row={name: i for i, name in enumerate(ids)},
            digest=digest_json(  # which row is whose counts as much as the numbers
                [content.dtype.str, content.shape, ids, digest_bytes(content.data.cast("B"))]
            ),
        )

    def take(self, ids: tuple[str, ...]) -> NDArray[np.float32]:
        """The rows of ``ids``, as float32.

        Raises
        ------
        BackboneError : an example has no row.
        """
        missing = [name for name in ids if name not in self.row]
        if missing:
            raise BackboneError(
                f"{self.folder} has no features for {len(missing)} of the task's {len(ids)} "
                f"examples, for example {missing[0]!r}: its ids.txt must name the task's examples"
            )
        return np.asarray(self.matrix[[self.row[name] for name in ids]], dtype=np.float32)


def _ids(file: Path, n: int) -> list[str]:
    """The lines of ``ids.txt``, or row numbers; as ``penultimate.data`` names a task's examples."""
    if not file.is_file():
        digits = len(str(n - 1))  # filled with zeros, so that names sort as numbers do
        return [f"{i:0{digits}d}" for i in range(n)]
    try:
        lines = file.read_text(encoding="utf-8-sig").removesuffix("\n").split("\n")
    except UnicodeDecodeError:
        raise BackboneError(f"{file} is not UTF-8 text: save it as UTF-8") from None
    return [line.removesuffix("\r") for line in lines]
