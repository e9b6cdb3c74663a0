"""The four data sets of Oxford's Visual Geometry Group in their official layouts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from official_trees import write
from pictures import picture, save
from scipy.io import savemat

VARIANTS = ("707-320", "Boeing 717", "Cessna 172", "F/A-18", "Model B200")

PETS = (
    # class, its number, species, breed among these: as published, breeds begin at 1 twice
    ("Abyssinian", 1, 1, 1),
    ("american_bulldog", 2, 2, 1),
    ("Bengal", 6, 1, 2),
    ("boxer", 9, 2, 2),
)

FLOWER_LABELS = tuple(1 + (i * 7) % 5 for i in range(60))
"""The class of each image."""


def aircraft(holder: Path) -> Path:
    """Five variants; the lists of families and manufacturers disagree with those of variants."""
    root = holder / "fgvc-aircraft-2013b"
    data = root / "data"
    write(data / "variants.txt", *VARIANTS)
    write(data / "families.txt", "Boeing", "Other")
    number = 0
    lines: dict[str, list[str]] = {}
    for part, each in (("train", 3), ("val", 2), ("test", 2)):
        lines[part] = []
        for variant in VARIANTS * each:
            name = f"{(number * 7919) % 10_000_019:07d}"
            save(data / "images" / f"{name}.jpg", picture(number), format="JPEG")
            lines[part].append(f"{name} {variant}")
            number += 1
    lines["trainval"] = sorted(lines["train"] + lines["val"])
    for part, of_part in lines.items():
        write(data / f"images_variant_{part}.txt", *of_part)
        families = [
            f"{line.split()[0]} {'Other' if 'F/' in line else 'Boeing'}" for line in of_part
        ]
        write(data / f"images_family_{part}.txt", *families)
    return root


def dtd(holder: Path) -> Path:
    """Three classes; of the ten splits, the second is the first turned round."""
    root = holder / "dtd"
    names = {
        label: [f"{label}/{label}_{i:04d}.jpg" for i in range(2, 11)]
        for label in ("banded", "polka-dotted", "zigzagged")
    }
    for number, name in enumerate(name for inside in names.values() for name in inside):
        save(root / "images" / name, picture(number), format="JPEG")
    (root / "images" / "banded" / ".directory").touch()  # as in the published archive
    for split, parts in ((1, ("train", "val", "test")), (2, ("test", "train", "val"))):
        for i, part in enumerate(parts):
            listed = [name for inside in names.values() for name in inside[i::3]]
            write(root / "labels" / f"{part}{split}.txt", *listed)
    joint = [f"{name} {name.split('/')[0]} zigzagged " for name in names["banded"]]
    write(root / "labels" / "labels_joint_anno.txt", *joint)
    return root


def pets(holder: Path) -> Path:
    """Four breeds; some pictures are no JPEG, whatever their names say."""
    root = holder / "oxford-iiit-pet"
    lines: dict[str, list[str]] = {"trainval": [], "test": []}
    for k, (label, *numbers) in enumerate(PETS):
        for i in range(9):
            name = f"{label}_{101 - i}"  # in no order, as published
            kind = {(0, 1): "PNG", (1, 2): "GIF", (2, 7): "BMP"}.get((k, i), "JPEG")
            save(root / "images" / f"{name}.jpg", picture(20 * k + i), format=kind)
            of = lines["trainval" if i < 6 else "test"]
            of.append(" ".join([name, *map(str, numbers)]))
    (root / "images" / "Abyssinian_100.mat").touch()  # as in the published archive
    for file, listed in lines.items():
        write(root / "annotations" / f"{file}.txt", *listed)
    header = ["#Image CLASS-ID SPECIES BREED ID", "#ID: 1:37 Class ids"]
    write(root / "annotations" / "list.txt", *header, *lines["trainval"], *lines["test"])
    return root


def flowers102(holder: Path) -> Path:
    """Five classes, sixty images: 10 of train, 10 of validation and 40 of test."""
    root = holder / "flowers-102"
    for i in range(len(FLOWER_LABELS)):
        save(root / "jpg" / f"image_{i + 1:05d}.jpg", picture(i), format="JPEG")
    savemat(root / "imagelabels.mat", {"labels": np.array([FLOWER_LABELS], dtype=np.uint8)})
    numbers = np.random.default_rng(2).permutation(len(FLOWER_LABELS)).astype(np.uint16) + 1
    # ten of each, two a class: what is left is test
    by_class = [
        sorted(n for n in numbers.tolist() if FLOWER_LABELS[n - 1] == c) for c in range(1, 6)
    ]
    parts = {
        "trnid": [n for of in by_class for n in of[:2]],
        "valid": [n for of in by_class for n in of[2:4]],
        "tstid": [n for of in by_class for n in of[4:]],
    }
    savemat(root / "setid.mat", {k: np.array([v], dtype=np.uint16) for k, v in parts.items()})
    return root
