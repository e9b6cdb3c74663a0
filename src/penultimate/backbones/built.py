"""What every way of building a network gives, whichever library it comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor, nn

    from penultimate.spec import Preprocessing


@dataclass(frozen=True)
class Published:
    """What is published of a checkpoint's accuracy on ImageNet, or where to look it up.

    A network that was trained on another task comes with its accuracy on that.

    Parameters
    ----------
    model : what timm's tables of results call the checkpoint; empty where they have it not.
    image_size : pixels a side that the network is trained at: the tables have it at several.
    top1, source : the accuracy, a fraction, where it is published with the weights, and by whom.
    task, measure : the other task, and what ``top1`` measures there.
    images : that it was measured on, where that is known.
    weights : the digest of the only weights that it is true of; empty where they need no proof.
    """

    model: str = ""
    image_size: int | None = None
    top1: float | None = None
    source: str = ""
    task: str = ""
    measure: str = "top-1"
    images: int | None = None
    weights: str = ""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How a network's makers prepare an image to measure it on ImageNet.

    ``transform`` maps an RGB ``PIL.Image`` to the network's input (3, S, S); ``settings`` says how.
    """

    transform: Callable[[Image.Image], Tensor]
    settings: dict[str, Any] = field(default_factory=dict)


class Built(Protocol):
    """A network with its weights, classification layer included."""

    @property
    def network(self) -> nn.Module:
        """The whole of it, in evaluation mode."""

    @property
    def architecture(self) -> str:
        """Its name without its weights."""

    @property
    def source(self) -> str:
        """Where the weights came from."""

    @property
    def preprocessing(self) -> Preprocessing:
        """What it wants an image to be."""

    @property
    def classifier(self) -> tuple[str, ...]:
        """Prefixes of the tensors that no feature depends on."""

    @property
    def variant(self) -> str:
        """What changes the features and shows in no weight."""

    @property
    def switches(self) -> dict[str, Any] | None:
        """How it was trained, in the paper's four settings; None where they are not known."""

    @property
    def has_head(self) -> bool:
        """Whether the classification layer is the checkpoint's and not a random one."""

    @property
    def published(self) -> Published | None:
        """What is published of the checkpoint."""

    def features(self) -> nn.Module:
        """Images to penultimate features (N, D); the network may lose its last layer to this."""

    def evaluation(self) -> Evaluation | None:
        """How to prepare an image to measure it; None where it does not classify."""


def count_parameters(network: nn.Module, classifier: tuple[str, ...]) -> int:
    """How many parameters there are, those of the classification layer left out."""
    return sum(
        parameter.numel()
        for name, parameter in network.named_parameters()
        if not any(name == prefix or name.startswith(f"{prefix}.") for prefix in classifier)
    )
