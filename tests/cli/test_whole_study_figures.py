"""Every figure and table from a store of the paper's size: 16 networks, 12 data sets, 3 methods."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from builders import METHODS, FakeStudy, FakeTask
from penultimate.cli.app import cli
from penultimate.figures.catalogue import FIGURES, TABLES
from penultimate.store import ResultStore

PLAIN = [
    *("inception_v1", "bn_inception", "inception_v3", "inception_resnet_v2"),
    *("resnet50", "resnet101", "resnet152", "densenet121", "densenet169", "densenet201"),
    *("mobilenet_v1", "mobilenet_v2", "nasnet_a_large"),
]
SWITCHED = ["", ",dropout=0.2", ",dropout=0.2,label_smoothing=0.1"]
NAMES = [f"paper:{name}@w.safetensors" for name in PLAIN]
NAMES += [f"paper:inception_v4{switches}@w.safetensors" for switches in SWITCHED]
TASKS = [
    *("food101", "cifar10", "cifar100", "birdsnap", "sun397", "cars"),
    *("aircraft", "dtd", "pets", "caltech101", "flowers102", "my own task"),
]
ONE = NAMES[0]
ARGUMENTS = {
    "embedding": ["--task", "pets", "--backbone", ONE, "--backbone", NAMES[1]],
    "training-time": ["--backbone", ONE],
    "examples-per-class": ["--backbone", ONE, "--method", "linear-probe"],
}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    made = ResultStore(tmp_path_factory.mktemp("whole") / "store")
    abilities = {name: 0.1 * place for place, name in enumerate(NAMES)}
    imagenet = {name: 0.7 + 0.008 * place for place, name in enumerate(NAMES)}
    tasks = {name: FakeTask(n_test=120, hardness=0.1 * place) for place, name in enumerate(TASKS)}
    gains = {"fine-tune": 0.4, "from-scratch": -0.6}
    study = FakeStudy(
        abilities, tasks, methods=tuple(METHODS), gains=gains, imagenet=imagenet, sampled=True
    )
    study.commit(made)
    # Figures 8 and 9 read all runs, the others the newest of each cell.
    before = {"imagenet": imagenet, "created": "2026-05-03T12:00:00+00:00"}
    for steps in (20, 60):
        trained = {"settings": {"steps": steps, "batch_size": 32}, "methods": list(METHODS)[1:]}
        FakeStudy({ONE: 0.01 * steps}, {"pets": tasks["pets"]}, **trained, **before).commit(made)
    for n, draw in ((2, 0), (2, 1), (10, 0), (10, 1)):
        few = {"pets": FakeTask(n_test=120, n_train=10 * n, draw=draw)}
        FakeStudy({ONE: 0.05 * n + 0.1 * draw}, few, **before).commit(made)
    return made


def run(*arguments):
    return CliRunner().invoke(cli, ["figure", *map(str, arguments)], catch_exceptions=False)


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_drawn(store, tmp_path, name):
    target = tmp_path / f"{name}.png"
    done = run(name, store.root, *ARGUMENTS.get(name, []), "-o", target, "--csv")
    assert done.exit_code == 0, done.stderr
    pixels = np.asarray(Image.open(target).convert("L"))
    assert (pixels < 128).mean() > 0.005  # there is ink
    assert len(done.stdout.splitlines()) > 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "rows"), [("accuracies", 48), ("significance", 48), ("correlations", 3)]
)
def test_tables_have_all_networks_and_data_sets(store, name, rows):
    assert name in TABLES
    done = run(name, store.root, "--json")
    table = json.loads(done.stdout)
    assert len(table) == rows
    if name != "correlations":
        assert {"Food-101", "my own task"} < set(table[0])
        assert all(cell != "" for row in table for cell in row.values())
