"""Small trees in the layouts that data sets are published in."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from pictures import picture, save


def draw(root: Path, names: Iterable[str], seed: int = 0) -> None:
    """Pictures under these names below ``root``, all unlike."""
    for number, name in enumerate(names, seed):
        save(root / name, picture(number))


def write(path: Path, *lines: str, end: str = "\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(line + end for line in lines).encode())
    return path


def food101(holder: Path, train: int = 6, test: int = 2) -> Path:
    """The folder ``food-101`` with three classes, below ``holder``; ids are in no order."""
    root = holder / "food-101"
    classes = ("apple_pie", "baby_back_ribs", "waffles")
    names = {
        part: {
            label: [f"{label}/{(7919 * (i + first) + 31 * k) % 9973}" for i in range(n)]
            for k, label in enumerate(classes)
        }
        for part, n, first in (("train", train, 0), ("test", test, 100))
    }
    for part, by_class in names.items():
        listed = [name for inside in by_class.values() for name in inside]
        draw(root / "images", [f"{name}.jpg" for name in listed], 100 * len(part))
        write(root / "meta" / f"{part}.txt", *listed)
        (root / "meta" / f"{part}.json").write_text(json.dumps(by_class))
    write(root / "meta" / "classes.txt", *classes)
    return root
