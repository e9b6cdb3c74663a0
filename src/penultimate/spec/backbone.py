"""Which network, with which weights, and how it sees an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, PrivateAttr

from penultimate.spec.base import Frozen, Name

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL import Image
    from torch import Tensor, nn

Geometry = Literal["whole", "shorter-side-crop"]
Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"]


class Preprocessing(Frozen):
    """From a decoded RGB image to the network's input.

    ``whole`` rescales the whole image to the square (the paper, section 4); ``shorter-side-crop``
    rescales the shorter side to the size and takes the central square (SimCLR, appendix B.8).
    ``mean`` and ``std`` are of channels scaled to 0..1.
    """

    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: Interpolation
    geometry: Geometry = "whole"


class Backbone(Frozen):
    """A network to take features from.

    ``name`` is one of

    - any timm name (``resnet50``, ``hf-hub:timm/...``, ``local-dir:...``): its pretrained weights;
    - ``NAME@random``: the same architecture, randomly initialised from the run's seed;
    - ``NAME@package``: weights that a Python package carries (``penultimate list backbones``);
    - ``NAME@PATH``: a checkpoint, ``.safetensors`` or ``.pth``;
    - ``torchvision:NAME`` and ``torchvision:NAME.WEIGHTS``: a network of torchvision's;
    - ``open_clip:NAME/TAG``: the image tower of a CLIP model (``penultimate[open_clip]``);
    - ``paper:NAME@random``, ``paper:NAME@PATH``: one of the paper's sixteen networks, with its
      switches where they are not the paper's (``paper:inception_v4,dropout=0.2@random``);
    - ``features:DIR``: features that already exist (``features.npy``, ``labels.npy``, ``ids.txt``).

    Parameters
    ----------
    geometry : the whole image (default) or the central square of the shorter side.
    image_size : pixels; the network's own training size where not given.
    precision : of the network's arithmetic; features are always stored as float32.
    imagenet_top1 : the network's ImageNet accuracy as a fraction, if you know it.
    label : how tables and figures call it; its name where not given.
    """

    name: Name
    geometry: Geometry = "whole"
    image_size: int | None = Field(default=None, ge=1)
    precision: Literal["float32", "bfloat16"] = "float32"
    imagenet_top1: float | None = Field(default=None, gt=0, lt=1)
    label: str | None = None

    _module: Any = PrivateAttr(default=None)
    _transform: Any = PrivateAttr(default=None)

    @property
    def display(self) -> str:
        """The name that people see."""
        return self.label or self.name

    @property
    def is_module(self) -> bool:
        """Whether this is a network of the user's own, known to this process only."""
        return self._module is not None

    @classmethod
    def from_module(
        cls,
        module: nn.Module,
        transform: Callable[[Image.Image], Tensor],
        name: str,
        **settings: Any,
    ) -> Self:
        """A network of your own.

        Parameters
        ----------
        module : maps images (N, 3, H, W) to features (N, D). A network with timm's
            ``forward_features`` and ``forward_head`` gives its pre-logits instead.
        transform : maps one RGB ``PIL.Image`` to a float32 tensor (3, H, W); the same image must
            always give the same tensor.
        name : how tables and figures call it. Identity comes from the weights, the structure and
            what the transform does, never from the name.
        """
        backbone = cls(name=name, **settings)
        backbone._module = module
        backbone._transform = transform
        return backbone
