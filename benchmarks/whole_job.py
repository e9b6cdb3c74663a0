"""The whole job against the loop that one would write by hand today.

    python benchmarks/whole_job.py --runs 3            about 15 minutes on two cores

Same images (scikit-learn's digits as PNG files), same network (EfficientNet-Lite 0), same split,
same 45 values of L2, one run after the other in turn, each in a process of its own. By hand means:
``ImageFolder``, a ``DataLoader`` with two workers, timm's own transform, the eager network at batch
64, and scikit-learn's ``LogisticRegression(warm_start=True, max_iter=1000)``.

Prints the figures of each run, a table of medians with their ratios, and how far each side's 45
objectives end above the lower of the two (features differ by rounding, about 1e-5).
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

BACKBONE = "tf_efficientnet_lite0"
FIGURES = ("seconds", "images_per_second", "path_seconds", "accuracy", "peak_memory_mib")


def ours(images: Path, folder: Path) -> dict[str, Any]:
    """This package, from a cold start: nothing cached, nothing compiled."""
    import penultimate as pn
    from penultimate.store import ResultStore

    study = pn.Study(backbones=[f"{BACKBONE}@package"], tasks=[_task(images)])
    started = time.perf_counter()
    [result] = pn.run(study, store=ResultStore(folder / "store")).results
    return {
        "seconds": time.perf_counter() - started,
        "images_per_second": result.images_per_second,
        "path_seconds": result.durations["selection"],
        "accuracy": result.score,
        "not_converged": sum(not c.converged for c in result.selection),
        "objectives": [c.objective for c in result.selection],
        "engine": result.provenance.engine,
    }


def by_hand(images: Path, folder: Path) -> dict[str, Any]:
    """What a careful user writes without us; the split is ours, so that scores compare."""
    import timm
    import torch
    from sklearn.linear_model import LogisticRegression
    from torch.utils.data import DataLoader
    from torchvision.datasets import ImageFolder

    from penultimate.backbones import PACKAGES
    from penultimate.backbones.checkpoint import load_checkpoint

    split = {row["path"]: row["split"] for row in csv.DictReader((images / "split.csv").open())}
    started = time.perf_counter()
    network = timm.create_model(BACKBONE, num_classes=1000)
    load_checkpoint(network, PACKAGES[BACKBONE].checkpoint(), ("classifier",))
    network.reset_classifier(0)
    network.eval()
    config = timm.data.resolve_data_config({}, model=network)
    config["crop_pct"] = 1.0
    data = ImageFolder(str(images), timm.data.create_transform(**config))
    loader = DataLoader(data, batch_size=64, num_workers=2)
    begun = time.perf_counter()
    with torch.inference_mode():
        features = torch.cat([network(batch) for batch, _ in loader]).numpy()
    extracted = time.perf_counter() - begun
    labels = np.array([label for _, label in data.samples])
    parts = np.array([split[str(Path(p).relative_to(images))] for p, _ in data.samples])
    train, val, test = (parts == part for part in ("train", "val", "test"))
    grid = np.logspace(-6, 5, 45)
    model = LogisticRegression(warm_start=True, max_iter=1000)
    scores, objectives, begun = [], [], time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for l2 in grid[::-1]:
            model.set_params(C=1 / l2).fit(features[train], labels[train])
            scores.append(model.score(features[val], labels[val]))
            objectives.append((l2, model.coef_.copy(), model.intercept_.copy()))
    path_seconds = time.perf_counter() - begun
    best = grid[::-1][int(np.argmax(scores))]
    final = LogisticRegression(C=1 / best, max_iter=1000).fit(
        features[train | val], labels[train | val]
    )
    return {
        "accuracy": final.score(features[test], labels[test]),
        "seconds": time.perf_counter() - started,
        "images_per_second": len(labels) / extracted,
        "path_seconds": path_seconds,
        "not_converged": sum("converge" in str(w.message) for w in caught),
        "objectives": [
            objective(features[train], labels[train], *fitted) for fitted in objectives[::-1]
        ],
    }


def objective(
    features: np.ndarray, labels: np.ndarray, l2: float, coef: np.ndarray, intercept: np.ndarray
) -> float:
    """``sum_i CE_i + (l2 / 2) ||W||^2`` in float64."""
    logits = features.astype(np.float64) @ coef.T.astype(np.float64) + intercept
    top = logits.max(axis=1, keepdims=True)
    log_sum = top[:, 0] + np.log(np.exp(logits - top).sum(axis=1))
    loss = (log_sum - logits[np.arange(len(labels)), labels]).sum()
    return float(loss + l2 / 2 * (coef.astype(np.float64) ** 2).sum())


SIDES = {"ours": ours, "by hand": by_hand}


def _task(images: Path) -> Any:
    import penultimate as pn

    return pn.Task(source=f"csv:{images / 'split.csv'}", name="digits")


def write_images(folder: Path) -> None:
    """The digits as PNG files in class folders, and their split beside them."""
    from PIL import Image
    from sklearn.datasets import load_digits

    from penultimate.data import load_dataset
    from penultimate.spec import Task

    digits = load_digits()
    for number, (pixels, label) in enumerate(zip(digits.images, digits.target, strict=True)):
        place = folder / str(label)
        place.mkdir(parents=True, exist_ok=True)
        grey = np.round(pixels * 255 / 16).astype(np.uint8)
        Image.fromarray(grey).save(place / f"{number:04}.png")
    dataset = load_dataset(Task(source=f"folder:{folder}"))
    (folder / "split.csv").write_text(dataset.split_csv(), encoding="utf-8")


def one(side: str, images: Path) -> None:
    """One side's job in this process; its figures as JSON on standard output."""
    with tempfile.TemporaryDirectory() as folder:
        figures = SIDES[side](images, Path(folder))
    # Workers of the DataLoader are processes of their own: the largest of them counts too.
    peak = sum(
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(json.dumps({"side": side, **figures, "peak_memory_mib": peak / 1024}))


def main() -> None:
    """Both sides in turn, several times; medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--one", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--images", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        one(arguments.one, arguments.images)
        return
    rows: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    with tempfile.TemporaryDirectory() as folder:
        images = Path(folder)
        write_images(images)
        for _ in range(arguments.runs):
            for side in SIDES:
                command = [sys.executable, __file__, "--one", side, "--images", folder]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
                rows[side].append(json.loads(done.stdout))
                print(side, {k: rows[side][-1].get(k) for k in FIGURES}, flush=True)
    print(f"\n{'median of ' + str(arguments.runs):20}{'ours':>12}{'by hand':>12}{'ratio':>9}")
    for figure in FIGURES:
        mine, other = (statistics.median(row[figure] for row in rows[side]) for side in SIDES)
        print(f"{figure:20}{mine:12.4g}{other:12.4g}{mine / other:9.3f}")
    ends = {side: np.array(rows[side][-1]["objectives"]) for side in SIDES}
    lowest = np.minimum(ends["ours"], ends["by hand"])
    for side, end in ends.items():
        gap = end / lowest - 1
        print(
            f"{side}: objectives above the lower of the two by {gap.max():.1e} at most, "
            f"{np.median(gap):.1e} in the median; {rows[side][-1]['not_converged']} of 45 fits "
            "said not to have converged"
        )


if __name__ == "__main__":
    main()
