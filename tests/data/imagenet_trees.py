"""ImageNet in the three layouts that it is kept in, with a few pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from official_trees import write
from pictures import picture, save
from scipy.io import savemat

WORDNET_IDS = tuple(f"n{1_440_764 + 13_331 * i:08d}" for i in range(1000))
"""Made up, but for the first; sorted."""

DEVKIT_ORDER = tuple(np.random.default_rng(5).permutation(1000).tolist())
"""The development kit's number i + 1 is class ``WORDNET_IDS[DEVKIT_ORDER[i]]``."""

VALIDATED = (7, 400, 999, 7, 3, 400)
"""Classes of the validation images, by place among the sorted WordNet ids."""

TRAINED = (3, 7, 400, 999)
"""Classes of the train images, four each."""


def validation_name(i: int) -> str:
    return f"ILSVRC2012_val_{i + 1:08d}.JPEG"


def imagenet_train(train: Path) -> Path:
    for i in TRAINED:
        id_ = WORDNET_IDS[i]
        for j in (1, 9, 10, 200):
            save(train / id_ / f"{id_}_{j}.JPEG", picture(10 * i + j), format="JPEG")
    return train


def imagenet_flat_val(val: Path) -> Path:
    for i in range(len(VALIDATED)):
        save(val / validation_name(i), picture(90_000 + i), format="JPEG")
    return val


def imagenet_sorted_val(val: Path) -> Path:
    for i, of in enumerate(VALIDATED):
        save(val / WORDNET_IDS[of] / validation_name(i), picture(90_000 + i), format="JPEG")
    return val


def imagenet_devkit(folder: Path) -> Path:
    """``meta.mat`` as a struct array with the official fields, and the ground truth."""
    fields = (
        *("ILSVRC2012_ID", "WNID", "words", "gloss", "num_children", "children"),
        *("wordnet_height", "num_train_images"),
    )
    groups = [(1001, "n00001740", 2), (1002, "n00001930", 3)]  # synsets above the classes
    leaves = [(i + 1, WORDNET_IDS[of], 0) for i, of in enumerate(DEVKIT_ORDER)]
    synsets = np.empty((len(leaves) + len(groups), 1), dtype=[(name, object) for name in fields])
    for row, (number, id_, children) in enumerate([*leaves, *groups]):
        below = np.arange(1, children + 1, dtype=float)
        values = (number, id_, f"thing {id_}, {id_}", "", children, below, 0, 1300)
        synsets[row, 0] = tuple(np.array([[float(v)]]) if isinstance(v, int) else v for v in values)
    (folder / "data").mkdir(parents=True)
    savemat(folder / "data" / "meta.mat", {"synsets": synsets})
    number = {of: i + 1 for i, of in enumerate(DEVKIT_ORDER)}
    write(
        folder / "data" / "ILSVRC2012_validation_ground_truth.txt",
        *(str(number[of]) for of in VALIDATED),
    )
    return folder


def imagenet_sorted(root: Path) -> Path:
    """As most people keep it: class folders in train and val."""
    imagenet_train(root / "train")
    imagenet_sorted_val(root / "val")
    return root


def imagenet_raw(root: Path) -> Path:
    """As the archives unpack: a flat validation folder beside the development kit."""
    imagenet_train(root / "ILSVRC2012_img_train")
    imagenet_flat_val(root / "ILSVRC2012_img_val")
    imagenet_devkit(root / "ILSVRC2012_devkit_t12")
    return root


def imagenet_kaggle(root: Path) -> Path:
    """As Kaggle hands it out."""
    imagenet_train(root / "ILSVRC" / "Data" / "CLS-LOC" / "train")
    imagenet_flat_val(root / "ILSVRC" / "Data" / "CLS-LOC" / "val")
    solution = [
        f"{validation_name(i).removesuffix('.JPEG')},"
        + f"{WORDNET_IDS[of]} 85 1 499 272 " * (1 + i % 2)
        for i, of in enumerate(VALIDATED)
    ]
    solution.reverse()  # Kaggle's table is in no order
    write(root / "LOC_val_solution.csv", "ImageId,PredictionString", *solution)
    write(root / "LOC_synset_mapping.txt", *(f"{id_} thing, some thing" for id_ in WORDNET_IDS))
    return root
