"""The auxiliary heads: a small classifier on an inner layer, used while training only."""

from __future__ import annotations

from timm.layers import ConvNormAct
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.googlenet import InceptionAux

from penultimate.backbones.paper.cards import Tap

WINDOW, STEP = 5, 3  # of the average that the published heads begin with


class AuxiliaryHead(nn.Module):
    """The head of Inception v3 and all later ones: maps (N, C, H, W) to logits (N, classes).

    Published for the network's own image size, where windows of 5 x 5 give a grid of
    ``side`` x ``side`` that one convolution then covers. At other sizes the map is averaged to the
    same grid, so that the same head can be trained on smaller images. Layers are named as timm
    names them in its Inception v3.
    """

    def __init__(self, tap: Tap, num_classes: int) -> None:
        super().__init__()
        self.side = tap.side
        self.conv0 = ConvNormAct(tap.channels, 128, 1, norm_kwargs={"eps": 1e-3})
        self.conv1 = ConvNormAct(128, 768, tap.side, padding=0, norm_kwargs={"eps": 1e-3})
        self.fc = nn.Linear(768, num_classes)
        nn.init.trunc_normal_(self.conv1.conv.weight, std=0.01)
        nn.init.trunc_normal_(self.fc.weight, std=0.001)
        nn.init.zeros_(self.fc.bias)

    def forward(self, maps: Tensor) -> Tensor:
        """Logits (N, classes)."""
        # NASNet's cells end without an activation; the Inceptions' maps have no negative values.
        maps = functional.relu(maps)
        if all((length - WINDOW) // STEP + 1 == self.side for length in maps.shape[2:]):
            grid = functional.avg_pool2d(maps, WINDOW, STEP)
        else:
            grid = functional.adaptive_avg_pool2d(maps, self.side)
        logits: Tensor = self.fc(self.conv1(self.conv0(grid)).flatten(1))
        return logits


def build_heads(taps: tuple[Tap, ...], num_classes: int, dropout: float) -> list[nn.Module]:
    """A head for each tap: GoogLeNet's where there are two, else that of the later Inceptions.

    GoogLeNet's has a dropout of its own, published at 0.7, which here is the network's: the switch
    turns all dropout on or off.
    """
    if len(taps) == 2:
        return [InceptionAux(tap.channels, num_classes, dropout=dropout) for tap in taps]
    return [AuxiliaryHead(tap, num_classes) for tap in taps]
