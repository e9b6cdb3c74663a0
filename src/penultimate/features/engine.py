"""What computes: a device, a batch size, eager or compiled. Fixed when an extraction begins.

Engines agree to rounding (about 1e-5 of the largest feature), not bit for bit; an interrupted
extraction therefore goes on with the engine that began it. Engine and batch size are provenance,
not identity.
"""

from __future__ import annotations

import logging
import math
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from penultimate.backbones.device import best_device, can_compile
from penultimate.errors import BackboneError, DeviceMemoryError, SpecError
from penultimate.features.images import normalise
from penultimate.progress import SILENT, Progress
from penultimate.spec import Preprocessing

# Small batches stay in the processor's cache: on two cores, EfficientNet-Lite 0 runs 1.5 to 2 times
# as many images a second at 8 as at 32. A GPU wants enough to fill it.
BATCH = {"cpu": 8, "cuda": 64, "mps": 32}
COMPILE_SECONDS = 20.0  # what compiling costs: 6 to 12 s for most networks, 30 s for Inception v3
COMPILE_SPEEDUP = 1.5  # on CPU: 1.2 (ResNet-50) to 2.4 (EfficientNet-Lite 0) times as fast as eager


@dataclass(frozen=True)
class Engine:
    """How features are computed; stands in the cache's manifest."""

    device: str
    batch_size: int
    compiled: bool
    precision: str
    threads: int
    torch: str

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    def usable(self) -> bool:
        """Whether this machine can go on with it, for the same numbers."""
        return (
            self.torch == torch.__version__
            and (not self.compiled or can_compile(self.device))
            and (self.device == "cpu" or self.device == best_device())
            and (self.device != "cpu" or self.threads == torch.get_num_threads())
        )


def usable_device(device: str | None) -> str:
    """``device``, or the fastest that is there.

    Raises
    ------
    SpecError : this machine has no such device.
    """
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if device is not None and not there.get(device, False):
        raise SpecError(
            f"there is no device {device!r} that PyTorch can use here: leave it out to compute on "
            f"the fastest that is there, {best_device()!r}"
        )
    return device or best_device()


def eager(precision: str, device: str | None = None) -> Engine:
    """PyTorch as it is, on the fastest device or on ``device``."""
    device = usable_device(device)
    return Engine(
        device=device,
        batch_size=BATCH[device],
        compiled=False,
        precision=precision,
        threads=torch.get_num_threads(),
        torch=torch.__version__,
    )


