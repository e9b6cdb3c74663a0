"""Small studies, run here or in another process, and what they leave."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor, nn

import penultimate as pn
from penultimate.store import Result

HERE = Path(__file__).parent
SIZE = 24


def write_pictures(root: Path, classes: int = 3, each: int = 12, seed: int = 0) -> Path:
    """``root/class/number.png``: noise around a colour of the class's own."""
    random = np.random.default_rng(seed)
    for k, name in enumerate("abcdefgh"[:classes]):
        (root / name).mkdir(parents=True)
        for i in range(each):
            pixels = random.integers(0, 256, (20, 30, 3), dtype=np.uint8)
            pixels[..., k % 3] //= 2
            Image.fromarray(pixels).save(root / name / f"{i:04d}.png")
    return root


def network(**settings: object) -> pn.Backbone:
    return pn.Backbone.model_validate(
        {"name": "test_resnet@random", "image_size": SIZE, **settings}
    )


def probe(points: int = 5) -> pn.LinearProbe:
    return pn.LinearProbe(l2_min=1e-2, l2_max=1e2, l2_points=points)


def study(*folders: Path, backbones: object = None, **settings: Any) -> pn.Study:
    """A quick study of class folders."""
    return pn.Study(
        backbones=backbones or [network()],
        tasks=[f"folder:{folder}" for folder in folders],
        **{"methods": [probe()], **settings},
    )


class Small(nn.Module):
    """Of a user's own."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.convolution = nn.Conv2d(3, 12, 5, stride=2)

    def forward(self, images: Tensor) -> Tensor:
        return self.convolution(images).relu().mean((2, 3))


class NotANumber(Small):
    """A network that has come to nothing."""

    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images) * float("nan")


def squared(image: Image.Image) -> Tensor:
    pixels = np.asarray(image.resize((SIZE, SIZE)), dtype=np.float32) / 255
    return torch.from_numpy(pixels).permute(2, 0, 1)


def own(module: nn.Module, name: str = "mine") -> pn.Backbone:
    return pn.Backbone.from_module(module, squared, name)


def runs(results: pn.StudyResults) -> list[str]:
    return [result.digest for result in results.results]


# What a run says of itself beside its numbers.
TIMES = ("durations", "images_per_second", "provenance", "artefacts")


def numbers(store: Path) -> dict[str, tuple[dict[str, Any], pd.DataFrame, bytes]]:
    """Of every run: its result without times and places, its predictions and its probe's bytes."""
    kept = pn.ResultStore(store, create=False)
    found = {}
    for result in kept.results():
        record = {k: v for k, v in result.model_dump(mode="json").items() if k not in TIMES}
        record["spec"]["task"]["source"] = ""
        weights = kept.artefact(result, "probe").read_bytes()
        found[result.digest] = (record, kept.predictions(result), weights)
    return found


def feature_files(store: Path) -> dict[str, bytes]:
    return {p.parent.name: p.read_bytes() for p in (store / "features").glob("*/features.npy")}


def same(store: Path, other: Path) -> None:
    """The two hold the same numbers, bit for bit."""
    ours, theirs = numbers(store), numbers(other)
    assert ours.keys() == theirs.keys()
    for digest, (record, predictions, weights) in ours.items():
        assert record == theirs[digest][0]
        pd.testing.assert_frame_equal(predictions, theirs[digest][1], check_exact=True)
        assert weights == theirs[digest][2]
    assert feature_files(store) == feature_files(other)


def clean(store: Path) -> None:
    """Each run is committed from one attempt, and nobody holds a lease."""
    for run in (store / "runs").iterdir():
        assert (run / "result.json").is_file()
        assert len(list((run / "attempts").iterdir())) == 1, "a crashed attempt was left"
    assert not list((store / "leases").glob("*.json"))
    assert not list((store / "features").glob("*.lease"))


def start(store: Path, folders: list[Path], before: str = "", **more: Any) -> subprocess.Popen[str]:
    """Run the study of ``folders`` in a process of its own, after the lines ``before``.

    Prints how many runs it computed, and the frame's runs, as JSON.
    """
    script = f"""
import json, sys, torch
from pathlib import Path
torch.set_num_threads({torch.get_num_threads()})
import penultimate as pn
import study_folders
from study_folders import network, study
backbones = [network(), network(geometry="shorter-side-crop", label="crop")]
{before}
results = pn.run(study(*map(Path, sys.argv[2:]), backbones=backbones), sys.argv[1])
print(json.dumps([results.computed, sorted(results.frame()["run"])]))
"""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", script, str(store), *map(str, folders)],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path]),
            "OMP_NUM_THREADS": str(torch.get_num_threads()),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, list[str]]:
    """Runs computed, and all runs of the study, of a process that should end well."""
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    computed, digests = json.loads(output.splitlines()[-1])
    return computed, digests


def skipped(result: Result) -> dict[str, str]:
    return {example.id: example.reason for example in result.skipped}
