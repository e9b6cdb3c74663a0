"""A folder of pictures, as a data set."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_tasks import load, write_pictures

from penultimate.data import Dataset


@pytest.fixture(autouse=True)
def on_one_thread(one_thread: None) -> None:
    """For every test of this folder."""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_pictures(tmp_path / "photos")


@pytest.fixture
def dataset(photos: Path) -> Dataset:
    """30 pictures."""
    return load(photos)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of caches."""
    return tmp_path / "features"
