"""A thumbnail is small, upright, in the right colours, and says nothing of where it came from."""

import io

import numpy as np
import pytest
from PIL import Image

from penultimate.data.decode import read_image
from penultimate.data.thumbnail import LONGEST, thumbnail

SECRET = "at home with the children"


def opened(picture):
    data, kind, width, height = thumbnail(picture)
    image = Image.open(io.BytesIO(data))
    image.load()
    assert image.size == (width, height)
    assert image.format.lower() == kind
    assert image.mode == "RGB"
    return image, data, kind


def photograph(width, height, seed=0):
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
    return coarse.resize((width, height), Image.Resampling.BICUBIC)


@pytest.mark.parametrize(
    ("size", "small"),
    [((400, 200), (96, 48)), ((100, 3000), (3, 96)), ((96, 96), (96, 96)), ((9, 5), (9, 5))],
)
def test_the_longer_side_is_bounded_and_nothing_is_enlarged(size, small):
    image, data, _ = opened(photograph(*size))
    assert image.size == small
    assert max(image.size) <= LONGEST
    assert len(data) < 2**16


def test_photographs_are_jpeg_and_drawings_and_tiny_pictures_png_without_loss():
    assert opened(photograph(640, 480))[2] == "jpeg"
    drawing = Image.new("RGB", (90, 90), "white")
    drawing.paste((10, 200, 30), (20, 30, 60, 50))
    tiny = photograph(8, 8)
    for picture in (drawing, tiny):
        image, _, kind = opened(picture)
        assert kind == "png"
        assert (np.asarray(image) == np.asarray(picture)).all()
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8))
    assert len(opened(noise)[1]) < 2**15, "the largest that there is"


@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_metadata_stay_behind_and_the_camera_s_turn_is_made(tmp_path, ending):
    picture = photograph(60, 30)
    picture.paste((250, 10, 10), (0, 0, 30, 30))  # red on the left
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter: the left is above
    exif[0x010E] = SECRET
    exif.get_ifd(0x8825)[29] = SECRET  # of the GPS tags, the date
    path = tmp_path / f"photo.{ending}"
    more = {"comment": SECRET.encode()} if ending == "jpg" else {}
    picture.save(path, exif=exif.tobytes(), icc_profile=SECRET.encode(), **more)
    assert SECRET.encode() in path.read_bytes()
    read = read_image(path)
    read.info |= {
        "comment": SECRET.encode(),
        "icc_profile": SECRET.encode(),
        "exif": exif.tobytes(),
    }
    image, data, _ = opened(read)
    assert image.size == (30, 60)
    above, below = np.asarray(image, dtype=float)[[5, 55]].mean(axis=1)
    assert above[0] > 200
    assert above[2] < 60
    assert abs(below - [250, 10, 10]).max() > 60
    assert SECRET.encode() not in data
    assert not image.getexif()
    assert {"comment", "icc_profile", "exif"}.isdisjoint(image.info)
    assert read.size == (30, 60), "the picture itself stays as it was"
    assert "comment" in read.info
