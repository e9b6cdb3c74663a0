"""Features of a few images, without a cache."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from penultimate.backbones import ResolvedBackbone
from penultimate.errors import BackboneError
from penultimate.features.engine import eager, network


def features_of(
    backbone: ResolvedBackbone, pixels: list[Tensor], *, device: str | None = None
) -> NDArray[np.float32]:
    """Features (n, D) of images prepared by ``pixels_of``, in order.

    Raises
    ------
    BackboneError : the network does not give (N, D), or memory does not suffice.
    """
    if backbone.module is None:
        raise BackboneError(f"{backbone.spec.display} has no network to run")
    engine = eager(backbone.spec.precision, device)
    run = network(backbone.module, backbone.preprocessing, engine)
    chunks = [
        run(torch.stack(pixels[start : start + engine.batch_size]))
        for start in range(0, len(pixels), engine.batch_size)
    ]
    return torch.cat(chunks).numpy()
