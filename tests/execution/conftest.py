"""A folder of pictures and a place for a store."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from study_folders import probe, write_pictures
from trained_studies import FINE, SCRATCH, trained_study

import penultimate as pn


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


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pn.StudyResults]:
    """Pictures, and a probe, a fine-tuning and a training from scratch on them; only read it."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("trained")
    photos = write_pictures(root / "photos")
    study = trained_study(photos, probe(), FINE, SCRATCH)
    results = pn.run(study, root / "store", tensorboard=root / "logs")
    torch.set_num_threads(threads)
    return photos, results
