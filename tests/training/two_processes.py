"""What torchrun starts in the tests: the same training, shared by however many processes."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import torch
from tiny_training import ArrayImages, network, pictures, recipe

from penultimate.errors import PenultimateError
from penultimate.progress import SILENT
from penultimate.training import Team, train
from penultimate.training.checkpoint import load


def main(folder: Path, case: str) -> None:
    """Train and keep what each process ends with."""
    torch.set_num_threads(1)
    warnings.simplefilter("error")
    team = Team.join("cpu")
    model = network(batch_norm=case == "batch norm", seed=team.rank)  # the first one's counts
    plan = recipe(
        steps=12,
        batch_size=13 if case == "uneven" else 12,
        micro_batch=2 if case == "pieces" else None,
        average=0.9,
        weight_decay=0.01,
    )
    checkpoint = folder / "checkpoint.pt" if case == "checkpoint" else None
    try:
        done = train(
            model,
            ArrayImages(*pictures(), plan.batch_size),
            plan,
            seed=0,
            identity="shared",
            team=team,
            compiled=False,
            checkpoint=checkpoint,
            save_seconds=0.0,
        )
    except PenultimateError as error:
        (folder / f"{case} {team.rank}.txt").write_text(str(error))
        return
    if checkpoint and team.rank == 0:
        state = load(checkpoint, "shared", SILENT)
        assert state is not None and len(state["curve"][0]) == 11
    torch.save(
        {"model": model.state_dict(), "loss": torch.from_numpy(done.curve["loss"])},
        folder / f"{case} {team.rank}.pt",
    )


if __name__ == "__main__":
    for name in sys.argv[2:]:
        main(Path(sys.argv[1]), name)
