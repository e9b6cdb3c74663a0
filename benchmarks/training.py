"""Fine-tuning against the plain PyTorch loop that timm's users write.

    python benchmarks/training.py --runs 3                     CPU, EfficientNet-Lite 0 at 64 pixels
    python benchmarks/training.py --runs 3 --device cuda       ResNet-50 at 224 in bfloat16

Same JPEG files (drawn once, smooth noise of 500 x 375), same network from random weights, batch,
precision, number of steps and crops (0.08 to 1 of the area). Each side runs in a process of its
own, one after the other in turn: two cells of a grid, so that the second shows what the first one
leaves to it. Plain means ``ImageFolder``, torchvision's transforms, a ``DataLoader`` and a loop,
in PyTorch's default layout and with channels last.

Prints each run, then medians and ratios. Images a second are of the steps after the first five of
the first cell, checkpoints and decoding ahead left out; seconds are of everything, and seconds of
the processor of both cells and their workers: the figure to read on a busy machine.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

FIGURES = (
    "images_per_second",
    "first_cell_seconds",
    "second_cell_seconds",
    "cpu_seconds",
    "peak_memory_mib",
    "loss",
)
CLASSES = 4
SKIPPED = 5  # steps that pay for memory, caches and threads


def ours(images: Path, folder: Path, plan: argparse.Namespace) -> dict[str, Any]:
    """This package: pixels decoded once, crops in batches, its own loop."""
    from penultimate.backbones import trainable
    from penultimate.data import load_dataset
    from penultimate.spec import Backbone, Recipe, Task
    from penultimate.training import Team, train
    from penultimate.training.pixels import PixelCache
    from penultimate.training.stream import TrainingImages

    recipe = Recipe(
        steps=plan.steps,
        batch_size=plan.batch,
        learning_rate=0.01,
        precision="bfloat16" if plan.device == "cuda" else "float32",
    )
    team = Team.join(plan.device)
    cells = []
    for cell in range(2):
        started = time.perf_counter()
        dataset = load_dataset(Task(source=f"folder:{images}"))
        pixels = PixelCache.open(dataset, folder, side=None, limit=2**34, workers=plan.workers)
        backbone = Backbone(name=f"{plan.network}@random", image_size=plan.size)
        network = trainable(backbone, classes=CLASSES)
        stream = TrainingImages(
            pixels,
            np.arange(len(dataset)),
            dataset.labels,
            network.preprocessing,
            recipe.augmentation,
            batch_size=plan.batch,
            seed=cell,
            device=team.device,
            workers=plan.workers,
        )
        done = train(
            network.module,
            stream,
            recipe,
            seed=cell,
            identity=str(cell),
            checkpoint=folder / f"{cell}.pt",
            team=team,
            compiled={"auto": None, "yes": True, "no": False}[plan.compiled],
        )
        assert done.status == "finished", done.reason
        cells.append((time.perf_counter() - started, done))
    first = cells[0][1]
    speeds = first.curve["images_per_second"][SKIPPED:]
    return {
        "images_per_second": len(speeds) / np.sum(1 / speeds),
        "loss": first.curve["loss"][-20:].mean(),
        "compiled": first.engine.compiled,
        "seconds": [seconds for seconds, _ in cells],
    }


def plain(
    images: Path, folder: Path, plan: argparse.Namespace, *, channels_last: bool = False
) -> dict[str, Any]:
    """What a user of timm writes; files are decoded in every epoch of every cell."""
    import timm
    import torch
    from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
    from torch import nn
    from torch.utils.data import DataLoader
    from torchvision import transforms
    from torchvision.datasets import ImageFolder

    layout = torch.channels_last if channels_last else torch.contiguous_format
    cuda = plan.device == "cuda"
    seconds, speeds, losses = [], [], []
    for cell in range(2):
        started = time.perf_counter()
        torch.manual_seed(cell)
        transform = transforms.Compose(
            [
                transforms.RandomResizedCrop(
                    plan.size, interpolation=transforms.InterpolationMode.BICUBIC
                ),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD),
            ]
        )
        loader = DataLoader(
            ImageFolder(str(images), transform),
            batch_size=plan.batch,
            shuffle=True,
            drop_last=True,
            num_workers=plan.workers,
            persistent_workers=True,
            pin_memory=cuda,
        )
        network = timm.create_model(plan.network, num_classes=CLASSES)
        for parameter in network.get_classifier().parameters():
            nn.init.zeros_(parameter)  # as ours begins
        network = network.to(plan.device).to(memory_format=layout).train()
        optimiser = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, nesterov=True)
        step, clock = 0, 0.0
        while step < plan.steps:
            for pixels, numbers in loader:
                if step == plan.steps:
                    break
                if step == SKIPPED:
                    if cuda:
                        torch.cuda.synchronize()
                    clock = time.perf_counter()
                for group in optimiser.param_groups:
                    group["lr"] = 0.005 * (1 + math.cos(math.pi * step / plan.steps))
                batch = pixels.to(plan.device, non_blocking=True, memory_format=layout)
                labels = numbers.to(plan.device, non_blocking=True)
                with torch.autocast(plan.device, torch.bfloat16, enabled=cuda):
                    loss = nn.functional.cross_entropy(network(batch), labels)
                loss.backward()
                optimiser.step()
                optimiser.zero_grad()
                losses.append(loss.detach())
                step += 1
        if cuda:
            torch.cuda.synchronize()
        now = time.perf_counter()
        seconds.append(now - started)
        speeds.append((plan.steps - SKIPPED) * plan.batch / (now - clock))
    return {
        "images_per_second": speeds[0],
        "loss": float(torch.stack(losses[: plan.steps][-20:]).mean()),
        "seconds": seconds,
    }


def plain_channels_last(images: Path, folder: Path, plan: argparse.Namespace) -> dict[str, Any]:
    """The same with the layout that convolutions are faster in."""
    return plain(images, folder, plan, channels_last=True)


SIDES = {"ours": ours, "plain": plain, "plain-channels-last": plain_channels_last}


def write_images(folder: Path, count: int) -> None:
    """Smooth noise in class folders, its colour telling the class now and then."""
    from PIL import Image

    random = np.random.default_rng(0)
    for number in range(count):
        label = number % CLASSES
        coarse = random.normal(128, 50, (24, 32, 3))
        coarse[..., label % 3] += 40 if label < 3 else 0
        pixels = np.clip(coarse, 0, 255).astype(np.uint8)
        place = folder / str(label)
        place.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(pixels).resize((500, 375), Image.Resampling.BICUBIC)
        picture.save(place / f"{number:05}.jpg", quality=90)


def one(side: str, images: Path, plan: argparse.Namespace) -> None:
    """One side's two cells in this process; its figures as JSON on standard output."""
    import timm  # noqa: F401 - imports, which are alike, are not counted
    import torchvision  # noqa: F401

    before = _processor_seconds()
    with tempfile.TemporaryDirectory() as folder:
        figures = SIDES[side](images, Path(folder), plan)
    if plan.device == "cuda":
        import torch

        peak = torch.cuda.max_memory_allocated() / 2**20
    else:  # workers of a DataLoader are processes of their own: the largest of them counts too
        who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        peak = sum(resource.getrusage(one).ru_maxrss for one in who) / 1024
    first, second = figures.pop("seconds")
    figures |= {
        "cpu_seconds": _processor_seconds() - before,
        "first_cell_seconds": first,
        "second_cell_seconds": second,
        "peak_memory_mib": peak,
    }
    print(json.dumps({name: _number(value) for name, value in figures.items()}))


