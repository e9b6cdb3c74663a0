"""``run --thumbnails``: what is made, what is said, and that the page shows it."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def photos(tmp_path):
    """Noise in three classes, which no network can tell apart."""
    rng = np.random.default_rng(0)
    for name in "abc":
        (tmp_path / "noise" / name).mkdir(parents=True)
        for i in range(12):
            pixels = rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "noise" / name / f"{i}.png")
    return tmp_path / "noise"


def run(penultimate, photos, *more):
    return penultimate(
        *("run", "--data", photos, "--backbone", "test_resnet@random", "--image-size", 24),
        *("--store", "store", *more),
    )


def test_thumbnails_are_made_on_request_said_and_shown(penultimate, photos, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert "thumbnail" not in run(penultimate, photos, "--report", "without.html").err
    found = run(penultimate, photos, "--thumbnails", 2, "--report", "with.html")
    assert found.code == 0
    assert "0 computed, 1 already in the store" in found.err
    said = [line for line in found.err.splitlines() if "thumbnail" in line]
    assert said == [
        "2 new thumbnails of test images: a report from store shows them to whoever gets it"
    ]
    for name, images in (("without.html", 0), ("with.html", 2)):
        html = (tmp_path / name).read_text(encoding="utf-8")
        assert html.count('<img src="data:image/') == images
    assert "thumbnail" not in run(penultimate, photos, "--thumbnails", 2).err


def test_a_number_that_is_none_is_refused(penultimate, photos):
    for number in ("0", "many"):
        assert "--thumbnails" in run(penultimate, photos, "--thumbnails", number).sentence
