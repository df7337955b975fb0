"""Non-maximum suppression in the three rules of the package, class by class, best score first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_irdet.detection.detections import Detections
from edge_irdet.package import NmsRule, PostprocessSpec

MAX_CANDIDATES = 3000
"""Boxes that enter suppression, the best; more never carry a target and would cost the frame its time."""


def select(boxes: NDArray[np.float32], scores: NDArray[np.float32], spec: PostprocessSpec) -> Detections:
    """Threshold and suppress one frame's decoded boxes, as YOLOv5: best class a box, class-wise suppression.

    Equal scores keep the graph's order, so that every implementation returns the same list.

    Args:
        boxes: [N, 4] xyxy in network pixels.
        scores: [N, classes].
        spec: threshold, rule and limits.

    Returns:
        Detections in network pixels, best first.
    """
    classes = scores.argmax(1) if scores.shape[1] > 1 else np.zeros(len(scores), np.int64)
    best = scores[np.arange(len(scores)), classes] if scores.shape[1] > 1 else scores[:, 0]
    candidates = np.flatnonzero(best >= spec.score_threshold)
    order = candidates[np.argsort(-best[candidates], kind="stable")][:MAX_CANDIDATES]
    kept = _suppress(boxes[order], classes[order], spec)
    chosen = order[kept]
    return Detections(boxes[chosen], best[chosen], classes[chosen].astype(np.int64, copy=False))


def _suppress(
    boxes: NDArray[np.float32], classes: NDArray[np.int64], spec: PostprocessSpec
) -> NDArray[np.int64]:
    # Greedy over the score order: one vectorised row for each box kept, so the work is kept x candidates.
    alive = np.ones(len(boxes), np.bool_)
    kept: list[int] = []
    for index in range(len(boxes)):
        if not alive[index]:
            continue
        kept.append(index)
        if len(kept) == spec.max_detections:
            break
        rest = slice(index + 1, None)
        same = _same_target(boxes[index], boxes[rest], spec) & (classes[rest] == classes[index])
        alive[rest] &= ~same
    return np.array(kept, np.int64)


def _same_target(
    box: NDArray[np.float32], others: NDArray[np.float32], spec: PostprocessSpec
) -> NDArray[np.bool_]:
    if spec.nms is NmsRule.IOU:
        corner_low = np.maximum(box[:2], others[:, :2])
        corner_high = np.minimum(box[2:], others[:, 2:])
        overlap = np.maximum(corner_high - corner_low, 0).prod(1)
        area = (box[2] - box[0]) * (box[3] - box[1])
        areas = (others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1])
        # Compared as a product: a union of zero must not divide.
        result: NDArray[np.bool_] = overlap > spec.nms_limit * (area + areas - overlap)
        return result
    centre_square = ((others[:, :2] + others[:, 2:] - box[:2] - box[2:]) * 0.5) ** 2
    if spec.nms is NmsRule.DISTANCE:
        near: NDArray[np.bool_] = centre_square.sum(1) < spec.nms_limit**2
        return near
    size_square = ((others[:, 2:] - others[:, :2] - (box[2:] - box[:2])) * 0.5) ** 2
    distance = np.sqrt(centre_square.sum(1) + size_square.sum(1))
    alike: NDArray[np.bool_] = np.exp(-distance / spec.nwd_scale) > spec.nms_limit
    return alike