def choose(
    module: nn.Module,
    sample: Tensor,
    preprocessing: Preprocessing | str,
    images: int,
    *,
    precision: str,
    device: str | None = None,
    progress: Progress = SILENT,
) -> Engine:
    """The engine that finishes ``images`` images soonest, with batches that fit into its memory.

    Parameters
    ----------
    sample : one prepared image (3, S, S), to measure the eager network with.

    Raises
    ------
    DeviceMemoryError : not even one image fits.
    """
    engine = eager(precision, device)
    while True:
        try:
            seconds = _seconds_a_batch(network(module, preprocessing, engine), sample, engine)
            break
        except DeviceMemoryError:
            if engine.batch_size == 1:
                raise
            engine = replace(engine, batch_size=engine.batch_size // 2)
            progress.note(
                f"the memory of {engine.device} is short: going on with batches of "
                f"{engine.batch_size}"
            )
    if not can_compile(engine.device):
        return engine
    whole = seconds * math.ceil(images / engine.batch_size)
    if whole * (1 - 1 / COMPILE_SPEEDUP) < COMPILE_SECONDS:
        return engine
    return replace(engine, compiled=True)


def network(
    module: nn.Module, preprocessing: Preprocessing | str, engine: Engine
) -> Callable[[Tensor], Tensor]:
    """The function from a batch of pixels on the CPU to float32 features (N, D) on the CPU.

    Raises
    ------
    BackboneError : the network does not give (N, D), or memory does not suffice.
    """
    # Eager convolutions are faster with channels last; inductor lays out memory by itself.
    layout = torch.contiguous_format if engine.compiled else torch.channels_last
    module.to(engine.device)
    module.to(memory_format=layout)
    forward = _compiled(module) if engine.compiled else module
    dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16}[engine.precision]

    def run(pixels: Tensor) -> Tensor:
        images = normalise(pixels.to(engine.device), preprocessing).contiguous(memory_format=layout)
        with (
            torch.inference_mode(),
            _full_float32(),
            torch.autocast(engine.device, dtype, enabled=engine.precision != "float32"),
        ):
            try:
                features = forward(images)
            except torch.OutOfMemoryError as error:
                raise DeviceMemoryError(
                    f"{len(images)} images of {tuple(images.shape[1:])} do not fit into the memory "
                    f"of {engine.device}: free it, or use a smaller image_size"
                ) from error
            except Exception as error:  # networks fail in many ways, and compilers in more
                if engine.compiled:
                    raise
                reason = next(iter(str(error).splitlines()), "")
                raise BackboneError(
                    f"the network fails on {len(images)} images of {tuple(images.shape[1:])} "
                    f"({type(error).__name__}: {reason[:200]}): check that it takes this size"
                ) from error
        if not isinstance(features, Tensor) or features.ndim != 2:
            shape = tuple(features.shape) if isinstance(features, Tensor) else type(features)
            raise BackboneError(
                f"the network gives {shape} where features (N, D) are needed: pool or flatten them"
            )
        return features.float().cpu()

    return run


@dataclass(frozen=True, eq=False)
class Running:
    """A network on its engine, warmed up: ``run`` gives features (N, width)."""

    engine: Engine
    run: Callable[[Tensor], Tensor]
    width: int


def ready(
    module: nn.Module,
    sample: Tensor,
    preprocessing: Preprocessing | str,
    engine: Engine,
    progress: Progress,
) -> Running:
    """Run once on a batch of ``sample``, which is when a compiled network is compiled.

    Where compiling fails, that is said and the network runs eager.
    """
    batch = sample.unsqueeze(0).repeat(engine.batch_size, 1, 1, 1)
    run = network(module, preprocessing, engine)
    try:
        return Running(engine, run, run(batch).shape[1])
    except BackboneError:
        raise
    except Exception as error:  # compilers fail in many ways; the network itself still works
        if not engine.compiled:
            raise
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        progress.note(f"torch.compile failed ({reason[:200]}): going on without it")
        engine = replace(engine, compiled=False)
        run = network(module, preprocessing, engine)
        return Running(engine, run, run(batch).shape[1])


def _compiled(module: nn.Module) -> Callable[[Tensor], Tensor]:
    """Inductor with frozen weights: batch norms fold into convolutions, layouts are chosen."""
    # Importing the compiler tells of a missing CUDA toolkit, which a CPU does not need.
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)
    from torch._inductor import config

    compiled = torch.compile(module, dynamic=False)

    def run(images: Tensor) -> Tensor:
        with config.patch(freezing=True), warnings.catch_warnings():
            # Compiling warns of things that neither a user nor we can change.
            warnings.simplefilter("ignore")
            features: Tensor = compiled(images)
        return features

    return run


def _full_float32() -> Any:
    """float32 means float32: no TF32 in convolutions on CUDA."""
    return torch.backends.cudnn.flags(
        enabled=torch.backends.cudnn.enabled, benchmark=False, allow_tf32=False
    )


def _seconds_a_batch(
    run: Callable[[Tensor], Tensor], sample: Tensor, engine: Engine, times: int = 3
) -> float:
    """The quickest of a few batches: the first ones pay for memory and caches."""
    batch = sample.unsqueeze(0).repeat(engine.batch_size, 1, 1, 1)
    run(batch)
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        run(batch)
        seconds.append(time.perf_counter() - start)
    return min(seconds)
