from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("scipy")

from robustness import BAD_PIXELS, CONDITIONS, Counts, pairs

from edge_irdet.detection.detections import Detections
from edge_irdet.evaluation.video_rates import THRESHOLDS

LARGE = np.array([[100.0, 100.0, 160.0, 140.0]])
"""A labelled box of 60x40 px with its centre at (130, 120)."""


def found(*centres_and_scores: tuple[float, float, float]) -> Detections:
    boxes = np.array([(x - 2, y - 2, x + 2, y + 2) for x, y, _ in centres_and_scores], np.float32)
    scores = np.array([score for *_, score in centres_and_scores], np.float32)
    return Detections(boxes.reshape(-1, 4), scores, np.zeros(len(scores), np.int64))


def at(score: float, counts: Counts) -> tuple[int, int, int]:
    index = int(np.abs(THRESHOLDS - score).argmin())
    return int(counts.found[index]), int(counts.false_alarms[index]), int(counts.doubles[index])


def test_a_centre_off_by_five_pixels_is_a_hit_and_off_by_more_only_in_the_box() -> None:
    for x, by_centre, by_box in ((134, 1, 1), (137, 0, 1), (158, 0, 1), (163, 0, 0)):
        results = []
        for rule in (False, True):
            counts = Counts()
            counts.add(found((x, 120, 0.9)), LARGE, rule)
            results.append(at(0.5, counts)[0])
        assert results == [by_centre, by_box]


def test_a_second_detection_of_a_target_is_a_false_alarm_and_a_double() -> None:
    counts = Counts()
    counts.add(found((130, 120, 0.9), (131, 121, 0.6), (10, 10, 0.4)), LARGE, False)
    assert at(0.7, counts) == (1, 0, 0)
    assert at(0.5, counts) == (1, 1, 1)
    assert at(0.3, counts) == (1, 2, 1)
    assert (counts.frames, counts.targets) == (1, 1)


def test_a_frame_without_targets_counts_false_alarms_alone() -> None:
    counts = Counts()
    counts.add(found((10, 10, 0.8)), np.zeros((0, 4)), False)
    counts.add(found(), np.zeros((0, 4)), False)
    assert at(0.5, counts) == (0, 1, 0)
    summary = counts.summary(int(np.abs(THRESHOLDS - 0.5).argmin()))
    assert (summary["detection_rate"], summary["false_alarms_per_frame"]) == (None, 0.5)


def test_the_matching_is_the_largest_and_not_greedy() -> None:
    """The first detection may be either target, the second only one of them."""
    allowed = np.array([[True, True], [True, False]])
    assert pairs(np.zeros((2, 2)), allowed) == 2
    assert pairs(np.zeros((0, 2)), np.zeros((0, 2), bool)) == 0


@pytest.mark.parametrize("name", CONDITIONS)
def test_conditions_keep_the_frame_they_are_given(name: str) -> None:
    image = np.random.default_rng(0).integers(20, 200, (48, 64)).astype(np.uint8)
    before = image.copy()
    spoilt = CONDITIONS[name](image, np.random.default_rng(1))
    assert (spoilt.shape, spoilt.dtype) == (image.shape, np.uint8)
    np.testing.assert_array_equal(image, before)
    assert (name == "plain") == np.array_equal(spoilt, image)


def test_bad_pixels_are_as_many_as_stated_and_of_their_kind() -> None:
    image = np.full((200, 300), 90, np.uint8)
    for name, level in (("hot-pixels", 255), ("dead-pixels", 0)):
        spoilt = CONDITIONS[name](image, np.random.default_rng(1))
        assert 0 < (spoilt == level).sum() <= BAD_PIXELS
        assert set(np.unique(spoilt)) == {level, 90}
