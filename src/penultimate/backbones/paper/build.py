"""Build any of the sixteen from its name, its switches and a seed."""

from __future__ import annotations

from typing import Any

import timm
import torch
from torch import nn

from penultimate.backbones.paper.auxiliary import build_heads
from penultimate.backbones.paper.cards import PREFIX, Card
from penultimate.backbones.paper.network import PaperNetwork
from penultimate.backbones.paper.switches import card_of, checked


def build_paper(
    name: str,
    *,
    seed: int,
    num_classes: int = 1000,
    batch_norm_scale: bool = True,
    label_smoothing: float = 0.0,
    dropout: float = 0.0,
    auxiliary_head: bool = False,
) -> PaperNetwork:
    """One of the paper's networks, randomly initialised, in training mode.

    The body's weights depend on the seed alone, not on the switches or the number of classes.

    Parameters
    ----------
    name : ``resnet50`` or ``paper:resnet50``; ``penultimate list backbones 'paper:*'`` shows all.
    batch_norm_scale, label_smoothing, dropout, auxiliary_head : see ``Switches``.

    Raises
    ------
    UnknownNameError : there is no such network.
    SpecError : a switch is not right, or the network has no auxiliary head.
    """
    network = name.removeprefix(PREFIX)
    card = card_of(network)
    switches = checked(
        network,
        {
            "batch_norm_scale": batch_norm_scale,
            "label_smoothing": label_smoothing,
            "dropout": dropout,
            "auxiliary_head": auxiliary_head,
        },
    )
    # The initialisation draws from the global generator: seeded here, and given back as it was.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        body = _body(card)
        classifier = nn.Linear(card.features, num_classes)
        nn.init.normal_(classifier.weight, std=0.01)
        nn.init.zeros_(classifier.bias)
        taps = card.taps if auxiliary_head else ()
        heads = build_heads(taps, num_classes, dropout)  # last: the rest does not depend on them
    listening = {tap.module: head for tap, head in zip(taps, heads, strict=True)}
    return PaperNetwork(network, switches, body, classifier, listening)


def _body(card: Card) -> nn.Module:
    """The network without its classification layer: images to features (N, D)."""
    if card.builder == "torchvision":
        return _googlenet()
    if card.builder == "timm":
        body: nn.Module = timm.create_model(card.architecture, num_classes=0)
        return body
    # timm's cells and layers are imported with them
    from penultimate.backbones.paper.bn_inception import BNInception
    from penultimate.backbones.paper.nasnet_mobile import NASNetAMobile

    own = {"bn_inception": BNInception, "nasnet_a_mobile": NASNetAMobile}
    return own[card.architecture]()


def _googlenet() -> nn.Module:
    from torchvision.models.googlenet import GoogLeNet

    body: Any = GoogLeNet(aux_logits=False, init_weights=True)
    body.dropout, body.fc = nn.Identity(), nn.Identity()  # PaperNetwork has them
    network: nn.Module = body
    return network
