"""Put a network of your own beside one with ImageNet weights.

    python examples/own_network.py          about half a minute on two cores

Expected: the ImageNet network reads handwritten digits far better than 32 random filters.
"""

from __future__ import annotations

import sys

import torch
from PIL import Image
from torch import Tensor, nn

import penultimate as pn


def transform(image: Image.Image) -> Tensor:
    """Grey, 32 x 32, one value a pixel in each of three channels."""
    small = image.convert("L").resize((32, 32), Image.Resampling.BILINEAR)
    grey = torch.frombuffer(bytearray(small.tobytes()), dtype=torch.uint8).reshape(1, 32, 32)
    return grey.expand(3, 32, 32) / 255


def random_filters() -> nn.Module:
    """A network maps images (N, 3, H, W) to features (N, D); this one has never seen an image."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 32, kernel_size=5, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()
    )


def main(store: str = "example-store") -> None:
    """Run the study and print its frame."""
    mine = pn.Backbone.from_module(random_filters(), transform, name="32 random filters")
    study = pn.Study(
        backbones=[pn.Backbone(name="tf_efficientnet_lite0@package", image_size=96), mine],
        tasks=["digits"],
    )
    frame = pn.run(study, store=store).frame()
    print(frame[["backbone", "task", "score", "ci_low", "ci_high"]].to_string(index=False))


if __name__ == "__main__":
    main(*sys.argv[1:])
