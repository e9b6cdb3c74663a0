"""Weights, names of tensors and preprocessing together: the packaged network sees what is there.

With the central square, as it was trained; the whole photograph, squeezed by a third into a
square, EfficientNet-Lite 0 takes for another old building.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch
from PIL import Image
from torch import Tensor

from penultimate.backbones import PACKAGES, resolve
from penultimate.backbones.timm import build_timm
from penultimate.features import pixels_of
from penultimate.features.images import normalise
from penultimate.spec import Backbone

PALACE, DAISY = 698, 985


@pytest.mark.parametrize("name", ["tf_efficientnet_lite0", "tf_efficientnet_lite1"])
def test_the_packaged_networks_call_the_sample_photographs_a_palace_and_a_daisy(name: str) -> None:
    logits = classify(f"{name}@package", "shorter-side-crop")
    assert logits.argmax(dim=1).tolist() == [PALACE, DAISY]
    names = timm.data.ImageNetInfo()
    called = [names.index_to_description(int(best)) for best in logits.argmax(dim=1)]
    assert [name.partition(",")[0] for name in called] == ["palace", "daisy"]


def test_the_whole_photographs_have_both_among_the_best_five() -> None:
    best = classify("tf_efficientnet_lite0@package", "whole").topk(5).indices
    assert PALACE in best[0]
    assert DAISY in best[1]


def classify(name: str, geometry: str) -> Tensor:
    """What the network's own classifier says of china.jpg and flower.jpg: logits (2, 1000)."""
    pytest.importorskip(PACKAGES[name.removesuffix("@package")].module)
    photographs = pytest.importorskip("sklearn.datasets").load_sample_images()
    assert [Path(file).name for file in photographs.filenames] == ["china.jpg", "flower.jpg"]
    backbone = resolve(Backbone(name=name, geometry=geometry))
    images = [Image.fromarray(pixels) for pixels in photographs.images]
    pixels = torch.stack([pixels_of(image, backbone) for image in images])
    with torch.inference_mode():
        return build_timm(name).network(normalise(pixels, backbone.preprocessing))
