"""Non-maximum suppression in the three rules of the package, class by class, best score first."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_irdet.detection.detections import Detections
from edge_irdet.errors import RunnerError
from edge_irdet.package import EXPORT_STEP, NmsRule, PostprocessSpec

HIGHEST_SCORE = 1.0 + 1e-5
"""Scores are products of sigmoids; fast arithmetic on a GPU may end a last digit above 1."""

FARTHEST = 1e6
"""Coordinates in network pixels beyond this are no place; sides end at 16384."""

NEXT_STEP = (
    "compare the runtime with the CPU (--runtime cpu); if both do it, export or calibrate the package again"
)

MAX_CANDIDATES = 3000
"""Boxes that enter suppression, the best; more never carry a target and would cost the frame its time."""


def select_detections(
    boxes: NDArray[np.float32], scores: NDArray[np.float32], spec: PostprocessSpec
) -> Detections:
    """Threshold and suppress one frame's decoded boxes, as YOLOv5: best class a box, class-wise suppression.

    Equal scores keep the graph's order, and threshold and limits are compared as float32, so that every
    implementation returns the same list.

    Args:
        boxes: [N, 4] xyxy in network pixels.
        scores: [N, classes].
        spec: threshold, rule and limits.

    Returns:
        Detections in network pixels, best first.

    Raises:
        RunnerError: boxes and scores differ in number or are no such arrays; a score is not a number in 0..1;
            or a box above the threshold has a coordinate that is not finite or beyond :data:`FARTHEST`. Such
            a frame is never taken for one without targets, nor is its box passed on.
    """
    if boxes.ndim != 2 or boxes.shape[1] != 4 or scores.ndim != 2 or len(scores) != len(boxes):
        raise RunnerError(
            f"the graph gave boxes {list(boxes.shape)} and scores {list(scores.shape)}, "
            "not [N, 4] and [N, classes]",
            EXPORT_STEP,
        )
    if scores.shape[1] == 1:
        classes, best = None, scores[:, 0]
    else:
        classes, best = scores.argmax(1), scores.max(1)
    _require_scores(scores)
    # Methods of the arrays, and few of them: after an inference each NumPy function is new to the caches and
    # costs some 20 to 50 us the first time, whatever it works on.
    candidates = (best >= np.float32(spec.score_threshold)).nonzero()[0]
    if not candidates.size:
        return Detections.none()
    order = candidates[(-best[candidates]).argsort(kind="stable")][:MAX_CANDIDATES]
    boxes_in_order = boxes[order]
    _require_boxes(boxes_in_order)
    chosen = order[_suppress(boxes_in_order, None if classes is None else classes[order], spec)]
    found_classes = np.zeros(len(chosen), np.int64) if classes is None else classes[chosen]
    return Detections(boxes[chosen], best[chosen], found_classes.astype(np.int64, copy=False))


def _require_scores(scores: NDArray[np.float32]) -> None:
    # A single NaN makes both of them NaN, for which no comparison holds.
    if scores.size and not (scores.min() >= 0.0 and scores.max() <= HIGHEST_SCORE):
        wrong = scores[~((scores >= 0.0) & (scores <= HIGHEST_SCORE))]
        raise RunnerError(
            f"the graph gave {len(wrong)} of {scores.size} scores that are not in 0..1, such as {wrong[0]}",
            NEXT_STEP,
        )


def _require_boxes(boxes: NDArray[np.float32]) -> None:
    sound = (np.abs(boxes) <= FARTHEST).all(1)  # which no NaN is
    if not sound.all():
        wrong = boxes[~sound][0]
        raise RunnerError(
            f"the graph gave the box {wrong.tolist()} above the score threshold",
            NEXT_STEP,
        )


def _suppress(
    boxes: NDArray[np.float32], classes: NDArray[np.int64] | None, spec: PostprocessSpec
) -> list[int]:
    # Greedy over the score order: one vectorised row for each box kept, against those that are left.
    same_target = _RULES[spec.nms](boxes, spec)
    left = np.arange(len(boxes))
    kept: list[int] = []
    while left.size and len(kept) < spec.max_detections:
        best, left = int(left[0]), left[1:]
        kept.append(best)
        if left.size:
            other = ~same_target(best, left)
            if classes is not None:
                other |= classes[left] != classes[best]
            left = left[other]
    return kept


SameTarget = Callable[[int, NDArray[np.int64]], NDArray[np.bool_]]
"""Which of several boxes, by index, are the same target as one box."""

# In each rule the order of the operations is part of the contract: another one has another last bit.


def _by_iou(boxes: NDArray[np.float32], spec: PostprocessSpec) -> SameTarget:
    """``overlap > limit * (area + areas - overlap)``, all in float32."""
    limit = np.float32(spec.nms_limit)

    def same_target(one: int, left: NDArray[np.int64]) -> NDArray[np.bool_]:
        box, others = boxes[one], boxes[left]
        sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
        np.maximum(sides, 0, out=sides)
        overlap = sides[:, 0] * sides[:, 1]
        area = (box[2] - box[0]) * (box[3] - box[1])
        areas = (others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1])
        # Compared as a product: a union of zero must not divide.
        result: NDArray[np.bool_] = overlap > limit * (area + areas - overlap)
        return result

    return same_target


def _by_distance(boxes: NDArray[np.float32], spec: PostprocessSpec) -> SameTarget:
    """``dx^2 + dy^2 < limit^2``, all in float32."""
    limit = np.float32(spec.nms_limit)

    def same_target(one: int, left: NDArray[np.int64]) -> NDArray[np.bool_]:
        square = _centre_square(boxes[one], boxes[left])
        near: NDArray[np.bool_] = square[:, 0] + square[:, 1] < limit * limit
        return near

    return same_target


def _by_nwd(boxes: NDArray[np.float32], spec: PostprocessSpec) -> SameTarget:
    """``exp(-d / C) > limit`` as ``d^2 < (C ln(1 / limit))^2`` in double.

    No exponential of a distance: its last bit differs between processors. The limit is rounded to float32
    first, as in the other rules.
    """
    wide = boxes.astype(np.float64)
    reach = spec.nwd_scale * math.log(1.0 / float(np.float32(spec.nms_limit)))

    def same_target(one: int, left: NDArray[np.int64]) -> NDArray[np.bool_]:
        box, others = wide[one], wide[left]
        centre = _centre_square(box, others)
        size = ((others[:, 2:] - others[:, :2] - (box[2:] - box[:2])) * 0.5) ** 2
        alike: NDArray[np.bool_] = (centre[:, 0] + centre[:, 1]) + (size[:, 0] + size[:, 1]) < reach * reach
        return alike

    return same_target


def _centre_square(box: NDArray[Any], others: NDArray[Any]) -> NDArray[Any]:
    """[N, 2] squares of the differences of the centres."""
    result: NDArray[Any] = ((others[:, :2] + others[:, 2:] - box[:2] - box[2:]) * 0.5) ** 2
    return result


_RULES: dict[NmsRule, Callable[[NDArray[np.float32], PostprocessSpec], SameTarget]] = {
    NmsRule.IOU: _by_iou,
    NmsRule.DISTANCE: _by_distance,
    NmsRule.NWD: _by_nwd,
}
