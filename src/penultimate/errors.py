"""Every exception that this package raises on purpose.

PenultimateError
 +-- SpecError                 a study, a setting or an argument is not valid
 |    +-- UnknownNameError     a name that nothing answers to; carries the nearest right ones
 +-- DataError                 images, labels or splits cannot be used as they are
 |    +-- UnreadableImageError one image cannot be decoded
 +-- BackboneError             a network cannot be built or run
 |    +-- WeightsUnavailableError  weights would have to be downloaded and cannot be
 |    +-- CheckpointError      a checkpoint does not fit, or cannot be read safely
 |    +-- DeviceMemoryError    a batch does not fit into the device's memory
 +-- SolverError               a convex problem is not well posed (NaN features, one class, ...)
 +-- StoreError                the results store cannot be read or written
 |    +-- NewerSchemaError     the store was written by a newer version
 +-- Interrupted               a signal ended the work early; what was done is kept

Each message is one sentence that names the thing, the place and the remedy: the command line
prints it as it stands and exits with 1.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class PenultimateError(Exception):
    """Base of all errors that a user can cause and mend."""


class SpecError(PenultimateError):
    """A study, a setting or an argument is not valid."""


class UnknownNameError(SpecError):
    """Nothing answers to a name.

    Parameters
    ----------
    kind : what the name should have been, for example ``"backbone"``.
    name : the name as the user wrote it.
    known : the names that would have been right; the nearest ones are shown.
    remedy : how to see all right names, as a clause without a full stop.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], remedy: str = "") -> None:
        self.kind = kind
        self.name = name
        self.nearest = nearest(name, known)
        message = f"there is no {kind} {name!r}"
        if self.nearest:
            message += "; did you mean " + " or ".join(repr(n) for n in self.nearest)
            message += f" ({remedy})?" if remedy else "?"
        elif remedy:
            message += f": {remedy}"
        super().__init__(message)


class DataError(PenultimateError):
    """Images, labels or splits cannot be used as they are."""


class UnreadableImageError(DataError):
    """One image cannot be decoded; the reason is the message."""


class BackboneError(PenultimateError):
    """A network cannot be built or run."""


class WeightsUnavailableError(BackboneError):
    """Weights would have to be downloaded and cannot be."""


class CheckpointError(BackboneError):
    """A checkpoint does not fit the network, or cannot be read safely."""


class DeviceMemoryError(BackboneError):
    """A batch does not fit into the device's memory."""


class SolverError(PenultimateError):
    """A convex problem is not well posed."""


class StoreError(PenultimateError):
    """The results store cannot be read or written."""


class NewerSchemaError(StoreError):
    """The store was written by a newer version of this package."""


class Interrupted(PenultimateError):  # noqa: N818 - not a mistake, but an end
    """A signal ended the work early; what was done is kept.

    Parameters
    ----------
    signal : its number; a command ends with 128 more.
    """

    def __init__(self, message: str, signal: int) -> None:
        super().__init__(message)
        self.signal = signal


def nearest(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """The known names most like ``name``, best first; empty where none is close."""
    return difflib.get_close_matches(name, list(known), n=count, cutoff=0.6)
