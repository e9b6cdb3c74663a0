"""Batch norm where a batch goes through the network in several pieces.

With k micro-batches an update, running statistics are renewed k times; to forget as fast as with
one batch of momentum m, each of them has momentum ``1 - (1 - m)^(1/k)``. Where the last piece is
smaller it counts for less: the exponent is the piece's share of the batch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from penultimate.errors import SpecError
from penultimate.spec import Recipe


def batch_norms(model: nn.Module) -> list[_BatchNorm]:
    """Every batch norm of a network."""
    return [module for module in model.modules() if isinstance(module, _BatchNorm)]


def has_batch_norm(model: nn.Module) -> bool:
    """Whether the micro-batch changes the numbers of a network."""
    return bool(batch_norms(model))


def momentum_of_share(momentum: float, share: float) -> float:
    """What one piece's momentum is, for the memory to be that of ``momentum`` a whole batch."""
    return momentum if share == 1 else 1 - (1 - momentum) ** share


class Momentum:
    """The momentum of all batch norms, piece by piece; see ``renewed``."""

    def __init__(self, model: nn.Module, momentum: float | None) -> None:
        self._own = [(norm, norm.momentum) for norm in batch_norms(model)]
        self._momentum = momentum

    def share(self, share: float) -> None:
        """The next piece is this share of the batch, of all processes together."""
        for norm, own in self._own:
            momentum = own if self._momentum is None else self._momentum
            if momentum is not None:  # without one, torch takes the mean of all batches so far
                norm.momentum = momentum_of_share(momentum, share)

    def restore(self) -> None:
        """As the network had it."""
        for norm, own in self._own:
            norm.momentum = own


@contextmanager
def renewed(model: nn.Module, momentum: float | None) -> Iterator[Momentum]:
    """While a network is trained, batch norms have this momentum, or their own where None."""
    momenta = Momentum(model, momentum)
    try:
        yield momenta
    finally:
        momenta.restore()


def pieces(images: int, micro_batch: int) -> list[int]:
    """The sizes of the micro-batches that ``images`` images make; the last may be smaller."""
    whole, rest = divmod(images, micro_batch)
    return [micro_batch] * whole + ([rest] if rest else [])


def check_pieces(recipe: Recipe, world: int) -> None:
    """Refuse micro-batches of one: their variance is 0 and batch norm learns nothing from it.

    Parameters
    ----------
    world : processes that share a batch; their batch norms see each other's images.

    Raises
    ------
    SpecError : a micro-batch would be of one image.
    """
    share = recipe.batch_size // world
    micro_batch = min(recipe.micro_batch or share, share)
    if min(pieces(share, micro_batch)) * world == 1:
        what = f"batches of {recipe.batch_size} images"
        if micro_batch < share:
            what += f" in micro-batches of {micro_batch}"
        raise SpecError(
            f"{what} leave a single image for the network's batch norm, which needs at least two: "
            "choose another batch_size or micro_batch"
        )


def smaller_micro_batch(batch_size: int, micro_batch: int, *, batch_norm: bool) -> int | None:
    """About half of a micro-batch that did not fit into memory; None where there is none.

    No piece of the batch is a single image where there is batch norm.
    """
    for size in range(math.ceil(micro_batch / 2), 0, -1):
        if size < micro_batch and not (batch_norm and min(pieces(batch_size, size)) == 1):
            return size
    return None
