"""A trained network as a file: its weights, and what is needed to build it again without others."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from penultimate.backbones import TrainableNetwork, random_form, trainable
from penultimate.errors import StoreError
from penultimate.io import write_atomic
from penultimate.spec import Backbone

CARD = "penultimate"


@dataclass(frozen=True)
class NetworkCard:
    """What a file says of the network in it.

    Parameters
    ----------
    backbone : its random form, which needs no weights to be built.
    regularisation : that it was trained with: ``off`` leaves out auxiliary heads.
    """

    backbone: Backbone
    classes: tuple[str, ...]
    regularisation: Literal["as-pretrained", "off"]
    multi_label: bool

    @classmethod
    def of(cls, backbone: Backbone, **settings: Any) -> Self:
        """Of a network that was built from ``backbone``."""
        return cls(backbone=random_form(backbone), **settings)

    def build(self) -> TrainableNetwork:
        """The network with random weights."""
        return trainable(
            self.backbone,
            classes=len(self.classes),
            random=True,
            regularisation=self.regularisation,
        )


def save_network(module: nn.Module, card: NetworkCard, path: Path) -> None:
    """Write a network as safetensors, its card in the metadata.

    Raises
    ------
    StoreError : the disk is full or cannot be written.
    """
    from safetensors.torch import save

    # Copies of their own: the file format has no two names for one piece of memory.
    state = {
        name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, value in module.state_dict().items()
    }
    said = {
        "backbone": card.backbone.model_dump(mode="json", exclude_defaults=True),
        "classes": card.classes,
        "regularisation": card.regularisation,
        "multi_label": card.multi_label,
    }
    # Under one key: the format writes several in any order, and equal networks have equal files.
    write_atomic(path, save(state, metadata={CARD: json.dumps(said)}))


def read_card(path: Path) -> NetworkCard:
    """What the file says of its network.

    Raises
    ------
    StoreError : the file is damaged or is no trained network.
    """
    try:
        with safe_open(path, framework="pt") as file:
            said = json.loads(file.metadata()[CARD])
        kept = said["regularisation"]
        if kept not in ("as-pretrained", "off"):
            raise ValueError(f"regularisation is {kept!r}")
        return NetworkCard(
            backbone=Backbone.model_validate(said["backbone"]),
            classes=tuple(said["classes"]),
            regularisation=kept,
            multi_label=bool(said["multi_label"]),
        )
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise _damaged(path, error) from None


def load_network(module: nn.Module, path: Path) -> None:
    """Give a network of the same structure the weights in a file.

    Raises
    ------
    StoreError : the file is damaged or of another network.
    """
    try:
        with safe_open(path, framework="pt") as file:
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        module.load_state_dict(state)
    except (SafetensorError, OSError, RuntimeError) as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> StoreError:
    reason = next(iter(str(error).splitlines()), type(error).__name__)
    return StoreError(
        f"{path} is not the trained network of this run ({reason}): delete its folder and that of "
        "the run, and run the study again"
    )
