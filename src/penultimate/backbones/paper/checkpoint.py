"""Weights of a paper's network in a file, with the switches that they were trained with.

A file of ours (``save_paper``) says its network and switches in its metadata and, where it comes of
``penultimate pretrain``, how it was trained and how good it is at its source task. Public
checkpoints of the same architectures say nothing and name the layers as timm or torchvision do.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch.nn.modules.batchnorm import _BatchNorm

from penultimate.backbones.checkpoint import fit_state, read_state, strip_prefix
from penultimate.backbones.paper.cards import PAPER, PREFIX, Card
from penultimate.backbones.paper.network import PaperNetwork
from penultimate.backbones.paper.switches import FORM, PaperName, Switches, checked
from penultimate.errors import CheckpointError, SpecError
from penultimate.io import canonical_json, write_atomic
from penultimate.spec import Pretrained

if TYPE_CHECKING:
    from torch import Tensor

METADATA = "penultimate"


def save_paper(network: PaperNetwork, path: Path, pretrained: Pretrained | None = None) -> None:
    """Write the weights as ``.safetensors``, with the network's name and switches.

    Parameters
    ----------
    pretrained : how they were trained, where that is known.

    Raises
    ------
    StoreError : the file cannot be written.
    """
    state = {key: value.contiguous() for key, value in network.state_dict().items()}
    record = {"network": network.name, "switches": network.switches.identity()}
    if pretrained is not None:
        record["pretrained"] = pretrained.identity()
    write_atomic(path, save(state, metadata={METADATA: canonical_json(record)}))


def stated(name: PaperName, path: Path) -> Switches:
    """The switches to build a network with whose weights are to come from ``path``.

    Those that the file states, and the name's where it states none. A switch that the name says
    must be as the file has it.

    Raises
    ------
    CheckpointError : the file is of another network, or a switch of the name contradicts it.
    """
    record = _record(path)
    if record is None:
        return name.switches
    try:
        network = str(record["network"])
        switches = checked(network, dict(record["switches"])) if network in PAPER else Switches()
    except (KeyError, TypeError, SpecError):
        raise CheckpointError(
            f"{path} says of its network what this version cannot read ({canonical_json(record)}): "
            "upgrade penultimate, or save it again with save_paper"
        ) from None
    if network != name.network:
        raise CheckpointError(
            f"{path} holds a network {PREFIX}{network}: write that before the '@' in place of "
            f"{PREFIX}{name.network}"
        )
    for key in sorted(name.switches.model_fields_set):
        asked, found = getattr(name.switches, key), getattr(switches, key)
        if asked != found:
            raise CheckpointError(
                f"{path} was trained with {key}={_said(found)} and the name says "
                f"{key}={_said(asked)}: leave it out of the name, the file says it"
            )
    return switches


def origin(path: Path) -> Pretrained | None:
    """How the weights in a file were trained; None where the file does not say.

    Raises
    ------
    CheckpointError : it says so in a way that this version cannot read.
    """
    said = (_record(path) or {}).get("pretrained")
    if said is None:
        return None
    try:
        return Pretrained.model_validate(said)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"]) or "pretrained"
        raise CheckpointError(
            f"{path} says of its training what this version cannot read ({where}): upgrade "
            "penultimate, or save it again with save_paper"
        ) from None


def load_paper(network: PaperNetwork, path: Path) -> bool:
    """Fit the weights at ``path`` into ``network``, in place.

    Classification layers, also those of auxiliary heads, may be absent or of another size.

    Returns
    -------
    whole : whether all of them were fitted, too.

    Raises
    ------
    CheckpointError : the weights are of another network, or of one with other switches.
    """
    card = PAPER[network.name]
    own = network.state_dict()
    state = _as_ours(read_state(path), own, card)
    heads = {key for key in state if key.startswith("auxiliary.")}
    if heads and not len(network.auxiliary):
        raise CheckpointError(
            f"{path} has an auxiliary head and {PREFIX}{network.name} is to have none: switch it "
            f"on, {FORM}"
        )
    if len(network.auxiliary) and not heads:
        raise CheckpointError(
            f"{path} has no auxiliary head and {PREFIX}{network.name} is to have one: leave "
            "auxiliary_head out of the name"
        )
    last = {f"auxiliary.{number}.fc{2 if len(card.taps) == 2 else ''}" for number in range(2)}
    whole = fit_state(network, state, path, ("classifier", *sorted(last)))
    if not network.switches.batch_norm_scale:
        _hold_scale(network, path)
    return whole


def _record(path: Path) -> dict[str, Any] | None:
    """What a file of ours says of itself; None for any other file, which ``read_state`` judges."""
    if path.suffix != ".safetensors" or not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(METADATA)
    except (SafetensorError, OSError):
        return None
    if text is None:
        return None
    try:
        record = json.loads(text)
    except ValueError:
        record = {}
    return record if isinstance(record, dict) else {}


def _as_ours(state: dict[str, Tensor], own: dict[str, Tensor], card: Card) -> dict[str, Tensor]:
    """``state`` under our names if it has the public ones.

    A public auxiliary head is left out where the network has none: no feature depends on it, and
    a public file's switches are not known.
    """
    bodies = {key.removeprefix("body.") for key in own if key.startswith("body.")}
    state = strip_prefix(state, {*own, *bodies, card.classifier, *(t.public for t in card.taps)})
    if any(key.startswith("body.") for key in state):
        return state
    names = {card.classifier: "classifier"}
    names |= {tap.public: f"auxiliary.{number}" for number, tap in enumerate(card.taps)}
    with_heads = any(key.startswith("auxiliary.") for key in own)
    renamed = {}
    for key, value in state.items():
        first, _, rest = key.partition(".")
        name = f"{names[first]}.{rest}" if first in names else f"body.{key}"
        if with_heads or not name.startswith("auxiliary."):
            renamed[name] = value
    return renamed


def _hold_scale(network: PaperNetwork, path: Path) -> None:
    """Refuse weights whose batch norms have a scale where the network is to have none."""
    for name, module in network.named_modules():
        if isinstance(module, _BatchNorm) and not bool((module.weight == 1).all()):
            raise CheckpointError(
                f"{path} has scales other than 1 in its batch norms, for example in {name}, so it "
                "was not trained with batch_norm_scale=off: leave that out of the name"
            )


def _said(value: object) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else str(value)
