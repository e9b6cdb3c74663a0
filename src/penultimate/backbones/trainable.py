"""A backbone as written becomes a network to train: its body and a new classification layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from penultimate.backbones.build import build, digest_of
from penultimate.backbones.built import Built, count_parameters
from penultimate.backbones.paper.cards import PREFIX
from penultimate.backbones.random_form import check_trainable, random_form
from penultimate.spec import Backbone, Preprocessing

if TYPE_CHECKING:
    from penultimate.backbones.paper.network import PaperNetwork

Head = Literal["zero", "random"]
Regularisation = Literal["as-pretrained", "off"]

SPREAD = 0.01  # standard deviation of a new layer that starts at random


@dataclass(frozen=True, eq=False)
class TrainableNetwork:
    """A network to train, and what identifies it.

    Parameters
    ----------
    module : maps images (N, 3, size, size) to logits (N, classes), or to ``Logits`` while it is
        trained if it has auxiliary heads; in training mode, all parameters to be trained.
    weights : digest of the weights that it starts from, as ``resolve`` gives it for the same name;
        from scratch, for that of its random form.
    parameters : without classification layers.
    features : what the new layer is given, D.
    batch_norm : whether the size of a micro-batch changes the numbers.
    label_smoothing : that it was pretrained with as far as is known, 0 with regularisation off.
        A paper's network says; of others nothing is known, which is 0.
    """

    module: nn.Module
    architecture: str
    source: str
    weights: str
    preprocessing: Preprocessing
    parameters: int
    features: int
    batch_norm: bool
    label_smoothing: float


class Classifier(nn.Module):
    """A body (N, 3, H, W) to (N, D), and a linear layer on it."""

    def __init__(self, body: nn.Module, classifier: nn.Linear) -> None:
        super().__init__()
        self.body = body
        self.classifier = classifier

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, classes) of images (N, 3, H, W)."""
        logits: Tensor = self.classifier(self.body(images))
        return logits


def trainable(
    backbone: Backbone,
    *,
    classes: int,
    seed: int = 0,
    random: bool = False,
    head: Head = "zero",
    regularisation: Regularisation = "as-pretrained",
) -> TrainableNetwork:
    """Build the network with a new classification layer, ready to be trained.

    Dropout stays as the network's library builds it and, of a paper's network, as its switches
    say; ``off`` turns dropout, the dropping of whole branches and auxiliary heads off. A paper's
    auxiliary heads keep their weights except for the last layer, which is new too.

    Parameters
    ----------
    classes : logits.
    seed : of a random initialisation, and of a new layer that starts at random.
    random : from random weights, whatever weights the name has.
    head : the new layer starts at ``zero``, or small and ``random``.

    Raises
    ------
    BackboneError : it has no network, or a transform of the user's own.
    UnknownNameError, WeightsUnavailableError, CheckpointError : see ``resolve``.
    """
    check_trainable(backbone)
    backbone = random_form(backbone) if random else backbone
    built = build(backbone.name, image_size=backbone.image_size, seed=seed)
    weights = digest_of(built)  # before the last layer is taken off
    parameters = count_parameters(built.network, built.classifier)
    preprocessing = built.preprocessing.model_copy(update={"geometry": backbone.geometry})
    paper = built.architecture.startswith(PREFIX)
    module: nn.Module
    if paper:
        module, smoothing = _paper(built.network, classes, seed, regularisation)
        features = module.classifier.in_features
    else:
        body = _body(built)
        features = _features(body, preprocessing.size)
        module, smoothing = Classifier(body, _new_layer(features, classes)), 0.0
        if regularisation == "off":
            _without_dropout(module)
    _start(module, head, seed)
    return TrainableNetwork(
        module=module.train().requires_grad_(True),
        architecture=built.architecture,
        source=built.source,
        weights=weights,
        preprocessing=preprocessing,
        parameters=parameters,
        features=features,
        batch_norm=any(isinstance(m, _BatchNorm) for m in module.modules()),
        label_smoothing=smoothing,
    )


def _paper(
    network: Any, classes: int, seed: int, regularisation: Regularisation
) -> tuple[PaperNetwork, float]:
    """One with other last layers, and without what ``off`` leaves out; and its label smoothing."""
    from penultimate.backbones.paper.build import build_paper

    settings = network.switches.model_dump()
    if regularisation == "off":
        settings |= {"label_smoothing": 0.0, "dropout": 0.0, "auxiliary_head": False}
    new = build_paper(network.name, seed=seed, num_classes=classes, **settings)
    last = tuple(f"{name}." for name, _ in _last_layers(new))
    kept = new.state_dict().keys()
    state = {
        name: value
        for name, value in network.state_dict().items()
        if name in kept and not name.startswith(last)
    }
    missing, unexpected = new.load_state_dict(state, strict=False)
    wrong = [name for name in missing if not name.startswith(last)] + unexpected
    assert not wrong, wrong  # the same builder built both
    return new, float(settings["label_smoothing"])


def _body(built: Built) -> nn.Module:
    """Images to features, without a layer that nothing uses: it would have no gradient."""
    body = built.features()
    network: Any = built.network
    if callable(getattr(network, "reset_classifier", None)):
        network.reset_classifier(0)
    return body


def _features(body: nn.Module, size: int) -> int:
    """How many features the body gives; it is in evaluation mode."""
    with torch.inference_mode():
        return int(body(torch.zeros(1, 3, size, size)).shape[1])


def _without_dropout(module: nn.Module) -> None:
    """Drop nothing, neither units nor whole branches, however a library calls the share."""
    for part in module.modules():
        shares = [name for name, value in vars(part).items() if isinstance(value, float)]
        drops = any(word in type(part).__name__ for word in ("Drop", "StochasticDepth"))
        for name in shares:
            if "drop" in name or (drops and name in ("p", "prob")):
                setattr(part, name, 0.0)


def _last_layers(module: nn.Module) -> list[tuple[str, nn.Linear]]:
    """The layers that give logits: the classifier, and the last of each auxiliary head."""
    found: list[tuple[str, nn.Linear]] = []
    for name, part in module.named_children():
        if name == "classifier" and isinstance(part, nn.Linear):
            found.append((name, part))
        elif name == "auxiliary":
            for number, auxiliary in part.named_children():
                *_, (last, layer) = (
                    (inner, m) for inner, m in auxiliary.named_modules() if isinstance(m, nn.Linear)
                )
                found.append((f"auxiliary.{number}.{last}", layer))
    return found


def _new_layer(features: int, classes: int) -> nn.Linear:
    """With no weights drawn yet: that would move the global generator."""
    return nn.Linear(features, classes, device="meta").to_empty(device="cpu")


def _start(module: nn.Module, head: Head, seed: int) -> None:
    """Give the new layers what they begin with."""
    generator = torch.Generator().manual_seed(seed)
    for _, layer in _last_layers(module):
        nn.init.zeros_(layer.bias)
        if head == "zero":
            nn.init.zeros_(layer.weight)
        else:
            nn.init.normal_(layer.weight, std=SPREAD, generator=generator)
