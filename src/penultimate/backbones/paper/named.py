"""From ``paper:NAME`` to a network ready to run."""

from __future__ import annotations

from penultimate.backbones.built import Published
from penultimate.backbones.checkpoint import given_path
from penultimate.backbones.digest import digest_network
from penultimate.backbones.paper.build import build_paper
from penultimate.backbones.paper.cards import PAPER, PREFIX
from penultimate.backbones.paper.checkpoint import load_paper, origin, stated
from penultimate.backbones.paper.network import PaperNetwork
from penultimate.backbones.paper.switches import PaperName, Switches
from penultimate.backbones.timm import TimmNetwork
from penultimate.errors import WeightsUnavailableError
from penultimate.io import canonical_json
from penultimate.spec import Preprocessing, Pretrained

CENTRED = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
HEADS = ("classifier", "auxiliary")  # no feature depends on them
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
    trained = None
    if name.weights == "random":
        switches, source, has_head = name.switches, "random initialisation", True
        network = _build(name.network, switches, seed)
    else:
        path = given_path(PREFIX + name.network, name.weights, ("random",))
        switches, trained = stated(name, path), origin(path)
        source = f"checkpoint {path.name}" + (f" ({trained.display})" if trained else "")
        network = _build(name.network, switches, seed)
        has_head = load_paper(network, path)
    own_size = trained.image_size if trained else card.image_size
    return TimmNetwork(
        network=network.eval(),
        architecture=PREFIX + name.network,
        source=source,
        preprocessing=preprocessing_of(name.network, image_size or own_size),
        classifier=HEADS,
        has_head=has_head,
        variant=_variant(switches),
        switches=switches.model_dump(mode="json"),
        published=_published(trained) if trained else None,
    )


def digest_paper(network: PaperNetwork, *, features_only: bool = False) -> str:
    """The identity of a network; ``features_only`` leaves all classification layers out.

    That is the digest under which the rest of the tool knows its weights.
    """
    architecture = PREFIX + network.name + _variant(network.switches)
    return digest_network(architecture, network, HEADS if features_only else ())


def _variant(switches: Switches) -> str:
    """What the name of an architecture does not say."""
    settings = switches.identity()
    return canonical_json(settings) if settings else ""


def preprocessing_of(network: str, image_size: int | None = None) -> Preprocessing:
    """What one of the sixteen wants an image to be; at its own size where none is given."""
    card = PAPER[network]
    mean, std = CENTRED if card.centred else IMAGENET
    return Preprocessing(
        size=image_size or card.image_size, mean=mean, std=std, interpolation="bicubic"
    )


def _published(trained: Pretrained) -> Published:
    """The accuracy on its source task that a file carries, for the weights it was measured on."""
    found = trained.test
    part = "validation" if found.part == "val" or trained.is_imagenet else "test"
    return Published(
        top1=found.top1 if trained.is_imagenet else found.score,
        source=f"measured on {found.images:,} {part} images after {trained.progress}",
        task="" if trained.is_imagenet else trained.task,
        measure=found.measure,
        images=found.images,
        weights=trained.weights,
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
