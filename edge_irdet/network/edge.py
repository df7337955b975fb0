"""Light-SGMTLM shaped for the device; not the paper's network, the same idea.

What stays is SIWD, saliency guidance and the joint loss. What changes follows from where a small GPU and a
CPU spend their time (docs/background/model.md): wider and fewer stages, one residual bottleneck per C3,
nothing at 1/2 but the stem, no 1/32, and the saliency head on the 1/4 features that the finest detection head
reads too. A target of 3 px has cells of 4 px there instead of 8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from edge_irdet.errors import OptionError
from edge_irdet.network.backbone import SIWDBackbone
from edge_irdet.network.blocks import C3, CBS
from edge_irdet.network.heads import Anchors, DetectionHead
from edge_irdet.network.neck import Bilinear, Nearest2x
from edge_irdet.network.network import Network, NetworkOutput

DEFAULT_EDGE_ANCHORS: Anchors = (
    ((3.0, 3.0), (6.0, 5.0), (10.0, 9.0)),
    ((12.0, 10.0), (20.0, 18.0), (34.0, 28.0)),
    ((40.0, 32.0), (56.0, 48.0), (80.0, 72.0)),
)
"""Placeholders for counting and tests; training replaces them by k-means of its data set's boxes."""


@dataclass(frozen=True)
class EdgeConfig:
    """What defines the network; two equal configurations have interchangeable weights."""

    strides: ClassVar[tuple[int, ...]] = (4, 8, 16)
    """Network pixels a cell of P2, P3 and P4."""

    small_target_sides: ClassVar[tuple[tuple[float, float], ...]] = ((0.0, 20.0), (8.0, 48.0), (32.0, 1e9))
    """Per level: smallest and largest longer side, network pixels, that it answers for in our recipes."""

    widths: tuple[int, int, int, int] = (8, 24, 48, 96)
    """Channels of the SIWD stages at 1/2 to 1/16, each divisible by 4; the neck has the last three."""

    depth: int = 1
    """Residual bottlenecks in each C3 of the neck."""

    classes: int = 1
    """Number of target classes."""

    saliency_head: bool = True
    """The saliency head."""

    def __post_init__(self) -> None:
        if min(self.widths) < 4 or any(width % 4 for width in self.widths):
            raise OptionError(
                f"the widths are {self.widths}; SIWD splits its output in four",
                "choose positive multiples of 4",
            )
        if self.depth < 1 or self.classes < 1:
            raise OptionError(
                f"depth is {self.depth} and classes is {self.classes}; both start at 1",
                "choose at least 1 for both",
            )


class TopDown(nn.Module):
    """From 1/16 up to 1/4: what is seen at large joins what is placed exactly."""

    def __init__(self, widths: tuple[int, int, int], depth: int) -> None:
        super().__init__()
        fine, middle, coarse = widths
        self.lat4 = CBS(coarse, middle)
        self.up4 = Nearest2x()
        self.csp3 = C3(2 * middle, middle, depth, residual=True)
        self.lat3 = CBS(middle, fine)
        self.up3 = Nearest2x()
        self.csp2 = C3(2 * fine, fine, depth, residual=True)

    def forward(self, x2: Tensor, x3: Tensor, x4: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """X2, X3, X4 -> P2 at 1/4 (fine), L3 at 1/8 (fine), L4 at 1/16 (middle)."""
        l4 = self.lat4(x4)
        l3 = self.lat3(self.csp3(torch.cat((self.up4(l4), x3), 1)))
        return self.csp2(torch.cat((self.up3(l3), x2), 1)), l3, l4


class BottomUp(nn.Module):
    """From P2 down again to P3 and P4."""

    def __init__(self, widths: tuple[int, int, int], depth: int) -> None:
        super().__init__()
        fine, middle, coarse = widths
        self.down2 = CBS(fine, fine, (3, 3), 2)
        self.csp3 = C3(2 * fine, middle, depth, residual=True)
        self.down3 = CBS(middle, middle, (3, 3), 2)
        self.csp4 = C3(2 * middle, coarse, depth, residual=True)

    def forward(self, p2: Tensor, l3: Tensor, l4: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """P2, L3, L4 -> P2 (unchanged), P3 at 1/8 (middle), P4 at 1/16 (coarse)."""
        p3 = self.csp3(torch.cat((self.down2(p2), l3), 1))
        return p2, p3, self.csp4(torch.cat((self.down3(p3), l4), 1))


class QuarterSaliencyHead(nn.Module):
    """Saliency logits from the 1/4 features that the finest detection head reads.

    Args:
        channels: of the features; its C3 has half of them.
        depth: bottlenecks in its C3.
    """

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        self.csp = C3(channels, channels // 2, depth, residual=True)
        self.conv = nn.Conv2d(channels // 2, 1, 1)
        self.up = Bilinear(4)

    def forward(self, p2: Tensor) -> Tensor:
        """[B, channels, H/4, W/4] -> logits [B, 1, H, W]."""
        logits: Tensor = self.up(self.conv(self.csp(p2)))
        return logits


class EdgeLightSGMTLM(Network):
    """The variant for the device.

    Args:
        config: shape.
        anchors: [level][anchor] = (width, height) in network pixels.
    """

    merges_branches: ClassVar[bool] = True

    def __init__(self, config: EdgeConfig, anchors: Anchors = DEFAULT_EDGE_ANCHORS) -> None:
        super().__init__()
        self.config = config
        neck = config.widths[1:]
        self.backbone = SIWDBackbone(config.widths)
        self.fpn = TopDown(neck, config.depth)
        self.salhead = QuarterSaliencyHead(neck[0], config.depth) if config.saliency_head else None
        self.pan = BottomUp(neck, config.depth)
        self.det = DetectionHead(neck, config.strides, config.classes, anchors)

    def forward(self, image: Tensor) -> NetworkOutput:
        """Image [B, 3, H, W], 0..1, H and W multiples of 16 -> raw predictions and saliency logits."""
        _, x2, x3, x4 = self.backbone(image)
        p2, l3, l4 = self.fpn(x2, x3, x4)
        saliency = None if self.salhead is None else self.salhead(p2)
        return NetworkOutput(self.det(self.pan(p2, l3, l4)), saliency)
