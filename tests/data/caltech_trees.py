"""Caltech-101 as its two archives unpack, with a few classes."""

from __future__ import annotations

from pathlib import Path

from pictures import picture, save

SIZES = {"BACKGROUND_Google": 33, "Faces": 35, "Faces_easy": 31, "accordion": 40}


def caltech101(holder: Path, folder: str = "caltech-101") -> Path:
    """The folder that holds ``101_ObjectCategories``; four classes, pictures of a few pixels."""
    root = holder / folder
    number = 0
    for label, size in SIZES.items():
        for i in range(1, size + 1):
            file = root / "101_ObjectCategories" / label / f"image_{i:04d}.jpg"
            save(file, picture(number, (12, 10)), format="JPEG")
            number += 1
    (root / "101_ObjectCategories" / "BACKGROUND_Google" / "tmp").touch()  # as published
    return root
