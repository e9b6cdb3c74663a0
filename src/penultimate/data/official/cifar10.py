"""CIFAR-10 (Krizhevsky, 2009), in either of its published forms."""

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

CLASSES = 10
BATCHES = {**{f"data_batch_{i}": "train" for i in range(1, 6)}, "test_batch": "test"}


def load(root: Path) -> Examples:
    """The five batches of train and the one of test.

    Raises
    ------
    DataError : a file is missing or not as published.
    """
    binary = not (root / "batches.meta").is_file()
    suffix = ".bin" if binary else ""
    refuse_missing_files("cifar10", root, [f"{name}{suffix}" for name in BATCHES])
    names = read_names(root / f"batches.meta{'.txt' * binary}", "label_names", CLASSES)
    return examples_of(
        [
            (
                part,
                name,
                read_binary(root / f"{name}.bin", CLASSES)
                if binary
                else read_pickled(root / name, "labels", CLASSES),
            )
            for name, part in BATCHES.items()
        ],
        names,
    )


CARD = Official(
    name="cifar10",
    title="CIFAR-10",
    classes=CLASSES,
    train=50_000,
    val=0,
    test=10_000,
    measure="top-1",
    split="official train and test; validation is held out of train",
    licence="none stated; its author asks for the technical report to be cited",
    homepage="https://www.cs.toronto.edu/~kriz/cifar.html",
    how_to_get="download cifar-10-python.tar.gz or cifar-10-binary.tar.gz and unpack it",
    folder="cifar-10-batches-py",
    marker="batches.meta",
    also=(("cifar-10-batches-bin", "batches.meta.txt"),),
    layout="""\
cifar-10-batches-py/        the Python version, or
  batches.meta              names of the classes
  data_batch_1 ... _5       train: pickled dictionaries of data and labels
  test_batch
cifar-10-batches-bin/       the binary version
  batches.meta.txt          names of the classes, one a line
  data_batch_1.bin ... _5   train: records of a label and 3,072 bytes of pixels
  test_batch.bin
""",
    pitfalls=(
        "The pictures have 32 x 32 pixels and are rescaled to each network's own size, as in the "
        "paper.",
        "Pixels are stored as planes of red, green and blue, and not as pixels side by side.",
        "The Python version consists of pickles, which can run any program: only numbers, text and "
        "plain arrays are read from them, and a file that asks for anything else is refused.",
    ),
    load=load,
    archives=(
        Archive(
            "cifar-10-python.tar.gz",
            "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
            "c58f30108f718f92721af3b95e74349a",
        ),
    ),
)
