"""Building blocks: CBS, C3, SIWD, and the YOLOv5 blocks that the ablations need.

Shapes are ``[batch, channels, height, width]``, dtype float32 (or the autocast dtype).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

BATCH_NORM_EPS = 1e-3
BATCH_NORM_MOMENTUM = 0.03

Fusion = Literal["add", "concat"]


class CBS(nn.Module):
    """Convolution without bias, batch normalisation, SiLU; the paper's "CBS".

    Args:
        in_channels, out_channels: channels of input and output.
        kernel: (height, width) of the kernel.
        stride: stride of both axes.
        dilation: dilation of both axes; padding keeps ``size / stride``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: tuple[int, int] = (1, 1),
        stride: int = 1,
        dilation: int = 1,
    ) -> None:
        super().__init__()
        padding = (dilation * (kernel[0] - 1) // 2, dilation * (kernel[1] - 1) // 2)
        self.conv = nn.Conv2d(
            in_channels, out_channels, kernel, stride, padding, dilation=dilation, bias=False
        )
        self.bn = nn.BatchNorm2d(out_channels, eps=BATCH_NORM_EPS, momentum=BATCH_NORM_MOMENTUM)
        self.act = nn.SiLU(inplace=True)

    def forward(self, features: Tensor) -> Tensor:
        """[B, in, H, W] -> [B, out, H / stride, W / stride]."""
        out: Tensor = self.act(self.bn(self.conv(features)))
        return out


class Bottleneck(nn.Module):
    """1x1 then 3x3 convolution at constant width, with YOLOv5's residual add or without (the paper)."""

    def __init__(self, channels: int, residual: bool) -> None:
        super().__init__()
        self.cv1 = CBS(channels, channels)
        self.cv2 = CBS(channels, channels, (3, 3))
        self.residual = residual

    def forward(self, features: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C, H, W]."""
        out: Tensor = self.cv2(self.cv1(features))
        return features + out if self.residual else out


class C3(nn.Module):
    """Cross-stage partial block; with ``residual=False`` it is the paper's CSPF and CSPS (Fig. 2 and 3).

    Args:
        in_channels, out_channels: channels of input and output; the two paths have ``out_channels // 2``.
        depth: number of bottlenecks on the main path.
        residual: add each bottleneck's input to its output (YOLOv5's backbone does, the paper does not).
    """

    def __init__(self, in_channels: int, out_channels: int, depth: int, residual: bool = False) -> None:
        super().__init__()
        hidden = out_channels // 2
        self.cv1 = CBS(in_channels, hidden)
        self.cv2 = CBS(in_channels, hidden)
        self.cv3 = CBS(2 * hidden, out_channels)
        self.m = nn.Sequential(*(Bottleneck(hidden, residual) for _ in range(depth)))

    def forward(self, features: Tensor) -> Tensor:
        """[B, in, H, W] -> [B, out, H, W]."""
        out: Tensor = self.cv3(torch.cat((self.m(self.cv1(features)), self.cv2(features)), 1))
        return out


class SIWD(nn.Module):
    """Simple inception with dilation, the paper's down-sampling stage (eq. 4 and 5, Table I).

    Five branches read the input at stride 2: a 1x1; three pairs of 1x3 and 3x1 with dilation 1, 3 and 5, each
    pair added; and a 1x1 shortcut. The first four are concatenated and mixed by a 1x1.

    Args:
        in_channels, out_channels: channels of input and output; ``out_channels`` divisible by 4.
        fusion: ``"add"`` sums the mixed branches and the shortcut, which is what the published parameter and
            operation counts need. ``"concat"`` is the text taken literally (eq. 4 and 6): both halves have
            ``out_channels / 2`` and are concatenated.
    """

    def __init__(self, in_channels: int, out_channels: int, fusion: Fusion = "add") -> None:
        super().__init__()
        quarter = out_channels // 4
        fused = out_channels if fusion == "add" else out_channels // 2
        self.b1 = CBS(in_channels, quarter, stride=2)
        self.h = nn.ModuleList(CBS(in_channels, quarter, (1, 3), 2, dilation) for dilation in (1, 3, 5))
        self.v = nn.ModuleList(CBS(in_channels, quarter, (3, 1), 2, dilation) for dilation in (1, 3, 5))
        self.pw = CBS(out_channels, fused)
        self.b5 = CBS(in_channels, fused, stride=2)
        self.fusion: Fusion = fusion

    def forward(self, features: Tensor) -> Tensor:
        """[B, in, H, W] -> [B, out, H / 2, W / 2]."""
        branches = [self.b1(features)]
        branches += [
            horizontal(features) + vertical(features)
            for horizontal, vertical in zip(self.h, self.v, strict=True)
        ]
        mixed: Tensor = self.pw(torch.cat(branches, 1))
        shortcut: Tensor = self.b5(features)
        return mixed + shortcut if self.fusion == "add" else torch.cat((mixed, shortcut), 1)


class Focus(nn.Module):
    """YOLOv5 v5.0's stem: space to depth by 2, then a 3x3 convolution."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = CBS(4 * in_channels, out_channels, (3, 3))

    def forward(self, features: Tensor) -> Tensor:
        """[B, in, H, W] -> [B, out, H / 2, W / 2]."""
        planes = (
            features[..., ::2, ::2],
            features[..., 1::2, ::2],
            features[..., ::2, 1::2],
            features[..., 1::2, 1::2],
        )
        out: Tensor = self.conv(torch.cat(planes, 1))
        return out


class SPP(nn.Module):
    """Spatial pyramid pooling of YOLOv5 v5.0, kernels 5, 9 and 13."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = channels // 2
        self.cv1 = CBS(channels, hidden)
        self.cv2 = CBS(4 * hidden, channels)
        self.pools = nn.ModuleList(nn.MaxPool2d(kernel, 1, kernel // 2) for kernel in (5, 9, 13))

    def forward(self, features: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C, H, W]."""
        features = self.cv1(features)
        out: Tensor = self.cv2(torch.cat([features, *(pool(features) for pool in self.pools)], 1))
        return out
