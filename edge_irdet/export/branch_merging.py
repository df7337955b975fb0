"""SIWD's nine parallel convolutions as three, exactly: fewer kernels for the same numbers.

The branches of a SIWD read the same input, so convolutions of one shape are one convolution with their
outputs side by side: the two 1x1, and the three 1x3 of dilation 1, 3 and 5 as one 1x11 with zeros where no
branch looks; likewise the three 3x1. Batch normalisation and SiLU work channel by channel and go along.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from edge_irdet.network.blocks import BATCH_NORM_EPS, CBS, SIWD
from edge_irdet.network.network import Network


class MergedSIWD(nn.Module):
    """A SIWD in eval mode with its branches merged; ``fusion="add"`` only.

    Args:
        block: the trained block; its weights are copied.
    """

    def __init__(self, block: SIWD) -> None:
        super().__init__()
        if block.fusion != "add":
            raise TypeError(f"a SIWD with fusion {block.fusion!r} has no merged form")
        self.quarter = block.b1.conv.out_channels
        self.points = _side_by_side((block.b1, block.b5))
        self.h = _side_by_side(_blocks(block.h))
        self.v = _side_by_side(_blocks(block.v))
        self.pw = block.pw
        self.eval()  # a merged block is for inference only

    def forward(self, features: Tensor) -> Tensor:
        """[B, in, H, W] -> [B, out, H / 2, W / 2]."""
        points = self.points(features)
        first, shortcut = points[:, : self.quarter], points[:, self.quarter :]
        lines = self.h(features) + self.v(features)
        mixed: Tensor = self.pw(torch.cat((first, lines), 1)) + shortcut
        return mixed


def merge_branches(network: Network) -> Network:
    """Replace every SIWD of the backbone by its merged form, in place."""
    stages = network.backbone.stages
    for index, stage in enumerate(stages):
        if isinstance(stage, SIWD):
            stages[index] = MergedSIWD(stage)
    return network


def _blocks(modules: nn.ModuleList) -> list[CBS]:
    return [module for module in modules if isinstance(module, CBS)]


def _side_by_side(blocks: Sequence[CBS]) -> CBS:
    """One CBS that gives the blocks' outputs in their order, with kernels of their largest extent."""
    convs, norms = [block.conv for block in blocks], [block.bn for block in blocks]
    extent = tuple(
        max(conv.dilation[axis] * (conv.kernel_size[axis] - 1) + 1 for conv in convs) for axis in (0, 1)
    )
    weight = torch.cat([_spread(conv, extent) for conv in convs])
    merged = CBS(weight.shape[1], weight.shape[0], (extent[0], extent[1]), stride=convs[0].stride[0])
    merged.to(weight.dtype)
    merged.conv.weight = nn.Parameter(weight)
    merged.bn.weight = nn.Parameter(torch.cat([norm.weight.detach() for norm in norms]))
    merged.bn.bias = nn.Parameter(torch.cat([norm.bias.detach() for norm in norms]))
    merged.bn.running_mean = torch.cat([_statistic(norm.running_mean) for norm in norms])
    merged.bn.running_var = torch.cat([_statistic(norm.running_var) for norm in norms])
    assert all(norm.eps == BATCH_NORM_EPS for norm in norms)
    return merged


def _spread(conv: nn.Conv2d, extent: tuple[int, ...]) -> Tensor:
    """A dilated kernel as a dense one of ``extent``, centred: zeros between its taps and around them."""
    kernel = conv.weight.detach()
    spread = kernel.new_zeros((*kernel.shape[:2], *extent))
    taps = []
    for axis in (0, 1):
        size, dilation = conv.kernel_size[axis], conv.dilation[axis]
        first = (extent[axis] - dilation * (size - 1)) // 2
        taps.append([first + dilation * tap for tap in range(size)])
    for row, to_row in enumerate(taps[0]):
        for column, to_column in enumerate(taps[1]):
            spread[:, :, to_row, to_column] = kernel[:, :, row, column]
    return spread


def _statistic(values: Tensor | None) -> Tensor:
    assert values is not None
    return values.detach().clone()
