"""Stores to report on."""

import pytest

from builders import FakeStudy, FakeTask
from penultimate.store import ResultStore, SkippedExample

LITES = {
    "tf_efficientnet_lite2@package": 1.45,
    "tf_efficientnet_lite1@package": 1.40,
    "tf_efficientnet_lite0@package": 1.0,
    "tf_efficientnet_lite0@random": -0.2,
}


@pytest.fixture
def new_store(tmp_path):
    """An empty store."""
    return ResultStore(tmp_path / "store")


@pytest.fixture
def demo_store(new_store):
    """What the demo leaves: three networks and the floor on two tasks."""
    tasks = {
        "digits": FakeTask(hardness=-0.6),
        "glyphs": FakeTask(
            n_test=420,
            hardness=0.3,
            measure="mean-per-class",
            skipped=[SkippedExample(id="a/broken.png", reason="the file is empty")],
            notices=["2 exact duplicates were kept in one part"],
        ),
    }
    return FakeStudy(LITES, tasks).commit(new_store)
