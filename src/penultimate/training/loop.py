"""One loop for fine-tuning, training from scratch and pretraining."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from penultimate.errors import SpecError
from penultimate.progress import SILENT, Progress
from penultimate.spec import Recipe
from penultimate.training import checkpoint as checkpoints
from penultimate.training import engine as engines
from penultimate.training.engine import Engine
from penultimate.training.interrupt import Signals
from penultimate.training.run import Figures, Images, Run
from penultimate.training.schedule import check_schedule
from penultimate.training.team import Team

SAVE_SECONDS = 60.0  # between checkpoints
LOOK_EVERY = {"cpu": 1}  # steps between looks at the loss, each of which waits for the device
LOOK_EVERY_OTHER = 16


@dataclass(frozen=True, eq=False)
class Trained:
    """What a training leaves besides the weights.

    Parameters
    ----------
    reason : why it ``diverged``.
    steps : that were taken.
    curve : columns ``step``, ``loss``, ``learning_rate`` and ``images_per_second``.
    final_loss : the mean of the last 100 steps.
    seconds : of all its sessions, checkpoints left out.
    images_per_second : the median over steps.
    peak_memory : bytes; of the device, or of the process on a CPU.
    micro_batch : images that went through the network at a time, on one device.
    """

    status: Literal["finished", "diverged"]
    reason: str
    steps: int
    curve: dict[str, np.ndarray[Any, Any]]
    final_loss: float
    seconds: float
    images_per_second: float
    peak_memory: int | None
    micro_batch: int
    engine: Engine


def train(
    model: nn.Module,
    images: Images,
    recipe: Recipe,
    *,
    seed: int,
    identity: str,
    multi_label: bool = False,
    checkpoint: Path | None = None,
    save_seconds: float = SAVE_SECONDS,
    team: Team | None = None,
    compiled: bool | None = None,
    progress: Progress = SILENT,
    description: str = "training",
    listen: Callable[[Figures], None] | None = None,
    snapshots: Collection[int] = (),
    on_snapshot: Callable[[int, Mapping[str, Tensor]], None] | None = None,
) -> Trained:
    """Train ``model`` in place; afterwards it holds the weights to score and is in ``eval`` mode.

    Those are the moving average where the recipe asks for one. Interrupted at any moment and called
    again with a network that begins the same, it goes on from its checkpoint and ends, on the same
    engine and on a CPU, bit for bit as an undisturbed run.

    Parameters
    ----------
    model : gives logits (N, K), or something with ``main`` and ``auxiliary`` logits.
    seed : of what is drawn in training, such as dropout; the images have their own.
    identity : digest of all that determines the result; a checkpoint is only its own run's.
    multi_label : labels are (N, K) of 1, 0 and -1 (masked), and the loss is one of sigmoids.
    checkpoint : a file that is written every ``save_seconds`` and on SIGTERM; the caller removes
        it when what came of the training is safe.
    team : the processes and the device; this process and the fastest device where not given.
    compiled : whether to run the network compiled; where None, if it is expected to save time.
    listen : is told the figures from time to time.
    snapshots : numbers of steps after which ``on_snapshot`` is given the state to score so far, in
        every process; again after a crash. The tensors change with the next step: copy them.

    Raises
    ------
    SpecError : the recipe does not fit the network, the images or the processes.
    BackboneError, DataError : the network's logits do not fit the labels.
    CheckpointError : the checkpoint belongs to another training.
    DeviceMemoryError : a micro-batch does not fit into memory. A network without batch norm, in a
        single process, is tried again with half of it, which is said.
    Interrupted, KeyboardInterrupt : by SIGTERM or Ctrl-C, after a checkpoint.
    """
    team = team or Team.join()
    check_schedule(recipe)
    check_sizes(recipe, len(images), team.world)
    with ExitStack() as stack:
        stack.enter_context(engines.naming_lack_of_memory(team.device, recipe))
        stack.enter_context(engines.exact_float32())
        stack.enter_context(engines.kept_generators(team.device))
        run = Run(
            model,
            images,
            recipe,
            team,
            multi_label=multi_label,
            seed=seed,
            progress=progress,
            stack=stack,
        )
        state = None
        if checkpoint and team.rank == 0:
            state = checkpoints.load(checkpoint, identity, progress)
        run.begin(team.from_first(state), compiled)
        if team.device.type == "cuda":  # from here on: the trial of an engine does not count
            torch.cuda.reset_peak_memory_stats(team.device)
        signals = stack.enter_context(Signals())
        bar = stack.enter_context(progress.step(description, recipe.steps, "steps"))
        bar.advance(run.done)
        every = LOOK_EVERY.get(team.device.type, LOOK_EVERY_OTHER)
        saved = time.perf_counter()
        for _ in run.steps():
            bar.advance()
            due = time.perf_counter() - saved > save_seconds
            # Processes look at the same steps, since they add up what they see.
            hurry = team.world == 1 and (due or signals.received is not None)
            last = run.done == recipe.steps
            if not (run.done % every == 0 or run.done in snapshots or last or hurry):
                continue
            figures = run.look()
            if run.reason:
                break
            bar.tell(
                f"loss {figures.loss:.4g}, lr {figures.learning_rate:.3g}, "
                f"{figures.images_per_second:,.0f} images/s"
            )
            if listen:
                listen(figures)
            if on_snapshot and run.done in snapshots:
                on_snapshot(run.done, run.to_score())
            stop = team.any(signals.received is not None)
            if checkpoint and team.rank == 0 and (stop or (due and not last)):
                run.save(checkpoint, identity)
                saved = time.perf_counter()
            if stop:
                team.any(True)  # nobody leaves before the checkpoint is written
                kept = "run the same again to go on from there" if checkpoint else "nothing is kept"
                signals.stop(
                    f"{description} was interrupted after {run.done} of {recipe.steps} steps: "
                    f"{kept}"
                )
            run.resume_clock()
        run.end()
    return Trained(
        status="diverged" if run.reason else "finished",
        reason=run.reason,
        steps=len(run.curve),
        curve=run.curve.arrays(),
        final_loss=run.curve.final_loss(),
        seconds=run.seconds,
        images_per_second=float(np.median(run.curve.images_per_second)),
        peak_memory=engines.peak_memory(team.device),
        micro_batch=run.micro_batch,
        engine=run.engine,
    )


def check_sizes(recipe: Recipe, images: int, world: int) -> None:
    """Refuse a batch that the images or the processes cannot make.

    Raises
    ------
    SpecError : it is larger than the training set, or not a multiple of the processes.
    """
    if recipe.batch_size > images:
        raise SpecError(
            f"batch_size {recipe.batch_size} is larger than the training set of {images} images: "
            f"choose one of at most {images}"
        )
    if recipe.batch_size % world:
        raise SpecError(
            f"batch_size {recipe.batch_size} cannot be shared evenly by {world} processes: choose "
            f"a multiple of {world}"
        )
