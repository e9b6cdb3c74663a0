"""From ``paper:NAME`` to a network ready to run."""

from __future__ import annotations

from penultimate.backbones.checkpoint import given_path
from penultimate.backbones.paper.build import build_paper
from penultimate.backbones.paper.cards import PAPER, PREFIX
from penultimate.backbones.paper.checkpoint import load_paper, stated
from penultimate.backbones.paper.network import PaperNetwork
from penultimate.backbones.paper.switches import PaperName, Switches
from penultimate.backbones.timm import TimmNetwork
from penultimate.errors import WeightsUnavailableError
from penultimate.io import canonical_json
from penultimate.spec import Preprocessing

CENTRED = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def build_named(text: str, *, image_size: int | None = None, seed: int = 0) -> TimmNetwork:
    """A network from ``paper:NAME,SWITCH=VALUE,...@WEIGHTS``.

    Raises
    ------
    UnknownNameError, SpecError : see ``PaperName.read``.
    WeightsUnavailableError : no weights are named.
    CheckpointError : a checkpoint does not fit.
    """
    name = PaperName.read(text)
    card = PAPER[name.network]
    if not name.weights:
        raise WeightsUnavailableError(_no_weights(name.network))
    if name.weights == "random":
        switches, source, has_head = name.switches, "random initialisation", True
        network = _build(name.network, switches, seed)
    else:
        path = given_path(PREFIX + name.network, name.weights, ("random",))
        switches, source = stated(name, path), f"checkpoint {path.name}"
        network = _build(name.network, switches, seed)
        has_head = load_paper(network, path)
    mean, std = CENTRED if card.centred else IMAGENET
    settings = switches.identity()
    return TimmNetwork(
        network=network.eval(),
        architecture=PREFIX + name.network,
        source=source,
        preprocessing=Preprocessing(
            size=image_size or card.image_size, mean=mean, std=std, interpolation="bicubic"
        ),
        classifier=("classifier", "auxiliary"),
        has_head=has_head,
        variant=canonical_json(settings) if settings else "",
    )


def _build(network: str, switches: Switches, seed: int) -> PaperNetwork:
    return build_paper(network, seed=seed, **switches.model_dump())


def _no_weights(network: str) -> str:
    called, public = PREFIX + network, PAPER[network].public
    near = f", or {public}, which is public and was trained with other settings" if public else ""
    return (
        f"the weights that the paper trained for {called} are not public: use {called}@CHECKPOINT "
        f"(a .safetensors or .pth file), {called}@random{near}"
    )
