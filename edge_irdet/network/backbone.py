"""The two backbones: the paper's five SIWD stages, and YOLOv5's for the ablation "without SIWD"."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from edge_irdet.network.blocks import C3, CBS, SIWD, SPP, Focus, Fusion

INPUT_CHANNELS = 3


class SIWDBackbone(nn.Module):
    """X1..X5 = SIWD 3 -> b -> 2b -> 4b -> 8b -> 16b at 1/2 .. 1/32 (the paper's Table I, b = 80).

    Args:
        base_channels: b.
        fusion: see :class:`edge_irdet.network.blocks.SIWD`.
    """

    def __init__(self, base_channels: int, fusion: Fusion) -> None:
        super().__init__()
        b = base_channels
        widths = (INPUT_CHANNELS, b, 2 * b, 4 * b, 8 * b, 16 * b)
        self.stages = nn.ModuleList(SIWD(narrow, wide, fusion) for narrow, wide in pairwise(widths))

    def forward(self, image: Tensor) -> list[Tensor]:
        """[B, 3, H, W] -> X1..X5, X_i of ``2^(i-1) b`` channels at ``1 / 2^i``."""
        outputs = []
        features = image
        for stage in self.stages:
            features = stage(features)
            outputs.append(features)
        return outputs


class CSPBackbone(nn.Module):
    """YOLOv5 v5.0's backbone: Focus, C3 with residuals of depth n, 3n, 3n, n, and SPP.

    Args:
        base_channels: b, width of the stem.
        depth: n.
    """

    def __init__(self, base_channels: int, depth: int) -> None:
        super().__init__()
        b, n = base_channels, depth
        self.stages = nn.ModuleList(
            (
                Focus(INPUT_CHANNELS, b),
                nn.Sequential(CBS(b, 2 * b, (3, 3), 2), C3(2 * b, 2 * b, n, residual=True)),
                nn.Sequential(CBS(2 * b, 4 * b, (3, 3), 2), C3(4 * b, 4 * b, 3 * n, residual=True)),
                nn.Sequential(CBS(4 * b, 8 * b, (3, 3), 2), C3(8 * b, 8 * b, 3 * n, residual=True)),
                nn.Sequential(CBS(8 * b, 16 * b, (3, 3), 2), SPP(16 * b), C3(16 * b, 16 * b, n)),
            )
        )

    def forward(self, image: Tensor) -> list[Tensor]:
        """[B, 3, H, W] -> X1..X5, X_i of ``2^(i-1) b`` channels at ``1 / 2^i``."""
        outputs = []
        features = image
        for stage in self.stages:
            features = stage(features)
            outputs.append(features)
        return outputs