def _processor_seconds() -> float:
    """Of this process and of the workers that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, np.floating) else value


def settings() -> argparse.Namespace:
    """From the command line; what is not given suits the device."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--network", help="a timm name")
    parser.add_argument("--size", type=int)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--images", type=int)
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch, on the CPU")
    parser.add_argument("--workers", type=int, help="threads or processes that read images")
    parser.add_argument("--compiled", choices=("auto", "yes", "no"), default="auto")
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES))
    parser.add_argument("--one", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    plan = parser.parse_args()
    cpu = plan.device == "cpu"
    plan.network = plan.network or ("tf_efficientnet_lite0" if cpu else "resnet50")
    plan.size = plan.size or (64 if cpu else 224)
    plan.batch = plan.batch or (32 if cpu else 256)
    plan.steps = plan.steps or (40 if cpu else 300)
    plan.images = plan.images or (512 if cpu else 4096)
    plan.workers = plan.workers or (1 if cpu else 8)
    return plan


def main() -> None:
    """All sides in turn, several times; medians and ratios."""
    plan = settings()
    if plan.one:
        import torch

        if plan.device == "cpu":
            torch.set_num_threads(plan.threads)
        one(plan.one, plan.folder, plan)
        return
    rows: dict[str, list[dict[str, Any]]] = {side: [] for side in plan.sides}
    with tempfile.TemporaryDirectory() as folder:
        write_images(Path(folder), plan.images)
        for _ in range(plan.runs):
            for side in plan.sides:
                command = [sys.executable, __file__, *sys.argv[1:], "--one", side]
                done = subprocess.run(
                    [*command, "--folder", folder], check=True, stdout=subprocess.PIPE, text=True
                )
                rows[side].append(json.loads(done.stdout))
                print(side, rows[side][-1], flush=True)
    print(f"\n{f'median of {plan.runs}':20}" + "".join(f"{side:>22}" for side in plan.sides))
    for figure in FIGURES:
        values = [statistics.median(row[figure] for row in rows[side]) for side in plan.sides]
        print(f"{figure:20}" + "".join(f"{v:14.4g}{values[0] / v:8.2f}" for v in values))
    print("beside each figure: ours over it")


if __name__ == "__main__":
    main()
