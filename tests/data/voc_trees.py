"""A small tree in the layout of PASCAL VOC 2007: lists, annotations, pictures."""

from __future__ import annotations

from pathlib import Path

from official_trees import draw, write

from penultimate.data.official.voc2007 import CLASSES

Objects = list[tuple[str, bool]]  # the class of each object, and whether it is difficult

PARTS: dict[str, dict[str, Objects]] = {
    "train": {
        "000012": [("car", False)],
        "000017": [("person", False), ("horse", False)],
        "000023": [("person", False), ("person", True), ("bicycle", True)],
        "000026": [("car", True)],  # nothing in it that is easy
        "000032": [("aeroplane", False), ("person", True)],
        "000033": [("aeroplane", False), ("aeroplane", False)],
        "000034": [("train", False), ("person", False)],
        "000035": [("person", False), ("dog", False), ("chair", True)],
        "000036": [("dog", False)],
        "000042": [("train", False)],
    },
    "val": {
        "000005": [("chair", False), ("chair", True)],
        "000007": [("car", False)],
        "000009": [("horse", False), ("person", False)],
        "000016": [("bicycle", False), ("dog", False)],
        "000019": [("dog", False), ("person", True)],
        "000020": [("car", False), ("person", False)],
    },
    "test": {
        "000001": [("dog", False), ("person", False)],
        "000002": [("train", False)],
        "000003": [("sofa", False), ("chair", False)],  # sofas are in test alone
        "000004": [("car", False), ("car", True)],
        "000006": [("pottedplant", True), ("chair", False)],
        "000008": [("person", True), ("horse", False)],
    },
}


def voc2007(holder: Path) -> Path:
    """The folder ``VOCdevkit/VOC2007`` below ``holder``."""
    root = holder / "VOCdevkit" / "VOC2007"
    both = {"trainval": PARTS["train"] | PARTS["val"]}
    for part, images in (PARTS | both).items():
        lists = root / "ImageSets" / "Main"
        write(lists / f"{part}.txt", *sorted(images))
        for label in CLASSES:
            lines = [f"{name} {mark(images[name], label):>2}" for name in sorted(images)]
            write(lists / f"{label}_{part}.txt", *lines)
        for name, objects in images.items():
            write(root / "Annotations" / f"{name}.xml", annotation(name, objects))
    names = sorted(name for images in PARTS.values() for name in images)
    draw(root / "JPEGImages", [f"{name}.jpg" for name in names])
    return root


def mark(objects: Objects, label: str) -> int:
    """As the development kit's lists say it."""
    difficult = [hard for name, hard in objects if name == label]
    return -1 if not difficult else 0 if all(difficult) else 1


def annotation(name: str, objects: Objects) -> str:
    """As the development kit's XML says it."""
    each = "".join(
        f"<object><name>{label}</name><pose>Left</pose><truncated>0</truncated>"
        f"<difficult>{hard:d}</difficult>"
        "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>20</ymax></bndbox></object>"
        for label, hard in objects
    )
    return (
        f"<annotation><folder>VOC2007</folder><filename>{name}.jpg</filename>"
        f"<size><width>48</width><height>40</height><depth>3</depth></size>{each}</annotation>"
    )
