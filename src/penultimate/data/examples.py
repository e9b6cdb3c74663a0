"""What a source gives: labelled examples, not yet divided unless they came so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from penultimate.data.dataset import Images, Skipped

T = TypeVar("T")


@dataclass(frozen=True)
class Examples:
    """n labelled examples in any order.

    Parameters
    ----------
    ids : (n,) unique names.
    labels : (n,) class names; empty where an image can have several labels.
    digests : (n,) SHA-256 of content.
    images : the pictures, None where there are only features.
    parts : (n,) the split that the source comes with, None where it has none. ``val`` may be
        missing from it, and is then held out of train.
    split_source : what made ``parts``.
    groups : (n,) names of things whose examples belong together; None, or an empty name, where
        nothing is known.
    hashes : (n,) perceptual hashes in hexadecimal; empty for a picture without features to
        compare; None where near-duplicates are not looked for.
    skipped, notices : as in ``Dataset``.
    label_sets : (n,) the classes that are in each image, where it can have several or none; else
        None.
    uncertain : (n,) classes of which it is not certain that they are in the image ("difficult"):
        what becomes of them is a setting of the task.
    classes : the source's own list of classes, in its order, which may name some without an
        example; empty where the classes are those found, sorted.
    measure : the source's own; empty where it has none.
    """

    ids: tuple[str, ...]
    labels: tuple[str, ...]
    digests: tuple[str, ...]
    images: Images | None
    parts: tuple[str, ...] | None = None
    split_source: str = ""
    groups: tuple[str, ...] | None = None
    hashes: tuple[str, ...] | None = None
    skipped: tuple[Skipped, ...] = ()
    notices: tuple[str, ...] = ()
    label_sets: tuple[tuple[str, ...], ...] | None = None
    uncertain: tuple[tuple[str, ...], ...] | None = None
    classes: tuple[str, ...] = ()
    measure: str = ""

    def select(self, rows: Sequence[int]) -> Examples:
        """Those examples only, in that order."""

        def chosen(values: tuple[T, ...]) -> tuple[T, ...]:
            return tuple(values[row] for row in rows)

        images = self.images
        return replace(
            self,
            ids=chosen(self.ids),
            labels=chosen(self.labels) if self.labels else (),
            digests=chosen(self.digests),
            images=None if images is None else images.select(np.array(rows, dtype=np.int64)),
            parts=None if self.parts is None else chosen(self.parts),
            groups=None if self.groups is None else chosen(self.groups),
            hashes=None if self.hashes is None else chosen(self.hashes),
            label_sets=None if self.label_sets is None else chosen(self.label_sets),
            uncertain=None if self.uncertain is None else chosen(self.uncertain),
        )
