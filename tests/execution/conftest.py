"""A folder of pictures and a place for a store."""

from __future__ import annotations

from pathlib import Path

import pytest
from study_folders import write_pictures


@pytest.fixture(autouse=True)
def on_one_thread(one_thread: None) -> None:
    """For every test of this folder."""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """36 pictures of three classes."""
    return write_pictures(tmp_path / "photos")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"
