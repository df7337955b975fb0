"""Light-SGMTLM: backbone, FPN, saliency path, PAN and the two heads put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor

from edge_irdet.errors import OptionError
from edge_irdet.network.backbone import CSPBackbone, SIWDBackbone
from edge_irdet.network.blocks import Fusion
from edge_irdet.network.heads import Anchors, DetectionHead, HeadResolution, SaliencyHead
from edge_irdet.network.neck import FPN, PAN, SaliencyPath
from edge_irdet.network.network import Network, NetworkOutput

DEFAULT_ANCHORS: Anchors = (
    ((4.0, 4.0), (6.0, 5.0), (8.0, 8.0)),
    ((11.0, 8.0), (14.0, 14.0), (20.0, 14.0)),
    ((24.0, 24.0), (40.0, 28.0), (56.0, 56.0)),
)
"""Placeholders for counting and tests; training replaces them by k-means of its data set's boxes."""


@dataclass(frozen=True)
class NetworkConfig:
    """What defines the network; two equal configurations have interchangeable weights."""

    strides: ClassVar[tuple[int, ...]] = (8, 16, 32)
    """Network pixels a cell of P3, P4 and P5."""

    small_target_sides: ClassVar[tuple[tuple[float, float], ...]] = ((0.0, 40.0), (16.0, 80.0), (40.0, 1e9))
    """Per level: smallest and largest longer side, network pixels, that it answers for in our recipes. A cell
    of P5 is 32 px wide and places a 4 px target to a pixel only by luck."""

    base_channels: int
    """b: channels at 1/2; 80 for the full model, 8 for the reduced. Divisible by 4."""

    depth: int
    """n: bottlenecks in each C3."""

    saliency_resolution: HeadResolution = "half"
    """Where the saliency head runs; see :class:`edge_irdet.network.heads.SaliencyHead`."""

    classes: int = 1
    """Number of target classes."""

    backbone: Literal["siwd", "csp"] = "siwd"
    """``siwd`` is the paper's; ``csp`` is YOLOv5 v5.0's (ablation of Table VII)."""

    fusion: Fusion = "add"
    """How SIWD joins its shortcut; see :class:`edge_irdet.network.blocks.SIWD`."""

    feature_extraction: bool = True
    """The saliency module's up and down path (ablation of Table V). Without it: YOLOv5's neck."""

    saliency_head: bool = True
    """The saliency head (ablation of Table V); needs ``feature_extraction``."""

    def __post_init__(self) -> None:
        if self.base_channels < 4 or self.base_channels % 4:
            raise OptionError(
                f"base_channels is {self.base_channels}; SIWD splits its output in four",
                "choose a positive multiple of 4",
            )
        if self.depth < 1 or self.classes < 1:
            raise OptionError(
                f"depth is {self.depth} and classes is {self.classes}; both start at 1",
                "choose at least 1 for both",
            )
        if self.saliency_head and not self.feature_extraction:
            raise OptionError(
                "the saliency head reads the feature extraction's FF1, and feature_extraction is off",
                "switch both off, or both on",
            )


class LightSGMTLM(Network):
    """The paper's network.

    Args:
        config: variant and ablation switches.
        anchors: [level][anchor] = (width, height) in network pixels.
    """

    def __init__(self, config: NetworkConfig, anchors: Anchors = DEFAULT_ANCHORS) -> None:
        super().__init__()
        self.config = config
        b, n = config.base_channels, config.depth
        if config.backbone == "siwd":
            self.backbone = SIWDBackbone((b, 2 * b, 4 * b, 8 * b, 16 * b), config.fusion)
        else:
            self.backbone = CSPBackbone(b, n)
        self.fpn = FPN(b, n)
        self.sal = SaliencyPath(b, n) if config.feature_extraction else None
        self.salhead = SaliencyHead(b, n, config.saliency_resolution) if config.saliency_head else None
        self.pan = PAN(b, n)
        self.det = DetectionHead((4 * b, 8 * b, 16 * b), config.strides, config.classes, anchors)

    def forward(self, image: Tensor) -> NetworkOutput:
        """Image [B, 3, H, W], 0..1, H and W multiples of 32 -> raw predictions and saliency logits."""
        x1, x2, x3, x4, x5 = self.backbone(image)
        y, l4, l5 = self.fpn(x3, x4, x5)
        saliency = None
        p3 = y
        if self.sal is not None:
            ff1, p3 = self.sal(x1, x2, y)
            if self.salhead is not None:
                saliency = self.salhead(ff1)
        return NetworkOutput(self.det(self.pan(p3, l4, l5)), saliency)

    def halve_saliency_resolution(self, halved: bool) -> None:
        """See :class:`edge_irdet.network.network.Network`."""
        if isinstance(self.salhead, SaliencyHead):
            self.salhead.resolution = "half" if halved else self.config.saliency_resolution
