"""NASNet-A Mobile (4 @ 1056): timm's cells of NASNet-A Large, narrower and fewer."""

from __future__ import annotations

from timm.layers import ConvNormAct
from timm.models.nasnet import (
    CellStem0,
    CellStem1,
    FirstCell,
    NormalCell,
    ReductionCell0,
    ReductionCell1,
)
from torch import Tensor, nn

STEM = 32  # channels of the first convolution
FEATURES = 1056
REPEATS = 4  # cells in each of the three stacks; NASNet-A Large has 6
BRANCHES = 6  # of a normal cell, joined; a reduction cell has 4
PADDING = "same"


class NASNetAMobile(nn.Module):
    """Images (N, 3, H, W) to features (N, 1056); its parts are named as in timm's NASNet."""

    def __init__(self) -> None:
        super().__init__()
        channels = FEATURES // (4 * BRANCHES)  # of a branch in the first stack: 44, then 88, 176
        self.conv0 = ConvNormAct(
            3, STEM, 3, stride=2, padding=0, norm_kwargs={"eps": 1e-3}, apply_act=False
        )
        self.cell_stem_0 = CellStem0(STEM, num_channels=channels // 4, pad_type=PADDING)
        self.cell_stem_1 = CellStem1(STEM, num_channels=channels // 2, pad_type=PADDING)
        before, last = channels, 2 * channels  # what the two cells before give
        index = 0
        for stack, reduction in enumerate((None, ReductionCell0, ReductionCell1)):
            width = channels * 2**stack
            if reduction is not None:
                cell = reduction(before, width, last, width, PADDING)
                self.add_module(f"reduction_cell_{stack - 1}", cell)
                before, last = last, 4 * width
            for repeat in range(REPEATS):
                first = repeat == 0
                left = width // 2 if first else width
                kind = FirstCell if first else NormalCell
                self.add_module(f"cell_{index}", kind(before, left, last, width, PADDING))
                before, last = last, BRANCHES * width
                index += 1
        self.act = nn.ReLU(inplace=True)

    def forward(self, images: Tensor) -> Tensor:
        """Features (N, 1056) of images (N, 3, H, W)."""
        stem = self.conv0(images)
        before = self.cell_stem_0(stem)
        last = self.cell_stem_1(stem, before)
        # Every cell takes the two before it. In NASNet-A Large the cell after a reduction takes
        # the reduction and what that skipped; the published Mobile does not skip.
        for cell in self.children():
            if isinstance(cell, FirstCell | NormalCell | ReductionCell0 | ReductionCell1):
                before, last = last, cell(last, before)
        features: Tensor = self.act(last).mean((2, 3))
        return features
