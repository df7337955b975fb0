from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_irdet.errors import OptionError
from edge_irdet.evaluation.detection_probability import DetectionProbability

NO_BOXES = np.zeros((0, 4), np.float32)
NO_TARGETS = np.zeros((0, 2))


def boxes(*corners: tuple[float, float, float, float]) -> np.ndarray:
    return np.array(corners, np.float32).reshape(-1, 4)


def test_hand_made_frames():
    rated = DetectionProbability()
    # Found 2 px off; a false alarm of 4x3 pixels.
    match = rated.add(boxes((10, 10, 14, 14), (30, 20, 34, 23)), np.array([[12.0, 14.0]]), 100, 50)
    assert match.pairs.tolist() == [[0, 0]]
    assert match.false_alarms.tolist() == [1]
    # Missed by 4 px: a miss and a false alarm of 4x4 pixels.
    rated.add(boxes((10, 10, 14, 14)), np.array([[16.0, 12.0]]), 100, 50)
    # Nothing there, nothing found.
    rated.add(NO_BOXES, NO_TARGETS, 100, 50)
    counts = rated.counts
    assert (counts.images, counts.targets, counts.detected) == (3, 2, 1)
    assert (counts.false_alarms, counts.false_pixels, counts.pixels) == (2, 28, 15000)
    assert counts.pd == 0.5
    assert counts.fa == 28 / 15000
    assert counts.false_alarms_per_image == 2 / 3


def test_nothing_to_rate_is_none_not_zero():
    rated = DetectionProbability()
    assert rated.counts.pd is rated.counts.fa is rated.counts.false_alarms_per_image is None
    rated.add(boxes((0, 0, 2, 2)), NO_TARGETS, 10, 10)
    assert rated.counts.pd is None
    assert rated.counts.fa == 0.04
    assert rated.counts.false_alarms_per_image == 1.0


def test_false_alarm_as_large_as_the_matched_box_counts():
    rated = DetectionProbability()
    rated.add(boxes((10, 10, 14, 14), (40, 30, 44, 34)), np.array([[12.0, 12.0]]), 100, 50)
    assert rated.counts.false_pixels == 16


def test_pixels_under_several_false_alarms_count_once():
    rated = DetectionProbability()
    rated.add(boxes((0, 0, 4, 4), (2, 2, 6, 6), (0, 0, 4, 4)), NO_TARGETS, 20, 20)
    assert rated.counts.false_alarms == 3
    assert rated.counts.false_pixels == 16 + 16 - 4


def test_duplicate_on_a_detected_target_is_a_false_alarm():
    rated = DetectionProbability()
    rated.add(boxes((10, 10, 14, 14), (11, 10, 15, 14)), np.array([[12.0, 12.0]]), 100, 50)
    assert rated.counts.detected == 1
    assert rated.counts.false_alarms == 1
    assert rated.counts.false_pixels == 16


@pytest.mark.parametrize(
    ("box", "pixels"),
    [
        ((-2, -2, 2, 3), 6),  # clipped to 2x3
        ((18, 18, 25, 25), 4),
        ((30, 30, 34, 34), 0),  # outside altogether
        ((-9, 3, -4, 6), 0),
        ((5.4, 5.4, 7.6, 6.4), 3),  # the centres 5.5, 6.5, 7.5 and 5.5
        ((5.6, 5.6, 6.4, 6.4), 1),  # no centre inside: the pixel under its own
        ((0, 0, 20, 20), 400),
    ],
)
def test_pixels_of_a_box(box, pixels):
    rated = DetectionProbability()
    rated.add(boxes(box), NO_TARGETS, 20, 20)
    assert rated.counts.false_pixels == pixels


def test_frames_of_changing_size_do_not_leak_into_each_other():
    rated = DetectionProbability()
    for width, height in ((20, 20), (20, 20), (30, 10), (20, 20)):
        rated.add(boxes((1, 1, 4, 4)), NO_TARGETS, width, height)
    assert rated.counts.false_pixels == 4 * 9
    assert rated.counts.pixels == 3 * 400 + 300


@pytest.mark.parametrize("distance", [0.0, -1.0, math.nan, math.inf])
def test_distance_out_of_range(distance):
    with pytest.raises(OptionError, match="matching distance"):
        DetectionProbability(distance)


frame = st.integers(0, 2**32 - 1).map(np.random.default_rng)


@given(frame)
def test_bounds_order_and_pixel_count(random):
    rated, rated_again = DetectionProbability(), DetectionProbability()
    drawn = np.zeros((24, 32), bool)
    starts = random.uniform(-4, 30, (random.integers(0, 8), 2))
    found = np.concatenate([starts, starts + random.uniform(0.2, 9, starts.shape)], axis=1).astype(np.float32)
    targets = random.uniform(0, 24, (random.integers(0, 6), 2))
    match = rated.add(found, targets, 32, 24)
    order, target_order = random.permutation(len(found)), random.permutation(len(targets))
    rated_again.add(found[order], targets[target_order], 32, 24)
    assert rated.counts.detected == rated_again.counts.detected
    assert rated.counts.false_pixels == rated_again.counts.false_pixels
    assert rated.counts.pd is None or 0 <= rated.counts.pd <= 1
    assert 0 <= rated.counts.fa <= 1
    assert rated.counts.false_alarms + rated.counts.detected == len(found)
    rows, columns = np.mgrid[:24, :32] + 0.5
    for left, top, right, bottom in found[match.false_alarms].tolist():
        inside_x = (columns >= left) & (columns < right)
        if not ((np.arange(-50, 60) + 0.5 >= left) & (np.arange(-50, 60) + 0.5 < right)).any():
            inside_x = columns == math.floor((left + right) / 2) + 0.5
        inside_y = (rows >= top) & (rows < bottom)
        if not ((np.arange(-50, 60) + 0.5 >= top) & (np.arange(-50, 60) + 0.5 < bottom)).any():
            inside_y = rows == math.floor((top + bottom) / 2) + 0.5
        drawn |= inside_x & inside_y
    assert rated.counts.false_pixels == drawn.sum()


@given(frame)
def test_perfect_detections_give_one_and_zero(random):
    rated = DetectionProbability()
    centres = random.uniform(0, 200, (random.integers(1, 9), 2)).astype(np.float32)
    size = random.uniform(1, 8, centres.shape).astype(np.float32)
    rated.add(np.concatenate([centres - size / 2, centres + size / 2], axis=1), centres, 200, 200)
    assert rated.counts.pd == 1.0
    assert rated.counts.fa == 0.0
