"""``hf:NAME[/CONFIG]`` or ``hf:DIR``: data sets of Hugging Face ``datasets``.

``?image=COLUMN&label=COLUMN`` at the end says which columns are meant where that is not clear.
Only Arrow, Parquet and image folders are read: data, and never somebody's code.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
from numpy.typing import NDArray

from penultimate.data.examples import Examples
from penultimate.data.hf_columns import image_column, label_column
from penultimate.data.hub import fetch, first_line, refuse_format
from penultimate.data.named_splits import name_rows, parts_of
from penultimate.data.notices import listed
from penultimate.data.packed import Reading, read_all
from penultimate.errors import DataError, UnreadableImageError


@dataclass(frozen=True, eq=False)
class TableImages:
    """Image files in tables that are mapped from the disk.

    Parameters
    ----------
    tables : with the images undecoded.
    column : that has them.
    places : (n, 2) table and row.
    folders : in which files lie that a table names and does not hold.
    """

    tables: tuple[Any, ...]
    column: str
    places: NDArray[np.int64]
    folders: tuple[str, ...]

    def content(self, index: int) -> bytes:
        table, row = self.places[index].tolist()
        cell = self.tables[table][row][self.column] or {}
        if cell.get("bytes"):
            return bytes(cell["bytes"])
        if not cell.get("path"):
            raise UnreadableImageError("its cell is empty")
        # The name is a stranger's: it may lead to what was given or fetched, and nowhere else.
        path = Path(cell["path"]).resolve()
        if not any(path.is_relative_to(folder) for folder in self.folders):
            raise UnreadableImageError(f"its file {path} is outside of the data set")
        return path.read_bytes()


def load_hf(place: str, reading: Reading) -> Examples:
    """The images and labels of a Hugging Face data set, whole and without running its code.

    Raises
    ------
    DataError : ``datasets`` is not installed, the data set is not there and cannot be fetched, is
        of another format, or it cannot be told which column is the image and which the label.
    """
    name, _, wishes = place.partition("?")
    asked = _asked(wishes, place)
    source = f"hf:{name}"
    with _quiet():
        splits, folders = _splits(name, reading)
        features = next(iter(splits.values())).features
        image = image_column(features, asked.get("image"), source)
        label = label_column(features, asked.get("label"), source)
        for split, table in splits.items():
            if not {image, label} <= set(table.features):
                raise DataError(
                    f"the split {split!r} of {source} lacks the column {image!r} or {label!r} of "
                    "the others: its splits should be alike"
                )
        labels = {split: _labels(table, label) for split, table in splits.items()}
        unlabelled = [split for split, names in labels.items() if not any(names)]
        parts, notices = parts_of([s for s in splits if s not in unlabelled], source)
        if unlabelled:
            notices += (f"splits left out, as they have no labels: {listed(unlabelled)}",)
        named, places, skipped = name_rows(labels, parts)
        return read_all(
            TableImages(
                tuple(_undecoded(splits[split], image) for split in sorted(parts)),
                image,
                places,
                tuple(str(Path(folder).resolve()) for folder in folders),
            ),
            named,
            source,
            reading,
            split_source="official" if any(parts.values()) else "",
            skipped=skipped,
            notices=notices,
        )


def _asked(wishes: str, place: str) -> dict[str, str]:
    """The columns that a source asks for after its question mark."""
    asked = dict(parse_qsl(wishes))
    if set(asked) - {"image", "label"} or (wishes and not asked):
        raise DataError(
            f"'hf:{place}' asks for {wishes!r}: after the '?' only image=COLUMN and label=COLUMN "
            "are understood"
        )
    return asked


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the library's own bars among ours."""
    try:
        import datasets
    except ImportError as error:
        raise DataError(
            "hf: needs the library datasets, which is not installed: pip install 'penultimate[hf]'"
        ) from error
    shown = datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if not shown:
            datasets.enable_progress_bars()


def _splits(name: str, reading: Reading) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Tables by the name of their split, and the folders in which image files may lie."""
    import datasets

    path = Path(name).expanduser()
    cache = str(datasets.config.HF_DATASETS_CACHE)
    if not path.exists():
        import huggingface_hub

        loaded = fetch(name, reading.progress)
        folders = (cache, str(huggingface_hub.constants.HF_HUB_CACHE))
    else:
        loaded, folders = _from_disk(path), (str(path), cache)
    if isinstance(loaded, datasets.Dataset):
        loaded = {str(loaded.split or "all"): loaded}
    if not sum(len(table) for table in loaded.values()):
        raise DataError(f"hf:{name} has no rows: check that it is whole")
    return {str(split): table for split, table in loaded.items() if len(table)}, folders


def _from_disk(path: Path) -> Any:
    import datasets

    try:
        if any((path / file).is_file() for file in ("dataset_dict.json", "state.json")):
            return datasets.load_from_disk(str(path))
        refuse_format(datasets.load_dataset_builder(str(path)), str(path))
        return datasets.load_dataset(str(path))
    except DataError:
        raise
    except Exception as error:  # the library's own, pyarrow's, the file system's
        raise DataError(
            f"hf:{path} cannot be read as a data set ({first_line(error)}): it should be a folder "
            "that save_to_disk wrote, or one of Parquet or Arrow files, or of images by class"
        ) from error


def _undecoded(table: Any, image: str) -> Any:
    """A table with its image column alone, as the bytes of files."""
    import datasets

    plain = table.with_format(None).select_columns([image])
    return plain.cast_column(image, datasets.Image(decode=False))


def _labels(table: Any, column: str) -> list[str | None]:
    """The label of each row; None where there is none, which many test splits write as -1."""
    import datasets

    feature = table.features[column]
    values = table.select_columns([column]).with_format("arrow")[:][column].to_pylist()
    if isinstance(feature, datasets.ClassLabel):
        return [None if v is None or v < 0 else str(feature.int2str(v)) for v in values]
    return [None if v is None or not str(v).strip() else str(v).strip() for v in values]
