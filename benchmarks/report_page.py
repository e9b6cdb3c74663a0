"""How long the report of a whole study takes: 16 networks, 12 data sets, 3 settings.

    python benchmarks/report_page.py --runs 3          about 4 minutes on one core
    python benchmarks/report_page.py --keep DIR        leaves the store and the page in DIR

The store is made up, of the sizes of the paper's data sets: 576 runs, 4.9 million predictions, and
the record and curve of every training. The first page has every test to do; the second finds them
beside the runs. Peer: reading the same files once, ``result.json`` by ``json`` and predictions by
pandas, which no page can do without. Quality beside speed: the size of the page, and that both
pages are the same.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # stores without networks

from builders import FakeStudy, FakeTask
from penultimate.report import write_report
from penultimate.spec import Recipe
from penultimate.store import Provenance, ResultStore, Training, TrainingRecord

# Test images and classes; measures as in the paper's Table 1.
SETS: dict[str, tuple[int, int, str]] = {
    "food101": (25_250, 101, "top-1"),
    "cifar10": (10_000, 10, "top-1"),
    "cifar100": (10_000, 100, "top-1"),
    "birdsnap": (2_443, 500, "top-1"),
    "sun397": (19_850, 397, "top-1"),
    "cars": (8_041, 196, "top-1"),
    "aircraft": (3_333, 100, "mean-per-class"),
    "voc2007": (4_952, 20, "mean-average-precision"),
    "dtd": (1_880, 47, "top-1"),
    "pets": (3_669, 37, "mean-per-class"),
    "caltech101": (6_084, 102, "mean-per-class"),
    "flowers102": (6_149, 102, "mean-per-class"),
}
METHODS = ("linear-probe", "fine-tune", "from-scratch")
NETWORKS = 16


def make_store(folder: Path) -> ResultStore:
    """The whole grid; networks of neighbouring accuracy are hard to tell apart, as in the paper."""
    networks = {f"network_{i:02}_of_sixteen@pretrained": 0.4 + 0.05 * i for i in range(NETWORKS)}
    tasks = {
        name: FakeTask(
            classes=[f"{name} class {i}" for i in range(classes)],
            n_test=n,
            hardness=0.3 * (i % 3) - 0.6,
            measure=measure,
        )
        for i, (name, (n, classes, measure)) in enumerate(SETS.items())
    }
    imagenet = {name: 0.69 + 0.0075 * i for i, name in enumerate(networks)}
    study = FakeStudy(
        networks,
        tasks,
        methods=METHODS,
        gains={"fine-tune": 0.3, "from-scratch": -0.1},
        imagenet=imagenet,
    )
    store = study.commit(ResultStore(folder))
    for result in store.results():
        for candidate in result.selection:
            if candidate.training:
                _add_training(store, candidate.training, result.provenance)
    return store


def _add_training(store: ResultStore, digest: str, provenance: Provenance) -> None:
    """Written as it stands: its digest is made up, and ``commit`` would refuse it."""
    steps = np.arange(1, 201)
    curve = pd.DataFrame({"loss": 4 * np.exp(-steps / 60) + 0.2, "learning_rate": 0.01})
    folder = store.root / "trainings" / digest
    folder.mkdir(parents=True, exist_ok=True)
    curve.to_parquet(folder / "curve.parquet", index=False)
    training = Training(
        data="d",
        parts=("train",),
        measure="top-1",
        weights="w",
        preprocessing="p",
        recipe=Recipe(steps=200, batch_size=32, learning_rate=0.01),
        seed=0,
        version=1,
    )
    record = TrainingRecord(
        digest=digest,
        training=training,
        status="finished",
        steps=200,
        seconds=30.0,
        provenance=provenance,
    )
    (folder / "record.json").write_text(record.model_dump_json())


def read_plainly(store: ResultStore) -> float:
    """Seconds to read each file that a page is made of."""
    started = time.perf_counter()
    for path in store.root.glob("runs/*/result.json"):
        record = json.loads(path.read_text())
        pd.read_parquet(store.root / record["artefacts"]["predictions"])
    return time.perf_counter() - started


def timed_page(store: ResultStore, output: Path) -> float:
    started = time.perf_counter()
    write_report(ResultStore(store.root), output)
    return time.perf_counter() - started


def measure(store: ResultStore, folder: Path) -> dict[str, float]:
    """One round, from a store whose derived files are gone."""
    for derived in ("index.parquet", "pair-tests.parquet"):
        (store.root / derived).unlink(missing_ok=True)
    first = timed_page(store, folder / "first.html")
    second = timed_page(store, folder / "second.html")
    plain = read_plainly(store)
    page = (folder / "first.html").read_bytes()
    return {
        "first, s": first,
        "second, s": second,
        "plain reading, s": plain,
        "first / plain": first / plain,
        "second / plain": second / plain,
        "MB": len(page) / 1e6,
        "same": float(page == (folder / "second.html").read_bytes()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="a new folder to leave the store in")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        new = not (folder / "store").exists()
        store = make_store(folder / "store") if new else ResultStore(folder / "store")
        rounds = [measure(store, folder) for _ in range(options.runs)]
    for name in rounds[0]:
        values = [found[name] for found in rounds]
        print(f"{name:20} {statistics.median(values):8.2f}   of {np.round(values, 2).tolist()}")


if __name__ == "__main__":
    main()
