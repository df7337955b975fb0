"""The backbones: SIWD stages as the paper has them, and YOLOv5's for the ablation "without SIWD"."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from edge_irdet.network.blocks import C3, CBS, SIWD, SPP, Focus, Fusion

INPUT_CHANNELS = 3


class Backbone(nn.Module):
    """Stages that each halve the resolution and read the one before.

    Args:
        stages: the stages, the first of which reads the image.
    """

    def __init__(self, stages: Sequence[nn.Module]) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)

    def forward(self, image: Tensor) -> list[Tensor]:
        """[B, 3, H, W] -> X1, X2, ..., X_i at ``1 / 2^i``."""
        outputs = []
        features = image
        for stage in self.stages:
            features = stage(features)
            outputs.append(features)
        return outputs


class SIWDBackbone(Backbone):
    """X1, X2, ... = one SIWD a width, at 1/2, 1/4, ...

    Args:
        widths: channels of the stages; the paper's are b, 2b, 4b, 8b, 16b with b = 80 (Table I).
        fusion: see :class:`edge_irdet.network.blocks.SIWD`.
    """

    def __init__(self, widths: Sequence[int], fusion: Fusion = "add") -> None:
        super().__init__([SIWD(narrow, wide, fusion) for narrow, wide in pairwise((INPUT_CHANNELS, *widths))])


class CSPBackbone(Backbone):
    """YOLOv5 v5.0's backbone: Focus, C3 with residuals of depth n, 3n, 3n, n, and SPP.

    Args:
        base_channels: b, width of the stem.
        depth: n.
    """

    def __init__(self, base_channels: int, depth: int) -> None:
        b, n = base_channels, depth
        super().__init__(
            (
                Focus(INPUT_CHANNELS, b),
                nn.Sequential(CBS(b, 2 * b, (3, 3), 2), C3(2 * b, 2 * b, n, residual=True)),
                nn.Sequential(CBS(2 * b, 4 * b, (3, 3), 2), C3(4 * b, 4 * b, 3 * n, residual=True)),
                nn.Sequential(CBS(4 * b, 8 * b, (3, 3), 2), C3(8 * b, 8 * b, 3 * n, residual=True)),
                nn.Sequential(CBS(8 * b, 16 * b, (3, 3), 2), SPP(16 * b), C3(16 * b, 16 * b, n)),
            )
        )
