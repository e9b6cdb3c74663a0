"""A training to be killed: in a process of its own, slowly, with a checkpoint every moment."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from tiny_training import ArrayBatch, ArrayImages, network, pictures, recipe
from torch import nn

from penultimate.training import Team, Trained, train

STEPS = 120


class Slow(ArrayImages):
    """Takes its time, so that a kill finds a step under way."""

    def batches(self, *span: int, **settings: Any) -> Iterator[ArrayBatch]:
        for batch in super().batches(*span, **settings):
            time.sleep(0.004)
            yield batch


def run(
    checkpoint: Path, *, slowly: bool = False, identity: str = "one"
) -> tuple[nn.Module, Trained]:
    """Batch norm, dropout, pieces and an average: all that has a state of its own."""
    model = network(batch_norm=True, dropout=0.3)
    plan = recipe(steps=STEPS, micro_batch=5, average=0.95, weight_decay=1e-3, warmup_steps=9)
    images = (Slow if slowly else ArrayImages)(*pictures(), plan.batch_size)
    done = train(
        model,
        images,
        plan,
        seed=7,
        identity=identity,
        checkpoint=checkpoint,
        save_seconds=0.02 if slowly else 60.0,
        team=Team.join("cpu"),
        compiled=False,
    )
    return model, done


if __name__ == "__main__":
    torch.set_num_threads(1)
    model, done = run(Path(sys.argv[1]), slowly=True)
    torch.save(
        {"model": model.state_dict(), "loss": torch.from_numpy(done.curve["loss"])}, sys.argv[2]
    )
