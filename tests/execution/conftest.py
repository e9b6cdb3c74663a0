"""A folder of pictures and a place for a store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from study_folders import write_pictures


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small networks gain nothing by threads, and beside other work lose seconds waiting."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """36 pictures of three classes."""
    return write_pictures(tmp_path / "photos")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"
