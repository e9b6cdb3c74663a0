"""The sixteen networks of the paper, as the catalogue shows them; nothing here imports torch.

Why each is built as it is, and what differs from its publication: docs/decisions/paper-networks.md.
"""

from __future__ import annotations

from dataclasses import dataclass

PREFIX = "paper:"


@dataclass(frozen=True)
class Tap:
    """Where an auxiliary head listens."""

    module: str  # whose output it is given
    channels: int
    side: int  # of the grid that the output is averaged to, at the network's own image size
    public: str = ""  # what a public checkpoint calls the head


@dataclass(frozen=True)
class Card:
    """One network.

    ``parameters`` leaves out the classification layer and the auxiliary heads. ``classifier`` is
    what a public checkpoint of the same architecture calls its classification layer, and
    ``public`` the nearest backbone with public weights, which were trained with other settings.
    """

    builder: str  # "timm", "torchvision" or "own"
    architecture: str
    parameters: int
    features: int
    image_size: int
    centred: bool  # pixels become -1..1; otherwise ImageNet's mean and standard deviation
    classifier: str = "classifier"
    public: str = ""
    taps: tuple[Tap, ...] = ()


PAPER = {
    "inception_v1": Card(
        "torchvision",
        "googlenet",
        5_599_904,
        1024,
        224,
        centred=True,
        classifier="fc",
        public="torchvision:googlenet",
        taps=(Tap("inception4a", 512, 4, "aux1"), Tap("inception4d", 528, 4, "aux2")),
    ),
    "bn_inception": Card(
        "own",
        "bn_inception",
        10_163_288,
        1024,
        224,
        centred=True,
        taps=(Tap("inception_4a", 576, 4), Tap("inception_4d", 576, 4)),
    ),
    "inception_v3": Card(
        "timm",
        "inception_v3",
        21_785_568,
        2048,
        299,
        centred=True,
        classifier="fc",
        public="inception_v3.tf_in1k",
        taps=(Tap("Mixed_6e", 768, 5, "AuxLogits"),),
    ),
    "inception_v4": Card(
        "timm",
        "inception_v4",
        41_142_816,
        1536,
        299,
        centred=True,
        classifier="last_linear",
        public="inception_v4.tf_in1k",
        taps=(Tap("features.17", 1024, 5),),
    ),
    "inception_resnet_v2": Card(
        "timm",
        "inception_resnet_v2",
        54_306_464,
        1536,
        299,
        centred=True,
        classifier="classif",
        public="inception_resnet_v2.tf_in1k",
        taps=(Tap("repeat_1", 1088, 5),),
    ),
    "resnet50": Card(
        "timm",
        "resnet50",
        23_508_032,
        2048,
        224,
        centred=False,
        classifier="fc",
        public="resnet50.tv_in1k",
    ),
    "resnet101": Card(
        "timm",
        "resnet101",
        42_500_160,
        2048,
        224,
        centred=False,
        classifier="fc",
        public="resnet101.tv_in1k",
    ),
    "resnet152": Card(
        "timm",
        "resnet152",
        58_143_808,
        2048,
        224,
        centred=False,
        classifier="fc",
        public="resnet152.tv_in1k",
    ),
    "densenet121": Card(
        "timm", "densenet121", 6_953_856, 1024, 224, centred=False, public="densenet121.tv_in1k"
    ),
    "densenet169": Card(
        "timm", "densenet169", 12_484_480, 1664, 224, centred=False, public="densenet169.tv_in1k"
    ),
    "densenet201": Card(
        "timm", "densenet201", 18_092_928, 1920, 224, centred=False, public="densenet201.tv_in1k"
    ),
    "mobilenet_v1": Card(
        "timm",
        "mobilenetv1_100",
        3_206_976,
        1024,
        224,
        centred=True,
        public="mobilenetv1_100.ra4_e3600_r224_in1k",
    ),
    "mobilenet_v2": Card(
        "timm",
        "mobilenetv2_100",
        2_223_872,
        1280,
        224,
        centred=False,
        public="mobilenetv2_100.ra_in1k",
    ),
    "mobilenet_v2_140": Card(
        "timm",
        "mobilenetv2_140",
        4_315_776,
        1792,
        224,
        centred=False,
        public="mobilenetv2_140.ra_in1k",
    ),
    "nasnet_a_mobile": Card(
        "own", "nasnet_a_mobile", 4_232_978, 1056, 224, centred=True, taps=(Tap("cell_7", 528, 4),)
    ),
    "nasnet_a_large": Card(
        "timm",
        "nasnetalarge",
        84_720_150,
        4032,
        331,
        centred=True,
        classifier="last_linear",
        public="nasnetalarge.tf_in1k",
        taps=(Tap("cell_11", 2016, 6),),
    ),
}
