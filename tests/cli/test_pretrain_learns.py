"""A short pretraining with every switch turned learns, and its features beat random ones.

Ten times chance with each switch on and off takes minutes: benchmarks/pretrain_switches.py.
"""

from __future__ import annotations

import json
import os

import pytest
from commands import in_shell

NETWORK = "paper:inception_v1"
SWITCHES = ",label_smoothing=0.1,dropout=0.2,auxiliary_head=on,batch_norm_scale=off"
CHANCE = 1 / 62


@pytest.mark.slow
def test_a_network_learns_and_its_features_beat_its_random_ones(tmp_path):
    def rows(*arguments: object) -> list[dict]:
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        outcome = in_shell(*arguments, "--json", "--quiet", cwd=tmp_path, env=environment)
        assert outcome.code == 0, outcome.err
        return json.loads(outcome.out)

    trained = rows(
        *("pretrain", NETWORK + SWITCHES, "--data", "glyphs", "--preset", "quick"),
        *("--image-size", 32, "--batch-size", 16, "--steps", 360, "--learning-rate", 0.004),
        *("--set", "flip=off", "--set", "crop_scale=0.7,1", "--checkpoint-every", 180),
        *("-o", "trained"),
    )
    half, final = (row["scores"][-1]["top1"] for row in trained)
    assert final > half
    assert final > 3 * CHANCE
    probes = rows(
        *("run", "--data", "digits", "--image-size", 32, "--backbone", f"{NETWORK}@random"),
        *(part for row in trained for part in ("--backbone", row["backbone"])),
        *("--method", "linear-probe", "--set", "l2_min=0.01", "--set", "l2_points=6"),
    )
    score = {row["backbone"]: row["score"] for row in probes}
    random = score[f"{NETWORK}@random"]
    for row in trained:
        assert score[row["backbone"]] > random + 0.2, (score, trained)
