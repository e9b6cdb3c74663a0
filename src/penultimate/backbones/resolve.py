"""A backbone as written becomes a network with a known identity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from penultimate.backbones.build import build, digest_of, published
from penultimate.backbones.built import Published, count_parameters
from penultimate.backbones.digest import digest_network
from penultimate.backbones.given import GivenFeatures
from penultimate.errors import BackboneError
from penultimate.io import digest_bytes, digest_json
from penultimate.spec import Backbone, Preprocessing

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class ResolvedBackbone:
    """A network ready to run, and what identifies it.

    ``module`` maps (N, 3, size, size) to penultimate features (N, D), in evaluation mode. For
    given features it is None and ``given`` holds them. ``transform`` stands in for
    ``preprocessing`` where the user brought one; then ``preprocessing`` is its digest. ``switches``
    are the paper's four settings of training on ImageNet, where they are known.
    """

    spec: Backbone
    architecture: str
    source: str
    weights: str
    preprocessing: Preprocessing | str
    module: nn.Module | None = None
    transform: Callable[[Image.Image], Tensor] | None = None
    given: GivenFeatures | None = None
    parameters: int | None = None
    published: Published | None = None
    switches: dict[str, Any] | None = None

    @property
    def image_size(self) -> int | None:
        """Pixels a side, where known."""
        size = self.preprocessing
        return size.size if isinstance(size, Preprocessing) else None


def resolve(backbone: Backbone, *, seed: int = 0) -> ResolvedBackbone:
    """Build the network, load its weights, take its digest.

    Parameters
    ----------
    seed : of the initialisation of ``NAME@random``; other weights do not depend on it.

    Raises
    ------
    UnknownNameError : no such architecture.
    WeightsUnavailableError : weights are neither here nor can be fetched.
    CheckpointError : a checkpoint does not fit.
    BackboneError : a network of the user's own does not work as it must.
    """
    if backbone._module is not None:
        return _own(backbone)
    if backbone.name.startswith("features:"):
        given = GivenFeatures.load(Path(backbone.name.removeprefix("features:")).expanduser())
        return ResolvedBackbone(
            spec=backbone,
            architecture="features",
            source=str(given.folder),
            weights=given.digest,
            preprocessing="none",
            given=given,
        )
    built = build(backbone.name, image_size=backbone.image_size, seed=seed)
    weights = digest_of(built)  # before the last layer is taken off
    return ResolvedBackbone(
        spec=backbone,
        architecture=built.architecture,
        source=built.source,
        weights=weights,
        preprocessing=built.preprocessing.model_copy(update={"geometry": backbone.geometry}),
        module=built.features(),
        parameters=count_parameters(built.network, built.classifier),
        published=published(built, weights),
        switches=built.switches,
    )


def _own(backbone: Backbone) -> ResolvedBackbone:
    """A network and a transform that the user brought."""
    module, transform = backbone._module, backbone._transform
    for setting in ("geometry", "image_size"):
        if setting in backbone.model_fields_set:
            raise BackboneError(
                f"{backbone.display} brings its own transform, so {setting} has no effect: set it "
                "in the transform"
            )
    # Structure stands for what the weights alone do not tell: activations, strides, order.
    architecture = f"{type(module).__module__}.{type(module).__qualname__}\n{module}"
    if callable(getattr(module, "forward_head", None)):
        from penultimate.backbones.timm import PreLogits

        features: nn.Module = PreLogits(module)
    else:
        features = module
    return ResolvedBackbone(
        spec=backbone,
        architecture=type(module).__qualname__,
        source="from_module",
        weights=digest_network(architecture, module, ()),
        preprocessing=_digest_transform(transform, backbone.display),
        module=features.eval(),
        transform=transform,
        parameters=sum(p.numel() for p in module.parameters()),
    )


def _digest_transform(transform: Callable[[Image.Image], Tensor], name: str) -> str:
    """Identify a transform by what it does to three fixed images of different shapes.

    Raises
    ------
    BackboneError : it fails, does not give (3, H, W) of one size, or differs from call to call.
    """
    import torch

    generator = np.random.default_rng(0)
    outputs = []
    for height, width in ((32, 32), (300, 200), (240, 500)):
        pixels = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
        image = Image.fromarray(pixels)
        try:
            first, second = transform(image), transform(image)
        except Exception as error:
            raise BackboneError(
                f"the transform of {name} fails on an RGB image of {width} x {height} "
                f"({type(error).__name__}: {error}): it is given PIL images"
            ) from error
        if not isinstance(first, torch.Tensor) or first.ndim != 3 or first.shape[0] != 3:
            shape = tuple(first.shape) if isinstance(first, torch.Tensor) else type(first).__name__
            raise BackboneError(
                f"the transform of {name} must give a tensor (3, H, W) and gives {shape}"
            )
        if not torch.equal(first, second):
            raise BackboneError(
                f"the transform of {name} gives the same image differently from call to call: "
                "features are taken without augmentation, so leave random parts out"
            )
        outputs.append(first.float())
    if len({tuple(output.shape) for output in outputs}) != 1:
        raise BackboneError(
            f"the transform of {name} gives images of different sizes: end it with a resize or a "
            "crop to one size"
        )
    return digest_json(
        [[list(o.shape), digest_bytes(o.contiguous().numpy().data.cast("B"))] for o in outputs]
    )
