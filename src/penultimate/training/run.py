"""The state of one training, and the steps it takes."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from penultimate.backbones import synchronised
from penultimate.backbones.device import can_compile
from penultimate.errors import DeviceMemoryError, PenultimateError
from penultimate.progress import Progress
from penultimate.spec import Recipe
from penultimate.training import checkpoint as checkpoints
from penultimate.training import engine as engines
from penultimate.training.averaging import Average
from penultimate.training.batch_norm import (
    check_pieces,
    has_batch_norm,
    pieces,
    renewed,
    smaller_micro_batch,
)
from penultimate.training.curve import Curve, Watchdog
from penultimate.training.engine import Engine
from penultimate.training.optimiser import optimiser, set_learning_rate
from penultimate.training.schedule import learning_rate
from penultimate.training.team import Team
from penultimate.training.update import Batch, Update


class Images(Protocol):
    """The training images, and the batches of each step."""

    def __len__(self) -> int: ...

    def batches(
        self, first: int, last: int, *, micro_batch: int, rank: int = 0, world: int = 1
    ) -> Iterator[Batch]:
        """The micro-batches of steps first, ..., last - 1 that belong to process ``rank``."""


@dataclass(frozen=True)
class Figures:
    """How a training goes at the moment."""

    step: int
    loss: float
    learning_rate: float
    images_per_second: float


class Run:
    """A network, its optimiser, its average and its curve, from one step to the next.

    Parameters
    ----------
    stack : undoes what was changed of the network and of PyTorch's settings.
    """

    def __init__(
        self,
        model: nn.Module,
        images: Images,
        recipe: Recipe,
        team: Team,
        *,
        multi_label: bool,
        seed: int,
        progress: Progress,
        stack: ExitStack,
    ) -> None:
        self.batch_norm = has_batch_norm(model)
        if self.batch_norm:
            check_pieces(recipe, team.world)
            if team.world > 1:
                model = synchronised(model, team.device)
        self.model = model.to(team.device).to(memory_format=torch.channels_last).train()
        stack.callback(self._leave)
        self.images, self.recipe, self.team, self.progress = images, recipe, team, progress
        self.share = recipe.batch_size // team.world
        self.micro_batch = min(recipe.micro_batch or self.share, self.share)
        # What every process begins with is the first one's: before an average is taken of it.
        self.shared = team.share(self.model)
        self.optimiser = optimiser(self.model, recipe)
        self.average = None if recipe.average is None else Average(self.model, recipe.average)
        self.update = Update(
            team=team,
            recipe=recipe,
            momentum=stack.enter_context(renewed(self.model, recipe.batch_norm_momentum)),
            multi_label=multi_label,
            seed=seed,
        )
        self.curve = Curve()
        self.done = 0
        self.seconds = 0.0
        self.reason = ""
        self._begun = 0  # the step that this session begins with
        self._watchdog = Watchdog(recipe.steps)
        self._waiting: list[Tensor] = []  # losses that nobody has looked at
        self._since = 0.0
        self._stack = stack

    # -- where it begins ---------------------------------------------------------------------------

    def begin(self, state: dict[str, Any] | None, compiled: bool | None) -> None:
        """From the first step, or from a checkpoint's state."""
        before = None
        if state is not None:
            before = Engine(**state["engine"])
            self.model.load_state_dict(state["model"])
            self.optimiser.load_state_dict(state["optimiser"])
            if self.average is not None:
                self.average.load(state["average"])
            self.curve = Curve.of(state)
            self.seconds = state["seconds"]
            self.done = self._begun = len(self.curve)
            for step, loss in enumerate(self.curve.loss):
                self._watchdog.take(step, loss)
        if compiled is None:
            compiled = before.compiled if before else self.team.from_first(self._compiling_pays())
        self.engine = Engine(
            device=self.team.device.type,
            precision=self.recipe.precision,
            compiled=compiled and can_compile(self.team.device.type),
            threads=torch.get_num_threads(),
            processes=self.team.world,
            torch=str(torch.__version__),
        )
        if before and before != self.engine:
            self.progress.note(
                f"this training began on another engine ({before.differences(self.engine)}): it "
                "goes on, and its numbers differ by rounding from what they would have been"
            )
        self._compiled = self._stack.enter_context(ExitStack())
        self._compiled.enter_context(engines.compiled(self.model, self.engine.compiled))
        self._buffers = [buffer.clone() for buffer in self.model.buffers()]
        self._since = time.perf_counter()

    def _compiling_pays(self) -> bool:
        device = self.team.device.type
        passes = self.recipe.steps * len(pieces(self.share, self.micro_batch))
        if not can_compile(device) or not engines.may_pay(passes, device):
            return False
        batches = self._batches(0, 1)
        try:
            first = next(batches)
            seconds = engines.seconds_a_pass(
                self.model, lambda model: self.update.loss(model, first), self.team.device
            )
        except torch.OutOfMemoryError:  # the copy was too much, or the first step will say it
            return False
        finally:
            _close(batches)
        return engines.pays(seconds, passes, device)

    # -- its steps ---------------------------------------------------------------------------------

    def steps(self) -> Iterator[None]:
        """Take one step after the other; what happens between them is the caller's."""
        while self.done < self.recipe.steps:
            batches = self._batches(self.done, self.recipe.steps)
            try:
                while self.done < self.recipe.steps:
                    self._step(batches)
                    yield
            except DeviceMemoryError:
                if not self._takes_less():
                    raise
            except Exception as error:  # compilers fail in many ways; the network itself may work
                if not self._goes_eager(error):
                    raise
            finally:
                _close(batches)

    def _batches(self, first: int, last: int) -> Iterator[Batch]:
        return self.images.batches(
            first,
            last,
            micro_batch=self.micro_batch,
            rank=self.team.rank,
            world=self.team.world,
        )

    def _step(self, batches: Iterator[Batch]) -> None:
        rate = learning_rate(self.recipe, self.done)
        set_learning_rate(self.optimiser, rate)
        loss = self.update.gradients(self.shared, self.done, batches, self.micro_batch)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.done += 1
        if self.average is not None:
            self.average.update(self.done)
        self._waiting.append(loss)

    def _takes_less(self) -> bool:
        """After a lack of memory: half of the micro-batch where that changes no numbers."""
        self.optimiser.zero_grad(set_to_none=True)
        size = smaller_micro_batch(self.share, self.micro_batch, batch_norm=False)
        # Other processes wait in this one's sum of gradients: alone it cannot begin anew.
        if self.batch_norm or self.team.world > 1 or size is None:
            return False
        torch.cuda.empty_cache()
        self.progress.note(
            f"micro-batches of {self.micro_batch} images do not fit into the memory of "
            f"{self.team.device}: going on with {size}, which gives the same gradients"
        )
        self.micro_batch = size
        return True

    def _goes_eager(self, error: Exception) -> bool:
        """After a failure in the first step: without compiling, if that was compiled."""
        first = self.done == self._begun
        known = isinstance(error, PenultimateError | torch.OutOfMemoryError)
        if known or not (self.engine.compiled and first):
            return False
        self._compiled.close()
        self.optimiser.zero_grad(set_to_none=True)
        for buffer, before in zip(self.model.buffers(), self._buffers, strict=True):
            buffer.copy_(before)
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        self.progress.note(f"torch.compile failed ({reason[:200]}): going on without it")
        self.engine = replace(self.engine, compiled=False)
        return True

    # -- how it goes -------------------------------------------------------------------------------

    def look(self) -> Figures:
        """Wait for the losses of the steps since the last look; ``reason`` tells if all is lost."""
        losses: list[float] = self.team.sum(torch.stack(self._waiting)).tolist()
        now = time.perf_counter()
        speed = len(losses) * self.recipe.batch_size / max(now - self._since, 1e-9)
        self.seconds += now - self._since
        self._since = now
        self._waiting = []
        for loss in losses:
            step = len(self.curve)
            self.curve.add(loss, learning_rate(self.recipe, step), speed)
            if reason := self._watchdog.take(step, loss):
                self.reason = reason
                break
        return Figures(len(self.curve), self.curve.loss[-1], self.curve.learning_rate[-1], speed)

    def to_score(self) -> Mapping[str, Tensor]:
        """The state of the network as it would be scored now."""
        return self.model.state_dict() if self.average is None else self.average.state

    def save(self, path: Path, identity: str) -> None:
        """Write a checkpoint of the steps that were looked at, which must be all."""
        state = {
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": None if self.average is None else self.average.state,
            "seconds": self.seconds,
            "engine": self.engine.record(),
            **self.curve.state(),
        }
        checkpoints.save(path, identity, state)

    def resume_clock(self) -> None:
        """What was done since the last look was no training."""
        self._since = time.perf_counter()

    def end(self) -> None:
        """Make the network the one to score."""
        if not self.reason and not _finite(self.model):
            self.reason = f"the weights are not finite after step {self.done}"
        if self.average is not None:
            self.average.put_in()

    def _leave(self) -> None:
        self.model.zero_grad(set_to_none=True)
        self.model.to(memory_format=torch.contiguous_format).eval()


def _finite(model: nn.Module) -> bool:
    return all(math.isfinite(float(p.detach().sum())) for p in model.parameters())


def _close(batches: Iterator[Batch]) -> None:
    close = getattr(batches, "close", None)
    if close:
        close()
