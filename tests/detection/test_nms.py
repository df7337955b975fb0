from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge_irdet.detection.nms import select_detections
from edge_irdet.errors import RunnerError
from edge_irdet.manifest_limits import LEAST_LIMIT
from edge_irdet.package import NmsRule, PostprocessSpec


def same_target(first: NDArray[np.float32], second: NDArray[np.float32], spec: PostprocessSpec) -> bool:
    """The three rules once more, box by box in plain arithmetic."""
    limit = float(np.float32(spec.nms_limit))
    a, b = [float(v) for v in first], [float(v) for v in second]
    if spec.nms is NmsRule.IOU:
        width = min(a[2], b[2]) - max(a[0], b[0])
        height = min(a[3], b[3]) - max(a[1], b[1])
        overlap = max(width, 0) * max(height, 0)
        union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - overlap
        return overlap > limit * union
    dx, dy = (a[0] + a[2] - b[0] - b[2]) / 2, (a[1] + a[3] - b[1] - b[3]) / 2
    if spec.nms is NmsRule.DISTANCE:
        return dx * dx + dy * dy < limit**2
    dw, dh = (a[2] - a[0] - b[2] + b[0]) / 2, (a[3] - a[1] - b[3] + b[1]) / 2
    return dx * dx + dy * dy + dw * dw + dh * dh < (spec.nwd_scale * math.log(1 / limit)) ** 2


def naive(boxes: NDArray[np.float32], scores: NDArray[np.float32], spec: PostprocessSpec) -> list[int]:
    best, classes = scores.max(1), scores.argmax(1)
    order = sorted(
        (i for i in range(len(boxes)) if best[i] >= spec.score_threshold), key=lambda i: (-best[i], i)
    )
    kept: list[int] = []
    for index in order:
        if all(
            classes[index] != classes[other] or not same_target(boxes[other], boxes[index], spec)
            for other in kept
        ):
            kept.append(index)
    return kept[: spec.max_detections]


def random_boxes(seed: int, count: int, classes: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    generator = np.random.default_rng(seed)
    # A grid of quarters makes equal scores, touching boxes and exact duplicates likely.
    corner = generator.integers(0, 60, (count, 2)) / 4
    size = generator.integers(0, 24, (count, 2)) / 4
    boxes = np.concatenate((corner, corner + size), 1).astype(np.float32)
    scores = (generator.integers(0, 9, (count, classes)) / 8).astype(np.float32)
    return boxes, scores


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(0, 40),
    st.integers(1, 3),
    st.sampled_from([(NmsRule.IOU, 0.45), (NmsRule.DISTANCE, 2.9), (NmsRule.NWD, 0.61)]),
    st.integers(1, 12),
)
def test_it_is_greedy_suppression(
    seed: int, count: int, classes: int, rule: tuple[NmsRule, float], limit: int
) -> None:
    boxes, scores = random_boxes(seed, count, classes)
    spec = PostprocessSpec(score_threshold=0.2, nms=rule[0], nms_limit=rule[1], max_detections=limit)
    found = select_detections(boxes, scores, spec)
    kept = naive(boxes, scores, spec)
    np.testing.assert_array_equal(found.boxes, boxes[kept].reshape(-1, 4))
    np.testing.assert_array_equal(found.scores, scores[kept].max(1, initial=0).reshape(-1))
    np.testing.assert_array_equal(found.classes, scores[kept].argmax(1) if kept else np.zeros(0))
    assert found.boxes.dtype == found.scores.dtype == np.float32
    assert found.classes.dtype == np.int64
    assert (np.diff(found.scores) <= 0).all()


def test_close_small_targets_survive_by_distance_and_not_by_iou() -> None:
    """The paper's own limit: two 6 px boxes 3.2 px apart are one target to IoU 0.3."""
    boxes = np.array([[10, 10, 16, 16], [13.2, 10, 19.2, 16]], np.float32)
    scores = np.array([[0.9], [0.8]], np.float32)
    by_iou = PostprocessSpec(nms=NmsRule.IOU, nms_limit=0.3)
    by_distance = PostprocessSpec(nms=NmsRule.DISTANCE, nms_limit=3.0)
    assert len(select_detections(boxes, scores, by_iou)) == 1
    assert len(select_detections(boxes, scores, by_distance)) == 2


def test_other_classes_do_not_suppress() -> None:
    boxes = np.array([[0, 0, 4, 4]] * 2, np.float32)
    scores = np.array([[0.9, 0.1], [0.1, 0.8]], np.float32)
    assert select_detections(boxes, scores, PostprocessSpec()).classes.tolist() == [0, 1]


