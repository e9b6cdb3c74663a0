"""``penultimate init``: a commented study file to start from."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from penultimate.errors import SpecError

TEMPLATE = """\
# A study: every backbone on every task with every method, once for each seed.
# Run it with:  penultimate run {name}

name = "my study"

# Seeds decide how images without a split of their own are divided, and how @random begins.
seeds = [0]

# Score linear probes over so many random splits; 20 tell how much of a score is luck.
# repeats = 20

# Networks to compare. 'penultimate list backbones' shows all.
backbones = [
    "tf_efficientnet_lite0@package",   # ImageNet weights that come with penultimate[demo]
    "tf_efficientnet_lite0@random",    # the same network untrained: the floor
    # "resnet50",                      # any timm name: its weights are downloaded once
    # "resnet50@weights.safetensors",  # a checkpoint of yours
    # "torchvision:resnet50",          # torchvision's networks; open_clip:... CLIP's image towers
]

# What to classify.
tasks = [
    "digits",                          # built in; 'penultimate list tasks' shows all
    # "folder:photos",                 # photos/CLASS/... or photos/train|val|test/CLASS/...
    # "csv:labels.csv",                # a table of path,label[,split][,group]
    # "food101:data/food-101",         # a published data set; also hf:..., torchvision:..., wds:...
]

# What is trained: a probe on frozen features, the whole network, or one from random weights.
methods = [
    "linear-probe",
    # "fine-tune",                     # minutes to hours: see the preset below
    # "from-scratch",
]

# Settings of one backbone, task or method need a table of its own in place of the list above:
#
# [[backbones]]
# name = "resnet50"
# image_size = 256                     # the network's own where not given
# geometry = "shorter-side-crop"       # or "whole", the default: nothing is cut away
# imagenet_top1 = 0.803                # if you know it: for the correlation with transfer
#
# [[tasks]]
# source = "folder:photos"
# fractions = [0.6, 0.2, 0.2]          # train, validation, test
# measure = "mean-per-class"           # or "top-1"
#
# [[methods]]
# name = "linear-probe"
# l2_points = 45                       # values tried between l2_min and l2_max
#
# [[methods]]
# name = "fine-tune"
# preset = "quick"                     # the default; or "paper": 56 cells of 20,000 steps
# learning_rates = [0.01, 0.03]        # and any other setting, over what the preset says
"""


@click.command()
@click.argument("path", default="study.toml", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Overwrite a file that exists.")
def init(path: Path, force: bool) -> None:
    """Write a commented study file to start from."""
    from penultimate.io import write_atomic

    if path.exists() and not force:
        raise SpecError(f"{path} exists: choose another name, or add --force to overwrite it")
    name = shlex.quote(str(path)) if str(path).isprintable() else "STUDY_FILE"
    write_atomic(path, TEMPLATE.format(name=name))
    click.echo(f"wrote {path}; run it with: penultimate run {name}", err=True)
