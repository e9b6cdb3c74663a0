"""Fetching a data set from the Hugging Face hub, or saying in one sentence why it cannot be had."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from penultimate.errors import DataError
from penultimate.io import reachable
from penultimate.progress import SILENT, Progress

FORMATS = ("arrow", "parquet", "imagefolder")  # data alone; 'pandas', for one, is pickles


def fetch(name: str, progress: Progress = SILENT) -> Any:
    """A data set of the hub by ``OWNER/NAME[/CONFIG]``; from the cache where it was fetched before.

    Raises
    ------
    DataError : it cannot be reached, is not there, or is of a format that is not read.
    """
    import datasets

    if name.startswith((".", "/", "~", "\\")):
        raise DataError(f"the folder {name} does not exist: check the path after 'hf:'")
    repository, config = split_name(name)
    with _offline_where_unreachable() as reason:
        try:
            builder = datasets.load_dataset_builder(repository, config)
            refuse_format(builder, name)
            progress.note(f"{name} comes from the Hugging Face hub, or from its cache here")
            return datasets.load_dataset(repository, config)
        except DataError:
            raise
        except Exception as error:  # the library's own, the hub's, the network's, pyarrow's
            raise DataError(
                f"the data set {name} is not on this machine and cannot be fetched from the "
                f"Hugging Face hub ({reason or first_line(error)}): check the name and the "
                "connection, or where there is one save it with "
                f"datasets.load_dataset({repository!r}).save_to_disk('DIR') and write hf:DIR here"
            ) from error


def split_name(name: str) -> tuple[str, str | None]:
    """The repository and the configuration that ``OWNER/NAME/CONFIG`` names."""
    parts = name.split("/", 2)
    return "/".join(parts[:2]), parts[2] if len(parts) > 2 else None


def refuse_format(builder: Any, name: str) -> None:
    """Stop before anything is read but tables and image files.

    Raises
    ------
    DataError : the data set is of another format.
    """
    kind = type(builder).__module__.split(".")
    form = kind[2] if kind[:2] == ["datasets", "packaged_modules"] else ".".join(kind)
    if form not in FORMATS:
        remedy = "use wds:DIR on its shards" if form == "webdataset" else "convert it to Parquet"
        raise DataError(
            f"hf:{name} is of the format {form!r}, and only {', '.join(FORMATS)} are read: {remedy}"
        )


def first_line(error: Exception) -> str:
    """What an error says, as a part of a sentence."""
    line = next((line for line in str(error).splitlines() if line.strip()), "no reason given")
    return f"{type(error).__name__}: {line.strip()}".rstrip(".").replace(". ", "; ")[:200]


@contextmanager
def _offline_where_unreachable() -> Iterator[str]:
    """Where there is no network, have that said at once and not after a minute of trying."""
    import datasets
    from huggingface_hub import constants

    before = datasets.config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE
    offline = any(before)
    there = offline or reachable(constants.ENDPOINT)
    datasets.config.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE = offline or not there
    try:
        if offline:
            yield "HF_HUB_OFFLINE is set"
        else:
            yield "" if there else f"{constants.ENDPOINT} cannot be reached"
    finally:
        datasets.config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE = before