@pytest.mark.parametrize("rule", list(NmsRule))
def test_boxes_without_area_do_not_divide_by_zero(rule: NmsRule) -> None:
    boxes = np.zeros((3, 4), np.float32)
    scores = np.array([[0.5], [0.6], [0.7]], np.float32)
    with np.errstate(all="raise"):
        found = select_detections(boxes, scores, PostprocessSpec(nms=rule, nms_limit=0.5))
    assert len(found) == (3 if rule is NmsRule.IOU else 1)


def test_the_threshold_itself_passes() -> None:
    boxes = np.array([[0, 0, 4, 4]], np.float32)
    spec = PostprocessSpec(score_threshold=0.25)
    assert len(select_detections(boxes, np.array([[0.25]], np.float32), spec)) == 1
    below = np.array([[np.nextafter(np.float32(0.25), np.float32(0))]])
    assert len(select_detections(boxes, below, spec)) == 0


def test_the_threshold_is_rounded_to_the_scores_type() -> None:
    boxes = np.array([[0, 0, 4, 4]], np.float32)
    for threshold in (0.1, 0.3, 0.7, 0.95):  # rounded up, up, down, down
        scores = np.array([[threshold]], np.float32)
        assert len(select_detections(boxes, scores, PostprocessSpec(score_threshold=threshold))) == 1
        below = np.nextafter(scores, np.float32(0))
        assert len(select_detections(boxes, below, PostprocessSpec(score_threshold=threshold))) == 0


@pytest.mark.parametrize(
    ("spec", "second", "kept"),
    [
        # 2.9 as float32, squared, is a step above 2.9 squared as float32.
        (PostprocessSpec(nms=NmsRule.DISTANCE, nms_limit=2.9), (2.0121798515319824, 2.088332414627075), 1),
        # On either side of C ln(1 / 0.6), where the float32 exponential says the contrary.
        (PostprocessSpec(nms=NmsRule.NWD, nms_limit=0.6), (0.3176638185977936, 4.074239253997803), 1),
        (PostprocessSpec(nms=NmsRule.NWD, nms_limit=0.6), (3.5506064891815186, 2.023247480392456), 2),
    ],
)
def test_at_a_limit_the_stated_arithmetic_decides(
    spec: PostprocessSpec, second: tuple[float, float], kept: int
) -> None:
    corner = np.array(second, np.float32)
    size = np.float32(4 if spec.nms is NmsRule.NWD else 0)
    boxes = np.array([[0, 0, size, size], [*corner, *(corner + size)]], np.float32)
    scores = np.array([[0.9], [0.8]], np.float32)
    assert len(select_detections(boxes, scores, spec)) == kept


def test_an_nwd_limit_of_one_suppresses_nothing_and_the_least_one_all_that_is_near() -> None:
    boxes = np.array([[0, 0, 4, 4], [0, 0, 4, 4], [90, 90, 94, 94]], np.float32)
    scores = np.array([[0.9], [0.8], [0.7]], np.float32)
    most = PostprocessSpec(nms=NmsRule.NWD, nms_limit=1.0)
    least = PostprocessSpec(nms=NmsRule.NWD, nms_limit=LEAST_LIMIT)
    assert len(select_detections(boxes, scores, most)) == 3
    assert len(select_detections(boxes, scores, least)) == 1
    with pytest.raises(ValueError, match="limit"):
        PostprocessSpec(nms=NmsRule.NWD, nms_limit=1e-40)


def test_nothing_above_the_threshold() -> None:
    found = select_detections(np.zeros((5, 4), np.float32), np.zeros((5, 2), np.float32), PostprocessSpec())
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)


@pytest.mark.parametrize("score", [np.nan, np.inf, -np.inf, -0.01, 1.5])
@pytest.mark.parametrize("classes", [1, 3])
def test_a_score_that_is_none_is_an_error_and_not_an_empty_frame(score: float, classes: int) -> None:
    boxes = np.tile(np.array([[0, 0, 4, 4]], np.float32), (5, 1))
    scores = np.full((5, classes), 0.1, np.float32)
    scores[3, classes - 1] = score
    with pytest.raises(RunnerError, match=f"1 of {5 * classes} scores that are not in"):
        select_detections(boxes, scores, PostprocessSpec())


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_box_that_is_none_is_an_error_above_the_threshold_only(value: float) -> None:
    boxes = np.array([[0, 0, 4, 4], [9, 9, value, 12]], np.float32)
    low, high = np.array([[0.9], [0.1]], np.float32), np.array([[0.9], [0.8]], np.float32)
    assert len(select_detections(boxes, low, PostprocessSpec())) == 1
    with pytest.raises(RunnerError, match="the box"):
        select_detections(boxes, high, PostprocessSpec())


def test_the_last_digit_above_one_is_rounding() -> None:
    boxes = np.array([[0, 0, 4, 4]], np.float32)
    scores = np.array([[np.nextafter(np.float32(1), np.float32(2))]], np.float32)
    assert len(select_detections(boxes, scores, PostprocessSpec())) == 1
