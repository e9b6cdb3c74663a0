"""Whose picture each ImageNet validation image is, where no class folders say so.

The validation images are published in one flat folder. The development kit, or Kaggle's table,
says the class of each.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from penultimate.data.official.lists import read_lines, read_mat, unreadable, wrong_line

DEVKIT = "ILSVRC2012_devkit_t12"
SOLUTION = "LOC_val_solution.csv"
MAPPING = "LOC_synset_mapping.txt"

WORDNET_ID = re.compile(r"n\d{8}")
VALIDATION_NAME = re.compile(r"ILSVRC2012_val_(\d{8})")


@dataclass(frozen=True)
class Truth:
    """What a development kit or Kaggle's tables say.

    Parameters
    ----------
    classes : sorted WordNet ids of all classes.
    of_image : WordNet id by a validation image's name without extension.
    """

    classes: tuple[str, ...]
    of_image: dict[str, str]


def read_truth(root: Path) -> Truth | None:
    """From the development kit or from Kaggle's tables below ``root``; None without either.

    Raises
    ------
    DataError : a file of theirs is missing or damaged.
    """
    if (root / DEVKIT).is_dir():
        return _devkit(root / DEVKIT / "data")
    if (root / SOLUTION).is_file():
        return _kaggle(root / SOLUTION, root / MAPPING)
    return None


def _devkit(data: Path) -> Truth:
    """``meta.mat`` numbers the classes in an order of its own, which is not that of the ids."""
    file = data / "meta.mat"
    synsets = np.atleast_1d(*read_mat(file, "synsets"))
    fields = ("ILSVRC2012_ID", "WNID", "num_children")
    if synsets.dtype.names is None or not set(fields) <= set(synsets.dtype.names):
        raise unreadable(file, f"its 'synsets' have not the fields {', '.join(fields)}")
    wordnet_id = {
        int(number): str(id_)
        for number, id_, children in zip(*(synsets[field] for field in fields), strict=True)
        if int(children) == 0  # the others are groups of classes
    }
    file = data / "ILSVRC2012_validation_ground_truth.txt"
    of_image = {}
    for i, number in enumerate(read_lines(file), 1):
        if not number.isdecimal() or int(number) not in wordnet_id:
            raise wrong_line(file, number, "is not the number of a class in meta.mat")
        of_image[f"ILSVRC2012_val_{i:08d}"] = wordnet_id[int(number)]
    return Truth(tuple(sorted(wordnet_id.values())), of_image)


def _kaggle(solution: Path, mapping: Path) -> Truth:
    """``ImageId,PredictionString``: a name, and the WordNet id before each box in the image."""
    of_image = {}
    for line in read_lines(solution):
        name, _, boxes = line.partition(",")
        if name == "ImageId":
            continue
        wordnet_id = boxes.partition(" ")[0]
        if not VALIDATION_NAME.fullmatch(name) or not WORDNET_ID.fullmatch(wordnet_id):
            raise wrong_line(solution, line, "is not a name, a comma and WordNet ids")
        of_image[name] = wordnet_id
    classes = set()
    for line in read_lines(mapping):
        wordnet_id = line.partition(" ")[0]
        if not WORDNET_ID.fullmatch(wordnet_id):
            raise wrong_line(mapping, line, "is not a WordNet id and names")
        classes.add(wordnet_id)
    unknown = sorted(set(of_image.values()) - classes)
    if unknown:
        raise unreadable(mapping, f"it lacks {unknown[0]}, which {SOLUTION} names")
    return Truth(tuple(sorted(classes)), of_image)
