"""Every kind of messy image becomes an upright RGB picture, or a reason why not."""

from __future__ import annotations

import io
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pictures import huge_png, picture
from PIL import Image, ImageFile, PngImagePlugin

from penultimate.data import decode as module
from penultimate.data.decode import decode, read_image
from penultimate.errors import UnreadableImageError


def encoded(image: Image.Image, format_: str, **options: object) -> io.BytesIO:
    file = io.BytesIO()
    image.save(file, format_, **options)
    file.seek(0)
    return file


def pixels(file: io.BytesIO) -> np.ndarray:
    image = decode(file)
    assert image.mode == "RGB"
    return np.asarray(image)


def test_rgb_comes_back_as_it_is() -> None:
    image = picture(1)
    np.testing.assert_array_equal(pixels(encoded(image, "PNG")), np.asarray(image))


def test_transparent_pixels_become_white_whatever_colour_they_hide() -> None:
    image = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    image.putpixel((1, 1), (10, 200, 30, 255))
    image.putpixel((2, 2), (0, 0, 0, 128))
    seen = pixels(encoded(image, "PNG"))
    assert seen[0, 0].tolist() == [255, 255, 255]
    assert seen[1, 1].tolist() == [10, 200, 30]
    assert seen[2, 2].tolist() == [127, 127, 127]


def test_grey_with_alpha_is_laid_on_white() -> None:
    image = Image.new("LA", (4, 4), (0, 0))
    image.putpixel((1, 1), (90, 255))
    seen = pixels(encoded(image, "PNG"))
    assert seen[0, 0].tolist() == [255, 255, 255]
    assert seen[1, 1].tolist() == [90, 90, 90]


def test_palette_with_one_transparent_colour() -> None:
    image = Image.new("P", (4, 4), 0)
    image.putpalette([0, 0, 0, 200, 0, 0])
    image.putpixel((1, 1), 1)
    seen = pixels(encoded(image, "PNG", transparency=0))
    assert seen[0, 0].tolist() == [255, 255, 255]
    assert seen[1, 1].tolist() == [200, 0, 0]


def test_palette_with_a_transparency_for_each_colour_gives_no_warning() -> None:
    image = Image.new("P", (4, 4), 0)
    image.putpalette([0, 0, 0, 200, 0, 0])
    seen = pixels(encoded(image, "PNG", transparency=bytes([0, 255])))
    assert (seen == 255).all()


def test_rgb_with_a_transparent_colour() -> None:
    image = Image.new("RGB", (4, 4), (1, 2, 3))
    image.putpixel((1, 1), (9, 9, 9))
    seen = pixels(encoded(image, "PNG", transparency=(1, 2, 3)))
    assert seen[0, 0].tolist() == [255, 255, 255]
    assert seen[1, 1].tolist() == [9, 9, 9]


