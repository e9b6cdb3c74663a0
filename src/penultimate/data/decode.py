"""From an image file, however messy, to an upright RGB picture.

- Transparent pixels are laid on white. Their stored colour is arbitrary and mostly black, so
  dropping the alpha channel would draw a black box around every cut-out; pictures that have
  transparency (icons, clip art, product photographs) are made to be seen on white paper.
- Deeper than 8 bits is scaled to 8 bits; Pillow's own conversion clips at 255, which leaves a
  16-bit picture almost white.
- Of an animation, the first frame.
- Truncated is unreadable: half a picture with a grey rest is no example of its class.
- A huge picture is decoded alone and reduced by a whole factor that depends only on its size,
  so that the result is the same on every machine and with any number of threads.
"""

from __future__ import annotations

import math
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from penultimate.errors import UnreadableImageError

LARGEST = 2**25  # pixels; more are reduced. Single-shot photographs of most cameras are below.
BAND = 256  # rows (of the reduced image where it is huge) that are converted at a time

BLOCK = 2**26  # bytes; from 2**25 on, glibc always maps a block by itself

_one_huge_image = threading.Lock()
_PILLOW = re.compile(r"PIL\.")

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION = 0x0112  # the EXIF tag

Range = tuple[float, float]  # the values that become 0 and 255


def read_image(path: Path) -> Image.Image:
    """The picture in a file as RGB, upright, no larger than ``LARGEST`` pixels.

    Raises
    ------
    UnreadableImageError : the file is gone, empty, truncated, no image, or too large. The
        message is the reason alone: whoever asked knows the file, and names it as the user does.
    """
    try:
        with path.open("rb") as file:
            return decode(file)
    except OSError as error:
        raise UnreadableImageError(_reason(error)) from error


def decode(file: BinaryIO) -> Image.Image:
    """As ``read_image``, from an open file at its beginning."""
    _quieten_pillow()
    if not file.read(1):
        raise UnreadableImageError("the file is empty")
    file.seek(0)
    try:
        with Image.open(file) as image:
            if image.width * image.height <= LARGEST:
                image.load()
                return _upright(_to_rgb(image, _range(image)), image)
            with _one_huge_image, _large_blocks():
                try:
                    image.load()
                    return _upright(_reduced(image), image)
                finally:
                    image.close()  # its memory is given back before the next one begins
    # Pillow's readers answer broken files with almost any exception (struct.error, SyntaxError,
    # IndexError, ...); each of them means the same here.
    except Exception as error:
        raise UnreadableImageError(_reason(error)) from error


@contextmanager
def _large_blocks() -> Iterator[None]:
    """Have Pillow ask for memory in blocks that the allocator gives back at once.

    Pillow's 16 MiB are, once freed, kept by glibc for the thread that used them: four threads
    that read a huge image one after the other would hold four of them.
    """
    allocator = Image.core  # type: ignore[attr-defined]  # documented, and not in its stubs
    before = allocator.get_block_size()
    allocator.set_block_size(BLOCK)
    try:
        yield
    finally:
        allocator.set_block_size(before)


def _quieten_pillow() -> None:
    """Silence Pillow's warnings about odd metadata and large images: both are dealt with here.

    ``warnings.catch_warnings`` is not safe in threads before Python 3.14: two that overlap can
    leave the filters of one behind for good. So a filter that concerns only Pillow stays.
    """
    first = warnings.filters[0] if warnings.filters else None
    if first is None or first[:4] != ("ignore", None, Warning, _PILLOW):
        warnings.filterwarnings("ignore", category=Warning, module=_PILLOW.pattern)


def _reason(error: Exception) -> str:
    if isinstance(error, Image.DecompressionBombError):
        return "it has more pixels than Pillow's limit against decompression bombs"
    if isinstance(error, UnidentifiedImageError):
        return "it is not an image that Pillow can read"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if isinstance(error, MemoryError):
        return "it does not fit into memory"
    return " ".join(str(error).split()) or type(error).__name__


def _range(image: Image.Image) -> Range:
    """Which values are black and white in a loaded picture deeper than 8 bits.

    16-bit files say so in their mode. 32-bit integers and floats do not say what white is: the
    customary scales (0..1 for floats, 0..255, 0..65535) are recognised by the largest value,
    and anything else is stretched from its smallest to its largest.
    """
    if image.mode.startswith("I;16"):
        return 0.0, 65535.0
    if image.mode not in ("I", "F"):
        return 0.0, 255.0
    low, high = math.inf, -math.inf
    for top in range(0, image.height, BAND):
        rows = image.crop((0, top, image.width, min(top + BAND, image.height)))
        values = np.asarray(rows)
        values = values[np.isfinite(values)]
        if values.size:
            low, high = min(low, float(values.min())), max(high, float(values.max()))
    if low > high:
        raise ValueError("it has no finite value")
    customary = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0)
    for white in customary:
        if low >= 0 and high <= white:
            return 0.0, white
    return low, high


def _to_rgb(image: Image.Image, values: Range) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        return image.copy()
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _grey(image, values).convert("RGB")
    if image.has_transparency_data:
        cut_out = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, cut_out).convert("RGB")
    return image.convert("RGB")


def _grey(image: Image.Image, values: Range) -> Image.Image:
    """A picture deeper than 8 bits as 8 bits; in bands, as the work is done in 64 bits."""
    low, high = values
    grey = np.empty((image.height, image.width), dtype=np.uint8)
    for top in range(0, image.height, BAND):
        rows = image.crop((0, top, image.width, min(top + BAND, image.height)))
        band = np.nan_to_num(np.asarray(rows, dtype=np.float64), nan=low, posinf=high, neginf=low)
        scaled = np.rint((band - low) * (255 / max(high - low, 1e-300)))
        grey[top : top + BAND] = scaled.clip(0, 255)
    return Image.fromarray(grey)


def _reduced(image: Image.Image) -> Image.Image:
    """A huge loaded picture as RGB, each side divided by the same whole number.

    Converted and averaged in bands: no second copy of the whole is ever made. A band is a whole
    number of blocks high, so this equals converting and reducing at once.
    """
    factor = math.ceil(math.sqrt(image.width * image.height / LARGEST))
    values = _range(image)
    size = (-(-image.width // factor), -(-image.height // factor))
    picture = Image.new("RGB", size)
    for top in range(0, size[1], BAND):
        rows = (top * factor, min((top + BAND) * factor, image.height))
        band = image.crop((0, rows[0], image.width, rows[1]))
        picture.paste(_to_rgb(band, values).reduce(factor), (0, top))
    return picture


def _upright(picture: Image.Image, image: Image.Image) -> Image.Image:
    """Turned as the camera was held. Asked after loading: TIFF files are turned by then."""
    try:
        orientation = image.getexif().get(_ORIENTATION)
    except Exception:  # malformed EXIF: shown as it is stored, as every viewer does
        return picture
    turn = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return picture if turn is None else picture.transpose(turn)
