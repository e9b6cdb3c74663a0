"""Commands to run, and small things to run them on."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from commands import NAMES, Command, Outcome, in_shell
from PIL import Image


@pytest.fixture
def penultimate(monkeypatch, capfd) -> Command:
    """Run a command in this process, which imports torch once for all tests."""
    from penultimate.cli import main

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["penultimate", *map(str, arguments)])
        capfd.readouterr()
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        caught = capfd.readouterr()
        return Outcome(code, caught.out, caught.err)

    return run


@pytest.fixture
def shell() -> Command:
    """Run the installed command in a process of its own."""
    return in_shell


@pytest.fixture(scope="session")
def photos(tmp_path_factory) -> Path:
    """Class folders of twelve small pictures each, and one file that is no picture."""
    root = tmp_path_factory.mktemp("data") / "photos [1]"
    rng = np.random.default_rng(0)
    for number, name in enumerate(("crow", "jay [b]", "tit 'grün'")):
        (root / name).mkdir(parents=True)
        for i in range(12):
            pixels = rng.integers(0, 200, (24, 24, 3), dtype=np.uint8)
            pixels[:, :, number] += 55
            Image.fromarray(pixels).save(root / name / f"{i}.png")
    (root / "crow" / "broken [x].png").write_text("this is text")
    return root


@pytest.fixture(scope="session")
def features(tmp_path_factory) -> Path:
    """Features of 120 examples in three classes whose names are markup, without ids."""
    root = tmp_path_factory.mktemp("data") / "features [bold]"
    root.mkdir()
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 40)
    matrix = rng.normal(size=(120, 8)) + 4 * np.eye(8)[labels]
    np.save(root / "features.npy", matrix.astype(np.float32))
    np.save(root / "labels.npy", np.array(NAMES)[labels])
    return root


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """A folder to be in, that holds nothing."""
    folder = tmp_path / "place"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="session")
def photo_store(photos, tmp_path_factory) -> Path:
    """A store with the probes of two random networks on the photos; only read it."""
    store = tmp_path_factory.mktemp("stores") / "photo store"
    networks = ("--backbone", "test_vit@random", "--backbone", "test_byobnet@random")
    outcome = in_shell("run", "--data", photos, "--store", store, *networks)
    assert outcome.code == 0, outcome.err
    return store


@pytest.fixture(scope="session")
def first_feature_run(features, tmp_path_factory) -> tuple[Outcome, Path]:
    """The first run on given features, and the store that it made; only read it."""
    folder = tmp_path_factory.mktemp("stores")
    outcome = in_shell("run", "--backbone", f"features:{features}", "--store", "store", cwd=folder)
    assert outcome.code == 0, outcome.err
    return outcome, folder / "store"


@pytest.fixture
def feature_run(first_feature_run, place) -> Outcome:
    """What the first run on given features printed; a copy of its store is ``store``."""
    outcome, store = first_feature_run
    shutil.copytree(store, place / "store")
    return outcome


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch):
    """Neither colours nor widths from where the tests run, nor proxies that hide the network."""
    for name in ("COLUMNS", "FORCE_COLOR", "TERM", "PENULTIMATE_DEBUG", *proxies()):
        monkeypatch.delenv(name, raising=False)


def proxies() -> list[str]:
    return [name for name in os.environ if name.lower().endswith("_proxy")]
