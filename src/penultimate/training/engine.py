"""What computes a training: device, precision, eager or compiled. Fixed when it begins.

Engines agree to rounding, and training makes rounding grow; a training that goes on from a
checkpoint therefore goes on with the engine that began it, where this machine has it.
"""

from __future__ import annotations

import copy
import os
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from penultimate.errors import DeviceMemoryError
from penultimate.spec import Recipe

# What compiling forward and backward costs and brings where it is chosen by itself: guesses that no
# GPU has confirmed. A CPU is not among them: 200 s for no gain (docs/decisions/training-loop.md).
COMPILE_SECONDS = {"cuda": 60.0}
COMPILE_SPEEDUP = {"cuda": 1.2}


@dataclass(frozen=True)
class Engine:
    """How a training is computed; provenance, and kept in its checkpoint."""

    device: str
    precision: str
    compiled: bool
    threads: int
    processes: int
    torch: str

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    def differences(self, other: Engine) -> str:
        """What is not the same in ``other``, for people."""
        mine, others = self.record(), other.record()
        return ", ".join(f"{k} {v} and now {others[k]}" for k, v in mine.items() if v != others[k])


def may_pay(passes: int, device: str) -> bool:
    """Whether it is worth finding out how long a pass takes."""
    return device in COMPILE_SECONDS and passes >= 100


def pays(seconds_a_pass: float, passes: int, device: str) -> bool:
    """Whether compiling is expected to save more than it costs."""
    saved = seconds_a_pass * passes * (1 - 1 / COMPILE_SPEEDUP[device])
    return saved > COMPILE_SECONDS[device]


def seconds_a_pass(
    model: nn.Module, one: Callable[[nn.Module], Tensor], device: torch.device, times: int = 2
) -> float:
    """The quicker of a few passes forward and backward, on a copy of the network.

    Parameters
    ----------
    one : the loss of one micro-batch, by the network it is given.
    """
    trial = copy.deepcopy(model).train()
    seconds = []
    for _ in range(times + 1):  # the first pays for memory and caches
        start = time.perf_counter()
        torch.autograd.backward(one(trial))
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])


@contextmanager
def compiled(model: nn.Module, wanted: bool) -> Iterator[None]:
    """Within it, calling the network runs its compiled form; it is the same object."""
    if not wanted:
        yield
        return
    before = model._compiled_call_impl
    model.compile(dynamic=False)
    try:
        with warnings.catch_warnings():
            # Compiling warns of things that neither a user nor we can change.
            warnings.simplefilter("ignore")
            yield
    finally:
        model._compiled_call_impl = before


@contextmanager
def exact_float32() -> Iterator[None]:
    """float32 means float32: no TF32 on CUDA. cuDNN may look for its fastest algorithm."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.backends.cudnn.flags(
            enabled=torch.backends.cudnn.enabled, benchmark=True, allow_tf32=False
        ):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


@contextmanager
def kept_generators(device: torch.device) -> Iterator[None]:
    """Leave the caller's random numbers as they were; each micro-batch sets its own seed."""
    cuda = device.type == "cuda"
    before, on_device = torch.get_rng_state(), torch.cuda.get_rng_state(device) if cuda else None
    try:
        yield
    finally:
        torch.set_rng_state(before)
        if on_device is not None:
            torch.cuda.set_rng_state(on_device, device)


@contextmanager
def naming_lack_of_memory(device: torch.device, recipe: Recipe) -> Iterator[None]:
    """Turn what no smaller step can mend into a sentence with the remedy."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise DeviceMemoryError(
            f"the network, its gradients and its optimiser do not fit into the memory of {device} "
            f"beside batches of {recipe.micro_batch or recipe.batch_size}: free it, choose a "
            "smaller micro_batch, or a smaller network"
        ) from error


def autocast(device: str, precision: str) -> torch.autocast:
    """Convolutions and products in bfloat16 where asked for; weights stay float32."""
    return torch.autocast(device, torch.bfloat16, enabled=precision == "bfloat16")


def peak_memory(device: torch.device) -> int | None:
    """Bytes: of the CUDA device since the last reset, or of this process since it began."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if os.uname().sysname == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
