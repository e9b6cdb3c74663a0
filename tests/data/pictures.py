"""Pictures and folders made for the tests."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from zlib import crc32

import numpy as np
from PIL import Image


def picture(seed: int, size: tuple[int, int] = (48, 40)) -> Image.Image:
    """A picture of smooth random blobs, unlike that of any other seed."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (9, 11, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def save(path: Path, image: Image.Image, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


def class_folders(root: Path, sizes: dict[str, int], seed: int = 0) -> Path:
    """``root/class/0.png``, ...: that many pictures a class, all unlike."""
    number = seed
    for name, size in sizes.items():
        for i in range(size):
            save(root / name / f"{i}.png", picture(number))
            number += 1
    return root


def huge_png(path: Path, width: int, height: int) -> Path:
    """An RGB PNG of one colour, written without ever holding the picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    squeeze = zlib.compressobj(1)
    row = b"\0" + bytes([200, 90, 30]) * width
    data = b"".join(squeeze.compress(row) for _ in range(height)) + squeeze.flush()
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    path.write_bytes(start + chunk(b"IDAT", data) + chunk(b"IEND", b""))
    return path
