"""Who made a result: versions, hardware, engine."""

from __future__ import annotations

import importlib.metadata
import platform
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import torch

from penultimate.store import Provenance

PACKAGES = ("penultimate", "torch", "timm", "numpy", "scipy", "pandas", "pillow", "safetensors")


def provenance(engine: dict[str, Any], command: str) -> Provenance:
    """What stands beside every result."""
    return Provenance(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        python=platform.python_version(),
        packages=dict(_versions()),
        platform=platform.platform(),
        processor=_processor(),
        threads=torch.get_num_threads(),
        device=_device(str(engine.get("device", "cpu"))),
        engine=engine,
        command=command,
    )


@cache
def _versions() -> dict[str, str]:
    """Of the packages that numbers depend on; read once, since a study can have many quick runs."""
    return {name: importlib.metadata.version(name) for name in PACKAGES}


def _device(device: str) -> str:
    return torch.cuda.get_device_name() if device == "cuda" else device


@cache
def _processor() -> str:
    """The processor's name as people know it; the architecture where that cannot be found."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
