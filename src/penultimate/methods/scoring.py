"""What a trained network makes of images: scores, and the loss that goes with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import nn

    from penultimate.methods.outcome import View
    from penultimate.spec import Preprocessing
    from penultimate.training.pixels import PixelCache

BATCH = {"cpu": 32, "cuda": 128, "mps": 64}


def network_scores(
    module: nn.Module,
    pixels: PixelCache,
    rows: NDArray[np.int64],
    preprocessing: Preprocessing,
    view: View,
    *,
    multi_label: bool,
    precision: str = "float32",
    device: str = "cpu",
    workers: int | None = None,
) -> NDArray[np.float64]:
    """What measures look at (n, K), of the examples ``rows`` in their order.

    As ``Probe.scores``: log odds of each class where an image can have several, else log
    probabilities. The module is left in the mode it was in.
    """
    import torch

    from penultimate.training.engine import autocast, exact_float32
    from penultimate.training.views import views

    kind = torch.device(device).type
    module = module.to(device)
    training = module.training
    module.eval()
    logits = []
    try:
        with torch.inference_mode(), exact_float32():
            for images in views(
                pixels,
                rows,
                preprocessing,
                view,
                batch_size=BATCH[kind],
                device=device,
                workers=workers,
            ):
                with autocast(kind, precision):
                    logits.append(module(images).float().cpu().numpy())
    finally:
        module.train(training)
    found = np.concatenate(logits).astype(np.float64)
    return found if multi_label else log_softmax(found)


def log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log probabilities (n, K) of logits (n, K)."""
    logits = logits - logits.max(axis=1, keepdims=True)
    found: NDArray[np.float64] = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return found


def mean_loss(labels: NDArray[np.integer[Any]], scores: NDArray[np.float64]) -> float:
    """Mean cross-entropy, nats: over examples, or over the pairs that are not masked.

    NaN where there is none.

    Parameters
    ----------
    labels : (n,), or (n, K) of 1, 0 and -1 (masked).
    scores : (n, K) log probabilities, or log odds where labels are (n, K).
    """
    if len(labels) == 0:
        return float("nan")
    if labels.ndim == 1:
        return float(-scores[np.arange(len(labels)), labels].mean())
    asked = labels >= 0
    wrong_way = np.where(labels == 1, -scores, scores)[asked]
    return float(np.logaddexp(0, wrong_way).mean()) if asked.any() else float("nan")
