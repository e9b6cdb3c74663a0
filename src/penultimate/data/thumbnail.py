"""Pictures as thumbnails: small, upright, and with nothing in the file but the picture."""

from __future__ import annotations

import io
from typing import Literal

from PIL import Image

LONGEST = 96  # pixels of the longer side; smaller pictures stay as they are
QUALITY = 80  # of JPEG


def thumbnail(picture: Image.Image) -> tuple[bytes, Literal["jpeg", "png"], int, int]:
    """An RGB picture, made small, as the bytes of a JPEG or PNG file: whichever is smaller.

    Photographs are smaller as JPEG; drawings, and pictures of a few pixels, as PNG. Nothing that
    the picture's own file said besides goes along: no place, date, camera or comment.

    Returns
    -------
    data, kind, width, height : the file, its format, and pixels.
    """
    small = picture.copy()
    small.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    small.info.clear()  # Pillow writes from here comments and colour profiles
    jpeg, png = io.BytesIO(), io.BytesIO()
    small.save(jpeg, "JPEG", quality=QUALITY, optimize=True)
    small.save(png, "PNG", optimize=True)
    if len(png.getvalue()) <= len(jpeg.getvalue()):
        return png.getvalue(), "png", *small.size
    return jpeg.getvalue(), "jpeg", *small.size
