"""YOLOv5's decode of the raw predictions, shared by validation and export so that there is one of it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def decode_boxes(raw: Tensor, cells: Tensor, anchors: Tensor, stride: int) -> Tensor:
    """Decode raw box predictions.

    ``xy = (2 sigmoid(t) - 0.5 + cell) * stride`` and ``wh = (2 sigmoid(t))^2 * anchor``.

    Args:
        raw: [..., 4] predictions x, y, w, h.
        cells: [..., 2] cell column and row, broadcastable against ``raw[..., :2]``.
        anchors: [..., 2] anchor width and height in network pixels, broadcastable likewise.
        stride: network pixels a cell.

    Returns:
        [..., 4] centre x, centre y, width, height in network pixels.
    """
    unit = raw.sigmoid() * 2
    centre = (unit[..., :2] - 0.5 + cells) * stride
    size = unit[..., 2:4] * unit[..., 2:4] * anchors
    return torch.cat((centre, size), -1)


def cell_grid(height: int, width: int, device: torch.device) -> Tensor:
    """[height, width, 2] column and row of each cell, float32."""
    rows, columns = torch.meshgrid(
        torch.arange(height, device=device), torch.arange(width, device=device), indexing="ij"
    )
    return torch.stack((columns, rows), -1).float()


def decode_levels(levels: Sequence[Tensor], anchors: Tensor, strides: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Decode all levels, in FP32 whatever the dtype of the network.

    Args:
        levels: as :class:`edge_irdet.network.network.NetworkOutput` gives them.
        anchors: [levels, 3, 2] in network pixels.
        strides: network pixels a cell of each level.

    Returns:
        Boxes [B, N, 4] left, top, right, bottom in network pixels, and scores [B, N, classes] =
        ``sigmoid(object) * sigmoid(class)``. N runs over levels, anchors, rows, columns, in that order.
    """
    boxes, scores = [], []
    for raw, level_anchors, stride in zip(levels, anchors, strides, strict=True):
        raw = raw.float()
        batch, _, height, width, outputs = raw.shape
        cells = cell_grid(height, width, raw.device)
        decoded = decode_boxes(raw[..., :4], cells, level_anchors.float()[:, None, None, :], stride)
        half = decoded[..., 2:] * 0.5
        corners = torch.cat((decoded[..., :2] - half, decoded[..., :2] + half), -1)
        boxes.append(corners.reshape(batch, -1, 4))
        score = raw[..., 4:5].sigmoid() * raw[..., 5:].sigmoid()
        scores.append(score.reshape(batch, -1, outputs - 5))
    return torch.cat(boxes, 1), torch.cat(scores, 1)
