"""A folder of pictures, as a data set."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from small_tasks import load, write_pictures

from penultimate.data import Dataset


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small networks gain nothing by threads, and beside other work lose seconds waiting."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


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
