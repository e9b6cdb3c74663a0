"""Which images, with which labels, divided how."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from penultimate.spec.base import Frozen, Name

PLACES = ("folder", "csv", "features", "hf", "wds")
"""Kinds of source that are called after the place they name."""

Measure = Literal["top-1", "mean-per-class", "mean-average-precision"]


class Task(Frozen):
    """A classification problem.

    ``source`` is one of

    - a built-in task: ``digits``, ``glyphs`` (``penultimate list tasks``);
    - a published data set, read from its official layout on disk: ``NAME`` or ``NAME:DIR``, as in
      ``food101:/data/food-101`` (``penultimate list tasks``, ``penultimate tasks show NAME``);
    - ``folder:DIR``: class folders (``DIR/class/...``) or split folders
      (``DIR/train|val|test/class/...``);
    - ``csv:FILE``: a CSV or Parquet table of ``path,label[,split][,group]``, paths relative to it,
      or of ``path,labels[,uncertain]...`` where an image can have several labels: ``cat|dog``;
    - ``features:DIR``: labels and features that already exist, see ``Backbone``;
    - ``hf:DIR`` or ``hf:NAME[/CONFIG]``: a data set of Hugging Face ``datasets``, saved on disk or
      from the hub;
    - ``torchvision:NAME[:DIR]``: a class of ``torchvision.datasets``, its root in DIR;
    - ``wds:DIR`` or ``wds:PATTERN``: WebDataset shards, as in ``wds:shards/train-{00..09}.tar``.

    Parameters
    ----------
    name : how tables and figures call it; made from the source where not given.
    measure : what is scored; the task's own where not given.
    fractions : of train, validation and test, where the source has no split of its own.
    validation_fraction : of train, held out where the source has a test part but no validation.
    keep_together : whether exact duplicates and near-duplicates must be in one part, where the
        source has no split of its own. Members of a ``group`` always are.
    near_duplicate_distance : how many of the 256 bits of two perceptual hashes may differ in
        near-duplicates.
    splits : a file as ``penultimate splits`` writes it, which divides the images by their names in
        place of the source's own split or ours.
    allow_missing : go on where images that the source, or ``splits``, lists are not there; they
        are counted.
    difficult : what becomes of uncertain pairs of image and class where an image can have several
        labels: masked (they count neither in learning nor in scoring), negative or positive.
    """

    source: Name
    name: str | None = None
    measure: Measure | None = None
    fractions: tuple[float, float, float] = (0.6, 0.2, 0.2)
    validation_fraction: float = Field(default=0.2, gt=0, lt=1)
    keep_together: bool = True
    near_duplicate_distance: int = Field(default=20, ge=0, le=64)
    splits: Name | None = None
    allow_missing: bool = False
    difficult: Literal["masked", "negative", "positive"] = "masked"

    @property
    def display(self) -> str:
        """The name that people see."""
        if self.name:
            return self.name
        kind, colon, place = self.source.partition(":")
        if kind == "torchvision":
            return place.partition(":")[0] or kind
        if not colon or kind not in PLACES:
            return kind
        last = place.rstrip("/").replace("\\", "/").rpartition("/")[2] or place
        return last.rpartition(".")[0] or last if kind == "csv" else last

    @model_validator(mode="after")
    def _fractions_divide_the_whole(self) -> Self:
        if min(self.fractions) <= 0 or abs(sum(self.fractions) - 1) > 1e-9:
            raise ValueError(
                f"fractions {list(self.fractions)} must be three positive numbers that sum to 1"
            )
        return self
