"""What a network can be run on here."""

from __future__ import annotations

import importlib.util
import os
import shutil

import torch


def best_device() -> str:
    """``cuda``, ``mps`` or ``cpu``: the fastest that is there."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def can_compile(device: str) -> bool:
    """Whether ``torch.compile`` has what it needs here: a C++ compiler, or Triton on CUDA."""
    if device == "cpu":
        return any(shutil.which(name) for name in (os.environ.get("CXX", "c++"), "g++", "clang++"))
    return device == "cuda" and importlib.util.find_spec("triton") is not None
