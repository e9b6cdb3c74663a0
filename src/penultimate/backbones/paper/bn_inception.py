"""BN-Inception: Ioffe and Szegedy 2015, the table of the appendix, up to the pooled features."""

from __future__ import annotations

import torch
from timm.layers import ConvNormAct
from torch import Tensor, nn

EPSILON = 1e-3  # of batch norm, as in the other Inceptions


class BNInception(nn.Module):
    """Images (N, 3, H, W) to features (N, 1024)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = SeparableStem()
        self.pool1 = nn.MaxPool2d(3, stride=2, padding=1)
        self.conv2_reduce = conv(64, 64, 1)
        self.conv2 = conv(64, 192, 3)
        self.pool2 = nn.MaxPool2d(3, stride=2, padding=1)
        # Into, 1x1, 3x3, double 3x3, pool and its projection. The paper prints 128 for the
        # projections of 4c and 4d, which would make 608 channels where it prints 576.
        self.inception_3a = Inception(192, 64, (64, 64), (64, 96), "avg", 32)
        self.inception_3b = Inception(256, 64, (64, 96), (64, 96), "avg", 64)
        self.inception_3c = Reduction(320, (128, 160), (64, 96))
        self.inception_4a = Inception(576, 224, (64, 96), (96, 128), "avg", 128)
        self.inception_4b = Inception(576, 192, (96, 128), (96, 128), "avg", 128)
        self.inception_4c = Inception(576, 160, (128, 160), (128, 160), "avg", 96)
        self.inception_4d = Inception(576, 96, (128, 192), (160, 192), "avg", 96)
        self.inception_4e = Reduction(576, (128, 192), (192, 256))
        self.inception_5a = Inception(1024, 352, (192, 320), (160, 224), "avg", 128)
        self.inception_5b = Inception(1024, 352, (192, 320), (192, 224), "max", 128)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        """Features (N, 1024) of images (N, 3, H, W)."""
        maps = images
        for layer in self.children():
            maps = layer(maps)
        return maps.mean((2, 3))


class SeparableStem(nn.Module):
    """The first 7 x 7 convolution: 8 filters a colour, then mixed into 64 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(3, 24, 7, stride=2, padding=3, groups=3, bias=False)
        self.pointwise = conv(24, 64, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Maps (N, 64, H / 2, W / 2)."""
        maps: Tensor = self.pointwise(self.depthwise(images))
        return maps


class Inception(nn.Module):
    """Four branches side by side: 1x1, 3x3, double 3x3, pool; the size of the map is kept."""

    def __init__(
        self,
        channels: int,
        single: int,
        triple: tuple[int, int],
        double: tuple[int, int],
        pool: str,
        projection: int,
    ) -> None:
        super().__init__()
        self.branch1 = conv(channels, single, 1)
        self.branch3 = nn.Sequential(conv(channels, triple[0], 1), conv(*triple, 3))
        self.branch5 = nn.Sequential(
            conv(channels, double[0], 1), conv(*double, 3), conv(double[1], double[1], 3)
        )
        self.branch_pool = nn.Sequential(
            nn.MaxPool2d(3, stride=1, padding=1)
            if pool == "max"
            else nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False),
            conv(channels, projection, 1),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Maps with the channels of all branches."""
        branches = (self.branch1, self.branch3, self.branch5, self.branch_pool)
        return torch.cat([branch(maps) for branch in branches], dim=1)


class Reduction(nn.Module):
    """Halves the map: 3x3, double 3x3, and the channels themselves, pooled."""

    def __init__(self, channels: int, triple: tuple[int, int], double: tuple[int, int]) -> None:
        super().__init__()
        self.branch3 = nn.Sequential(conv(channels, triple[0], 1), conv(*triple, 3, stride=2))
        self.branch5 = nn.Sequential(
            conv(channels, double[0], 1),
            conv(*double, 3),
            conv(double[1], double[1], 3, stride=2),
        )
        self.branch_pool = nn.MaxPool2d(3, stride=2, padding=1)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps of half the size."""
        return torch.cat(
            [branch(maps) for branch in (self.branch3, self.branch5, self.branch_pool)], dim=1
        )


def conv(channels: int, out: int, kernel: int, stride: int = 1) -> nn.Module:
    """Convolution, batch norm, ReLU."""
    layer: nn.Module = ConvNormAct(
        channels,
        out,
        kernel,
        stride=stride,
        padding=kernel // 2,
        norm_kwargs={"eps": EPSILON},
        act_kwargs={"inplace": True},
    )
    return layer
