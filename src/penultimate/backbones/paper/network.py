"""One shape for all sixteen: a body, dropout, a classification layer, and perhaps other heads."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from penultimate.backbones.paper.switches import Switches


class Logits(NamedTuple):
    """What a network with auxiliary heads gives while it is trained; each (N, classes)."""

    main: Tensor
    auxiliary: tuple[Tensor, ...]


class PaperNetwork(nn.Module):
    """A network of the paper with its switches.

    ``forward_features`` gives the penultimate features (N, D), which neither dropout nor an
    auxiliary head touches; ``forward_head`` makes logits of them.

    Parameters
    ----------
    body : maps images (N, 3, H, W) to features (N, D).
    classifier : maps features to logits (N, classes).
    heads : auxiliary heads by the name of the body's module whose output they are given.
    """

    def __init__(
        self,
        name: str,
        switches: Switches,
        body: nn.Module,
        classifier: nn.Linear,
        heads: dict[str, nn.Module],
    ) -> None:
        super().__init__()
        self.name = name
        self.switches = switches
        self.body = body
        self.dropout = nn.Dropout(switches.dropout)
        self.classifier = classifier
        self.auxiliary = nn.ModuleList(heads.values())
        self._heard: list[Tensor] = []  # by the heads, in one pass
        for module in heads:
            # A bound method, so that a copy of the network (an average of weights) hears itself.
            body.get_submodule(module).register_forward_hook(self._listen)
        self.requires_grad_(True)

    def forward(self, images: Tensor) -> Tensor | Logits:
        """Logits (N, classes); with those of auxiliary heads while training, if there are any."""
        self._heard = []
        main = self.forward_head(self.forward_features(images))
        if not (self.training and len(self.auxiliary)):
            return main
        pairs = zip(self.auxiliary, self._heard, strict=True)
        logits = Logits(main, tuple(head(maps) for head, maps in pairs))
        self._heard = []  # or the graph would live on
        return logits

    def forward_features(self, images: Tensor) -> Tensor:
        """Penultimate features (N, D) of images (N, 3, H, W)."""
        features: Tensor = self.body(images)
        return features

    def forward_head(self, features: Tensor, pre_logits: bool = False) -> Tensor:
        """Logits (N, classes) of features (N, D); the features themselves before the logits."""
        if pre_logits:
            return features
        logits: Tensor = self.classifier(self.dropout(features))
        return logits

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Train all parameters or none; a scale that is switched off stays as it is."""
        super().requires_grad_(requires_grad)
        if not self.switches.batch_norm_scale:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    nn.init.ones_(module.weight.requires_grad_(False))
        return self

    def _listen(self, module: nn.Module, inputs: Any, output: Tensor) -> None:
        if self.training:
            self._heard.append(output)
