"""What will be computed, by content: the identity that planned and finished work share."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from penultimate.io import digest_json
from penultimate.spec import Method, Preprocessing
from penultimate.spec.base import Frozen
from penultimate.spec.task import Measure


class Run(Frozen):
    """Everything that can change an answer, and nothing else.

    Names, paths, dates, workers and devices are not part of it: photographs that moved are the
    same run, photographs that changed are another.

    Parameters
    ----------
    data : fingerprint of the images' content, their labels and how they are divided.
    weights : digest of the network's structure and weights, or of given features; of the random
        ones that training from scratch begins with.
    preprocessing : how an image becomes the network's input; for a transform of the user's own
        the digest of what it does; ``"none"`` for given features.
    features_version : goes up when decoding or extraction changes its numbers; None where the
        method takes no features.
    method_version : the method and its version, which goes up when its numbers change.
    """

    data: str
    weights: str
    preprocessing: Preprocessing | str
    precision: Literal["float32", "bfloat16"] = "float32"
    features_version: int | None = None
    measure: Measure
    method: Method
    method_version: str
    seed: int

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON of all that is not at its default."""
        return digest_json(self.identity())

    def under(self, method: Method) -> Run:
        """The same under other settings; ``model_copy`` would keep the digest of these."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return Run(**{**fields, "method": method})
