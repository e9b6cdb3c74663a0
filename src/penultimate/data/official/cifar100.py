"""CIFAR-100 (Krizhevsky, 2009) with its 100 fine classes, in either of its published forms."""

from __future__ import annotations

from pathlib import Path

from penultimate.data.examples import Examples
from penultimate.data.official.card import Archive, Official
from penultimate.data.official.cifar_files import (
    examples_of,
    read_binary,
    read_names,
    read_pickled,
    refuse_missing_files,
)

CLASSES = 100
PARTS = ("train", "test")


def load(root: Path) -> Examples:
    """Train and test, each one file.

    Raises
    ------
    DataError : a file is missing or not as published.
    """
    binary = not (root / "meta").is_file()
    refuse_missing_files("cifar100", root, [f"{part}.bin" if binary else part for part in PARTS])
    file = root / ("fine_label_names.txt" if binary else "meta")
    names = read_names(file, "fine_label_names", CLASSES)
    return examples_of(
        [
            (
                part,
                part,
                # A record begins with the coarse label, one of 20; the fine one follows.
                read_binary(root / f"{part}.bin", CLASSES, before=1)
                if binary
                else read_pickled(root / part, "fine_labels", CLASSES),
            )
            for part in PARTS
        ],
        names,
    )


CARD = Official(
    name="cifar100",
    title="CIFAR-100",
    classes=CLASSES,
    train=50_000,
    val=0,
    test=10_000,
    measure="top-1",
    split="official train and test; validation is held out of train",
    licence="none stated; its author asks for the technical report to be cited",
    homepage="https://www.cs.toronto.edu/~kriz/cifar.html",
    how_to_get="download cifar-100-python.tar.gz or cifar-100-binary.tar.gz and unpack it",
    folder="cifar-100-python",
    marker="meta",
    also=(("cifar-100-binary", "fine_label_names.txt"),),
    layout="""\
cifar-100-python/           the Python version, or
  meta                      names of the classes, coarse and fine
  train                     a pickled dictionary of data, coarse_labels and fine_labels
  test
cifar-100-binary/           the binary version
  fine_label_names.txt      names of the classes, one a line
  train.bin                 records of a coarse label, a fine one and 3,072 bytes of pixels
  test.bin
""",
    pitfalls=(
        "Each picture has a coarse label, of 20, and a fine one, of 100. The fine ones are the "
        "task; the paper's table misprints 10 classes.",
        "The pictures have 32 x 32 pixels and are rescaled to each network's own size, as in the "
        "paper.",
        "The Python version consists of pickles, which can run any program: only numbers, text and "
        "plain arrays are read from them, and a file that asks for anything else is refused.",
    ),
    load=load,
    archives=(
        Archive(
            "cifar-100-python.tar.gz",
            "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
            "eb9058c3a382ffc7106e4002c42a8d85",
        ),
    ),
)
