"""The task ``glyphs``: 62 characters rendered from the fonts that matplotlib ships.

Train, validation and test have no typeface in common, not even by design: DejaVu, Computer
Modern and STIX (a Times) come from three hands. The pictures are the same for every run's seed.
"""

from __future__ import annotations

import string
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from penultimate.data.dataset import ArrayImages, digest_array
from penultimate.data.examples import Examples
from penultimate.errors import DataError

CHARACTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase

# Family -> faces. An explicit list, because not every font with a code for "A" has an A there:
# matplotlib's cmsy10, cmex10 and cmmi10 have mathematical signs or old-style figures in those
# places, and LastResort has boxes.
FAMILIES: dict[str, tuple[str, ...]] = {
    "DejaVu Sans": (
        "DejaVuSans",
        "DejaVuSans-Bold",
        "DejaVuSans-Oblique",
        "DejaVuSans-BoldOblique",
    ),
    "DejaVu Sans Mono": (
        "DejaVuSansMono",
        "DejaVuSansMono-Bold",
        "DejaVuSansMono-Oblique",
        "DejaVuSansMono-BoldOblique",
    ),
    "DejaVu Serif": (
        "DejaVuSerif",
        "DejaVuSerif-Bold",
        "DejaVuSerif-Italic",
        "DejaVuSerif-BoldItalic",
    ),
    "Computer Modern": ("cmr10", "cmb10", "cmti10"),
    "Computer Modern Sans": ("cmss10",),
    "Computer Modern Typewriter": ("cmtt10",),
    "STIX General": (
        "STIXGeneral",
        "STIXGeneralBol",
        "STIXGeneralItalic",
        "STIXGeneralBolIta",
    ),
}
PART_OF: dict[str, str] = {
    "DejaVu Sans": "train",
    "DejaVu Sans Mono": "train",
    "DejaVu Serif": "train",
    "Computer Modern": "val",
    "Computer Modern Sans": "val",
    "Computer Modern Typewriter": "val",
    "STIX General": "test",
}
COPIES = {"train": 1, "val": 1, "test": 2}  # pictures of a character in one face

SIZE = 64  # pixels of a side
FINER = 3  # drawn this much larger, then averaged, so that positions are finer than a pixel
MARGIN = 3  # pixels that stay empty around the character
FONT_SIZES = (30.0, 52.0)  # of the em, in pixels
SLANTS = (-0.3, 0.3)  # pixels to the right for each pixel up, on top of the face's own
SEED = 20190616  # of sizes, places and slants; another seed would be another task


def load_glyphs() -> Examples:
    """1,550 grey pictures of 64 x 64 pixels, black on white.

    Raises
    ------
    DataError : matplotlib's fonts are not where matplotlib keeps them.
    """
    ids, labels, parts, pictures = [], [], [], []
    for family, faces in FAMILIES.items():
        for face in faces:
            for character in CHARACTERS:
                for copy in range(COPIES[PART_OF[family]]):
                    ids.append(f"{character}-{face}-{copy}")
                    labels.append(character)
                    parts.append(PART_OF[family])
                    pictures.append(render(character, face, copy))
    pixels = np.stack(pictures)
    return Examples(
        ids=tuple(ids),
        labels=tuple(labels),
        digests=tuple(digest_array(picture) for picture in pixels),
        images=ArrayImages(pixels),
        parts=tuple(parts),
        split_source="official",
    )


def render(character: str, face: str, copy: int) -> NDArray[np.uint8]:
    """One picture (64, 64), its size, place and slant decided by what it shows."""
    faces = [name for names in FAMILIES.values() for name in names]
    random = np.random.default_rng([SEED, faces.index(face), ord(character), copy])
    size, slant, across, down = random.uniform(
        (FONT_SIZES[0], SLANTS[0], 0, 0), (FONT_SIZES[1], SLANTS[1], 1, 1)
    )
    ink = slanted(character, face, round(size * FINER), slant)
    room = (SIZE - 2 * MARGIN) * FINER
    if max(ink.size) > room:  # a wide W in a wide face
        ink.thumbnail((room, room))
    left = MARGIN * FINER + round(across * (room - ink.width))
    top = MARGIN * FINER + round(down * (room - ink.height))
    paper = Image.new("L", (SIZE * FINER, SIZE * FINER), 255)
    paper.paste(0, (left, top), mask=ink)
    return np.asarray(paper.reduce(FINER), dtype=np.uint8)


def slanted(character: str, face: str, size: int, slant: float) -> Image.Image:
    """The character's strokes, white on black, cut to their edges."""
    font = ImageFont.truetype(str(font_folder() / f"{face}.ttf"), size)
    left, top, right, bottom = font.getbbox(character)
    height = bottom - top
    aside = height / 2  # room for the slant
    page = Image.new("L", (round(right - left + 2 * aside), round(height)))
    ImageDraw.Draw(page).text((aside - left, -top), character, fill=255, font=font)
    page = page.transform(
        page.size,
        Image.Transform.AFFINE,
        (1, slant, -slant * height / 2, 0, 1, 0),
        resample=Image.Resampling.BILINEAR,
    )
    return page.crop(page.getbbox())


@cache
def font_folder() -> Path:
    """Where matplotlib keeps its fonts; asked without importing it, which takes half a second."""
    spec = find_spec("matplotlib")
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / "mpl-data" / "fonts" / "ttf"
        if folder.is_dir():
            return folder
    raise DataError(
        "the task 'glyphs' is drawn with the fonts that come with matplotlib, which are not to "
        "be found: pip install --force-reinstall matplotlib"
    )
