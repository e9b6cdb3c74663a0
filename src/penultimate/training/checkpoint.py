"""What a training needs to go on where it was, in one file that is whole or not there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from penultimate.errors import CheckpointError
from penultimate.io import naming_full_disk
from penultimate.progress import Progress

FORMAT = 1


def save(path: Path, identity: str, state: Mapping[str, Any]) -> None:
    """Write a checkpoint, atomically: tensors, and plain values of Python's.

    Raises
    ------
    StoreError : the disk is full or cannot be written.
    """
    # One name, not one of its own each time: what a killed process leaves is written over.
    temporary = path.with_name(f".{path.name}.unfinished")
    with naming_full_disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                torch.save({"format": FORMAT, "identity": identity, **state}, file)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def load(path: Path, identity: str, progress: Progress) -> dict[str, Any] | None:
    """The state that ``save`` was given, on the CPU; None where there is nothing to go on from.

    A file that cannot be read is no checkpoint, which is said, and the training starts anew. Only
    tensors and plain values are read, no code.

    Raises
    ------
    CheckpointError : it belongs to another training, or to a later version of this package.
    """
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        form, whose = state.pop("format"), state.pop("identity")
    except Exception as error:  # whatever a damaged file makes a reader do
        progress.note(
            f"the checkpoint {path} cannot be read ({type(error).__name__}): the training starts "
            "anew"
        )
        return None
    if form != FORMAT:
        raise CheckpointError(
            f"{path} is a checkpoint of format {form} and this version reads format {FORMAT}: "
            "update penultimate, or remove the file to start anew"
        )
    if whose != identity:
        raise CheckpointError(
            f"{path} is the checkpoint of another training ({str(whose)[:12]}, and this one is "
            f"{identity[:12]}): give another place, or remove the file to start anew"
        )
    return dict(state)
