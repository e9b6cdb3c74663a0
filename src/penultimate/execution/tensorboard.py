"""Curves of trainings for TensorBoard, an extra: ``pip install 'penultimate[tensorboard]'``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from penultimate.errors import SpecError
from penultimate.io import naming_full_disk
from penultimate.training import Figures

UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def check_tensorboard() -> None:
    """Refuse early where TensorBoard is not installed.

    Raises
    ------
    SpecError : it is not.
    """
    try:
        import tensorboard  # noqa: F401
    except ImportError:
        raise SpecError(
            "TensorBoard's logs need a package that is not installed: pip install "
            "'penultimate[tensorboard]', or leave --tensorboard out"
        ) from None


class Log:
    """The curve of one training as an event file; use as a context manager.

    Nothing is written, nor TensorBoard imported, before the first figures come. A training that
    goes on from its checkpoint goes on in the same folder: what an interrupted attempt logged after
    that checkpoint is not shown.

    Parameters
    ----------
    folder : of all logs; None for no log.
    names : of the folders within it, whatever they hold: what cannot be in a file's name becomes
        an underscore.
    """

    def __init__(self, folder: Path | None, *names: str) -> None:
        self._place = None if folder is None else folder.joinpath(*map(_safe, names))
        self._writer: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def figures(self, now: Figures) -> None:
        """Loss, learning rate and speed after a step."""
        self._scalars(
            {
                "train/loss": now.loss,
                "train/learning_rate": now.learning_rate,
                "train/images_per_second": now.images_per_second,
            },
            now.step,
        )

    def validation(self, scores: Mapping[str, float], step: int) -> None:
        """The score of each view of the validation images."""
        self._scalars({f"validation/{view}": score for view, score in scores.items()}, step)

    def _scalars(self, values: Mapping[str, float], step: int) -> None:
        if self._place is None:
            return
        with naming_full_disk(self._place):
            if self._writer is None:
                from torch.utils.tensorboard import SummaryWriter

                self._writer = SummaryWriter(str(self._place), purge_step=step)
            for name, value in values.items():
                self._writer.add_scalar(name, value, step)


def _safe(name: str) -> str:
    """A name as one folder's: no separators, and neither ``.`` nor ``..``."""
    return UNSAFE.sub("_", name).strip("._") or "_"
