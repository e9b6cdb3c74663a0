"""Each switch of the paper's on and off: does a network learn, and do its features transfer?

A network is trained on ``glyphs`` by ``penultimate pretrain``, once with all switches off (the
scale of batch norm is on, as the paper has it), once for each switch, and once with all of them.
Then ``penultimate run`` probes every backbone file, and the same network with random weights, on
``digits``::

    OMP_NUM_THREADS=1 python benchmarks/pretrain_switches.py work -o results.json

Some 2 minutes a training on one core of 2.5 GHz. Interrupted, it goes on when it is run again.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

NETWORK = "paper:inception_v1"
SIZE, CLASSES = 32, 62
SETTINGS = {
    "all off": "",
    "label smoothing": ",label_smoothing=0.1",
    "dropout": ",dropout=0.2",
    "auxiliary head": ",auxiliary_head=on",
    "scale off": ",batch_norm_scale=off",
    "all switched": ",label_smoothing=0.1,dropout=0.2,auxiliary_head=on,batch_norm_scale=off",
}
TRAINING = (
    *("--data", "glyphs", "--preset", "quick", "--image-size", SIZE),
    *("--batch-size", 16, "--learning-rate", 0.004),
    *("--set", "flip=off", "--set", "crop_scale=0.7,1"),
)
PROBE = ("--set", "l2_min=0.001", "--set", "l2_points=9")  # of 45 down to 1e-6: a tenth of the time


def penultimate(*arguments: object) -> list[dict]:
    """What a command prints as JSON."""
    command = [str(Path(sys.executable).parent / "penultimate"), *map(str, arguments), "--json"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def main() -> None:
    """Train, probe, write down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    args = (*TRAINING, "--steps", asked.steps, "--checkpoint-every", asked.steps // 2)
    trained = {}
    for name, switches in SETTINGS.items():
        trained[name] = penultimate(
            *("pretrain", NETWORK + switches, *args, "--seed", asked.seed),
            *("-o", asked.work / name.replace(" ", "-"), "--cache", asked.work / "cache"),
        )
        best = max(trained[name], key=lambda row: row["step"])["scores"][-1]["top1"]
        print(f"{name}: {100 * best:.1f} % of test, {best * CLASSES:.0f} times chance", flush=True)
    backbones = [row["backbone"] for rows in trained.values() for row in rows]
    probes = penultimate(
        *("run", "--data", "digits", "--image-size", SIZE),
        *("--method", "linear-probe", *PROBE),
        *("--store", asked.work / "store", "--backbone", f"{NETWORK}@random"),
        *(part for backbone in backbones for part in ("--backbone", backbone)),
    )
    scores = {row["backbone"]: row["score"] for row in probes}
    rows = [
        {
            "switches": name,
            "step": row["step"],
            "val": row["scores"][0]["top1"],
            "test": row["scores"][-1]["top1"],
            "times_chance": row["scores"][-1]["top1"] * CLASSES,
            "seconds": row["seconds"],
            "probe": scores[row["backbone"]],
        }
        for name, found in trained.items()
        for row in found
    ]
    record = {
        "date": datetime.now(UTC).date().isoformat(),
        "platform": platform.platform(),
        "network": NETWORK,
        "training": [str(part) for part in args],
        "seed": asked.seed,
        "random": scores[f"{NETWORK}@random"],
        "rows": rows,
    }
    asked.output.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