def test_cmyk_has_its_colours() -> None:
    seen = pixels(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG"))
    red, green, blue = seen.mean(axis=(0, 1))
    assert red > 240
    assert max(green, blue) < 15


@pytest.mark.parametrize("mode", ["L", "1"])
def test_grey_has_three_equal_channels(mode: str) -> None:
    seen = pixels(encoded(picture(2).convert(mode), "PNG"))
    assert (seen[..., 0] == seen[..., 1]).all()
    assert (seen[..., 0] == seen[..., 2]).all()
    np.testing.assert_array_equal(seen[..., 0], picture(2).convert(mode).convert("L"))


@pytest.mark.parametrize("format_", ["PNG", "TIFF"])
def test_16_bit_is_scaled_and_not_clipped(format_: str) -> None:
    ramp = np.linspace(0, 65535, 256).round().astype(np.uint16).reshape(16, 16)
    seen = pixels(encoded(Image.fromarray(ramp), format_))
    np.testing.assert_array_equal(seen[..., 0].ravel(), np.arange(256))


@pytest.mark.parametrize(
    ("values", "white"), [(np.int32, 255), (np.int32, 65535), (np.float32, 1), (np.float32, 255)]
)
def test_32_bit_scales_are_recognised(values: type, white: float) -> None:
    ramp = (np.linspace(0, 1, 256) * white).astype(values).reshape(16, 16)
    seen = pixels(encoded(Image.fromarray(ramp), "TIFF"))
    assert np.abs(seen[..., 0].ravel().astype(int) - np.arange(256)).max() <= 1


def test_other_32_bit_values_are_stretched() -> None:
    ramp = np.linspace(-7, 90_000, 256).astype(np.float32).reshape(16, 16)
    ramp[0, 0] = np.nan
    seen = pixels(encoded(Image.fromarray(ramp), "TIFF"))
    assert seen.min() == 0
    assert seen.max() == 255


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_orientation_is_applied_once(orientation: int, format_: str) -> None:
    upright = Image.new("RGB", (32, 16), "white")
    upright.paste((255, 0, 0), (0, 0, 16, 8))  # red, top left
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undo[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    seen = pixels(encoded(stored, format_, exif=exif))
    assert seen.shape == (16, 32, 3)
    assert seen[2, 4, 1] < 60, "red, top left"
    assert seen[12, 28, 1] > 200, "white, bottom right"


def test_malformed_exif_does_not_matter() -> None:
    for exif in (b"Exif\x00\x00nonsense", b"Exif\x00\x00II*\x00\xff\xff\xff\xff"):
        assert pixels(encoded(picture(1), "JPEG", exif=exif)).shape == (40, 48, 3)


@pytest.mark.parametrize("format_", ["GIF", "PNG", "WEBP"])
def test_first_frame_of_an_animation(format_: str) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue", "lime")]
    file = encoded(frames[0], format_, save_all=True, append_images=frames[1:])
    seen = pixels(file)
    assert seen[..., 0].min() > 240
    assert seen[..., 1:].max() < 15


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_truncated_is_unreadable(format_: str, kept: float) -> None:
    random = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    whole = encoded(Image.fromarray(random), format_).getvalue()
    with pytest.raises(UnreadableImageError):
        decode(io.BytesIO(whole[: int(len(whole) * kept)]))
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


def test_no_image_has_a_reason(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("not a picture")
    for name, reason in (
        ("empty.jpg", "the file is empty"),
        ("text.jpg", "not an image"),
        ("gone.jpg", "no such file"),
        (".", "is a directory"),
    ):
        with pytest.raises(UnreadableImageError, match=reason):
            read_image(tmp_path / name)


def test_broken_bytes_never_raise_anything_else() -> None:
    random = np.random.default_rng(0)
    for format_ in ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "TGA", "PPM", "ICO"):
        whole = np.frombuffer(encoded(picture(3), format_).getvalue(), np.uint8)
        for _ in range(25):
            broken = whole.copy()
            broken[random.integers(0, len(whole), 6)] = random.integers(0, 256, 6)
            try:
                decode(io.BytesIO(broken.tobytes()))
            except UnreadableImageError as error:
                assert str(error)


def test_warnings_of_pillow_do_not_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1500)  # the picture has 1920
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert decode(encoded(picture(1), "PNG")).size == (48, 40)
    assert seen == []


def test_over_the_hard_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 900)
    with pytest.raises(UnreadableImageError, match="more pixels than Pillow's limit"):
        decode(encoded(picture(1), "PNG"))


def _rgba(image: Image.Image) -> Image.Image:
    image = image.convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image


@pytest.mark.parametrize(
    "kind", [lambda p: p, _rgba, lambda p: p.convert("L"), lambda p: p.convert("P")]
)
def test_huge_is_reduced_in_bands_as_if_at_once(
    kind: Callable[[Image.Image], Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    image = kind(picture(4, (203, 311)))
    whole = pixels(encoded(image, "PNG"))
    monkeypatch.setattr(module, "LARGEST", 9000)
    monkeypatch.setattr(module, "BAND", 7)
    reduced = pixels(encoded(image, "PNG"))  # 63,133 pixels: by 3
    np.testing.assert_array_equal(reduced, np.asarray(Image.fromarray(whole).reduce(3)))


def test_16_bit_huge_keeps_its_range_in_every_band(monkeypatch: pytest.MonkeyPatch) -> None:
    ramp = np.linspace(0, 40_000, 64 * 64).astype(np.int32).reshape(64, 64)
    monkeypatch.setattr(module, "LARGEST", 1024)
    monkeypatch.setattr(module, "BAND", 4)
    seen = pixels(encoded(Image.fromarray(ramp), "TIFF"))[..., 0].astype(int)
    assert seen.shape == (32, 32)
    assert (np.diff(seen[:, 5]) >= 0).all(), "no band is stretched by itself"
    assert abs(seen.max() - 40_000 / 257) <= 2


def test_large_metadata_does_not_matter() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("comment", "x" * 200_000)
    assert pixels(encoded(picture(1), "PNG", pnginfo=info)).shape == (40, 48, 3)


@pytest.mark.slow
def test_13000_pixels_a_side_do_not_take_the_memory(tmp_path: Path) -> None:
    path = huge_png(tmp_path / "huge.png", 13_000, 13_000)
    code = textwrap.dedent(
        """
        import resource, sys
        from concurrent.futures import ThreadPoolExecutor
        from pathlib import Path
        from penultimate.data.decode import read_image
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with ThreadPoolExecutor(4) as pool:
            sizes = set(pool.map(lambda _: read_image(Path(sys.argv[1])).size, range(4)))
        assert sizes == {(4334, 4334)}, sizes
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
        """
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    # Pillow holds the whole picture once, 4 bytes a pixel: 645 MiB. Four threads at once read
    # it; four small results and one band are on top.
    assert float(done.stdout) < 1000
