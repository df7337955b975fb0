"""The two heads: saliency map and anchor-based detection."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from edge_irdet.network.blocks import C3
from edge_irdet.network.neck import Bilinear2x

ANCHORS_PER_LEVEL = 3

HeadResolution = Literal["half", "full"]

Anchors = tuple[tuple[tuple[float, float], ...], ...]
"""Anchors [level][anchor] = (width, height) in network pixels."""


class SaliencyHead(nn.Module):
    """R(.), Conv6, Conv7 of eq. 3; returns logits, the sigmoid is the caller's.

    Args:
        base_channels: b, channels of FF1.
        depth: bottlenecks in its C3 (the paper's CSPS).
        resolution: ``"half"`` runs at 1/2 and up-samples the logits (full model), ``"full"`` up-samples FF1
            first and runs at input resolution (the reduced model's published counts). The weights do not
            depend on it.
    """

    def __init__(self, base_channels: int, depth: int, resolution: HeadResolution) -> None:
        super().__init__()
        hidden = base_channels // 2
        self.up = Bilinear2x()
        self.csps = C3(base_channels, hidden, depth)
        self.conv6 = nn.Conv2d(hidden, 8, 1)
        self.conv7 = nn.Conv2d(8, 1, 1)
        self.resolution: HeadResolution = resolution

    def forward(self, ff1: Tensor) -> Tensor:
        """[B, b, H/2, W/2] -> logits [B, 1, H, W]."""
        features = self.up(ff1) if self.resolution == "full" else ff1
        logits: Tensor = self.conv7(self.conv6(self.csps(features)))
        return self.up(logits) if self.resolution == "half" else logits


class DetectionHead(nn.Module):
    """1x1 convolution to ``3 * (5 + classes)`` on each level, as YOLOv5.

    Args:
        channels: channels of the levels, finest first.
        strides: network pixels a cell of the levels.
        classes: number of classes.
        anchors: [level][anchor] = (width, height) in network pixels; kept as a buffer, so that a checkpoint
            carries them.
    """

    anchors: Tensor

    def __init__(
        self, channels: Sequence[int], strides: Sequence[int], classes: int, anchors: Anchors
    ) -> None:
        super().__init__()
        self.strides = tuple(strides)
        self.classes = classes
        outputs = ANCHORS_PER_LEVEL * (5 + classes)
        self.convs = nn.ModuleList(nn.Conv2d(width, outputs, 1) for width in channels)
        self.register_buffer("anchors", torch.tensor(anchors, dtype=torch.float32))
        self._start_biases_at_prior()

    def _start_biases_at_prior(self) -> None:
        # YOLOv5: about 8 objects in a 640 px image, and 0.6 / (classes - 1) as class frequency.
        for conv, stride in zip(self.convs, self.strides, strict=True):
            assert isinstance(conv, nn.Conv2d)
            assert conv.bias is not None
            bias = conv.bias.detach().view(ANCHORS_PER_LEVEL, -1)
            bias[:, 4] += math.log(8 / (640 / stride) ** 2)
            bias[:, 5:] += math.log(0.6 / (self.classes - 0.99))

    def forward(self, levels: Sequence[Tensor]) -> list[Tensor]:
        """Levels [B, C, H/s, W/s] -> raw [B, 3, H/s, W/s, 5 + classes] (x, y, w, h, object, classes)."""
        outputs = []
        for conv, features in zip(self.convs, levels, strict=True):
            raw: Tensor = conv(features)
            batch, _, height, width = raw.shape
            raw = raw.view(batch, ANCHORS_PER_LEVEL, 5 + self.classes, height, width)
            outputs.append(raw.permute(0, 1, 3, 4, 2))
        return outputs
